#!/usr/bin/env python3
"""Has the built site (target/docs) ask no other host: its search works from files, without a network.

Browsers start no workers from files; Zensical's pages fetch a shim for that from a server elsewhere. It is put
into the site instead, from the npm package whose folder is the one argument.
"""

import shutil
import sys
from pathlib import Path

SITE = Path(__file__).resolve().parents[2] / "target" / "docs"
ELSEWHERE = "https://unpkg.com/iframe-worker/shim"
HERE = "assets/javascripts/iframe-worker.js"


def main():
    shutil.copy(Path(sys.argv[1]) / "shim" / "index.js", SITE / HERE)
    pages = list(SITE.rglob("*.html"))
    for page in pages:
        text = page.read_text()
        if ELSEWHERE not in text:
            sys.exit(f"{page.relative_to(SITE)} doesn't ask for the shim: Zensical has changed, look whether search needs it")
        up = "../" * (len(page.relative_to(SITE).parts) - 1)
        page.write_text(text.replace(ELSEWHERE, up + HERE))
    for asked in ("<script src=\"http", "<link href=\"http", "@import"):
        if elsewhere := [page.name for page in pages if asked in page.read_text()]:
            sys.exit(f"{asked} in {', '.join(elsewhere)}: these pages ask another host")
    print(f"offline: {len(pages)} pages ask no other host")


if __name__ == "__main__":
    main()
