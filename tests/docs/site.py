#!/usr/bin/env python3
"""Checks the built site (target/docs): links, anchors, and that listed answers are two clicks away.

A click follows a link of a page's own text; the menu, which leads everywhere from everywhere, doesn't count.
"""

import re
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
SITE = REPO / "target" / "docs"
CLICKS_MAX = 2


class Page(HTMLParser):
    """A page's anchors, all its links, and those of its own text with what they are called."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.path = path
        self.anchors, self.links, self.own = set(), [], []
        self.sections = {"": ""}  # the text behind each anchor
        self._depth = 0  # of elements within the page's own text
        self._open = None  # the link whose text is being read
        self._section = ""
        self._skipped = 0
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        void = tag in {"br", "img", "hr", "input", "meta", "link", "path", "wbr"}
        if self._depth and not void:
            self._depth += 1
        elif tag == "article":
            self._depth = 1
        for name in ("id", "name"):
            if given.get(name):
                self.anchors.add(given[name])
        if tag in {"script", "style"}:
            self._skipped += 1
        if self._depth and tag in {"h1", "h2", "h3", "h4"}:
            self._section = given.get("id", "")
            self.sections.setdefault(self._section, "")
        for name in ("href", "src"):
            if given.get(name):
                self.links.append(given[name])
        if tag == "a" and self._depth and given.get("href"):
            self._open = [given["href"], ""]

    def handle_endtag(self, tag):
        if tag in {"script", "style"}:
            self._skipped -= 1
        if tag == "a" and self._open:
            self.own.append((" ".join(self._open[1].split()), self._open[0]))
            self._open = None
        if self._depth:
            self._depth -= 1

    def handle_data(self, data):
        if self._skipped or not self._depth:
            return
        self.sections[self._section] += data
        if self._open:
            self._open[1] += data


def target(page, link):
    """(file, anchor) that a link of a page leads to; None where it leaves the site."""
    if urlsplit(link).scheme or link.startswith("//"):
        return None
    path, anchor = urldefrag(link)
    file = (page.path.parent / unquote(path)).resolve() if path else page.path
    if file.is_dir():
        file /= "index.html"
    return file, unquote(anchor)


def broken(pages):
    checked = 0
    for page in pages.values():
        for link in page.links:
            found = target(page, link)
            if found is None:
                continue
            checked += 1
            file, anchor = found
            where = page.path.relative_to(SITE)
            if not file.exists():
                yield f"{where}: {link} leads nowhere"
            elif anchor and file in pages and anchor not in pages[file].anchors:
                yield f"{where}: {link} has no such anchor"
    print(f"links: {checked} within the site on {len(pages)} pages")


def broken_beside():
    """Links of the repository's own pages to files of it."""
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"):
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", (REPO / name).read_text()):
            if not urlsplit(link).scheme and not (REPO / link).exists():
                yield f"{name}: {link} leads nowhere"


def unanswered(pages):
    questions = tomllib.loads((HERE / "questions.toml").read_text())["question"]
    for question in questions:
        asked, clicks = question["asks"], question["clicks"]
        if len(clicks) > CLICKS_MAX:
            yield f"{asked}: takes {len(clicks)} clicks"
            continue
        page, anchor = pages[SITE / "index.html"], ""
        for called in clicks:
            links = [link for text, link in page.own if text == called]
            if not links:
                yield f"{asked}: {page.path.relative_to(SITE)} has no link {called!r}"
                break
            file, anchor = target(page, links[0])
            page = pages[file]
        else:
            text = page.sections.get(anchor, "") if anchor else " ".join(page.sections.values())
            if question["finds"].lower() not in " ".join(text.split()).lower():
                yield f"{asked}: {page.path.relative_to(SITE)}#{anchor} doesn't say {question['finds']!r}"
    print(f"answers: {len(questions)} questions, at most {CLICKS_MAX} clicks each")
    if len(questions) < 20:
        yield f"only {len(questions)} questions are listed"


def main():
    pages = {path.resolve(): Page(path.resolve()) for path in SITE.rglob("*.html") if path.name != "404.html"}
    wrong = [*broken(pages), *broken_beside(), *unanswered(pages)]
    for line in wrong:
        print(f"FAILED {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
