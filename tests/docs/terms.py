#!/usr/bin/env python3
"""Holds the documents' words against terms.toml: what is written otherwise than the field writes it.

Code, links' targets and HTML are left out; pages that commands write are looked at too.
"""

import re
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
NOT_PROSE = [
    re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"`(?:[^`\n]|\n(?!\n))*`"),
    re.compile(r"\]\([^)]*\)"),
    re.compile(r"<https?://[^>]*>|https?://\S+"),
    re.compile(r"^ {4}.*$", re.MULTILINE),
]


def prose(text):
    """The text with everything else blanked, so that lines keep their numbers."""
    for pattern in NOT_PROSE:
        text = pattern.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    return text


def main():
    terms = tomllib.loads((HERE / "terms.toml").read_text())["term"]
    rules = [(re.compile(term["not"]), term["but"]) for term in terms]
    documents = [REPO / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")]
    documents += sorted((REPO / "docs").rglob("*.md"))
    wrong = 0
    for document in documents:
        text = prose(document.read_text())
        for pattern, better in rules:
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                print(f"FAILED {document.relative_to(REPO)}:{line}: {found[0]!r} should be {better!r}")
                wrong += 1
    print(f"terms: {len(rules)} in {len(documents)} documents, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
