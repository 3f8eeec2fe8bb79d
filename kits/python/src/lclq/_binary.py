"""Where the server's binary is."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path

NAME = "lclq.exe" if os.name == "nt" else "lclq"


def find_binary() -> str:
    """The path of the binary: what LCLQ_BIN names, else the one of this package, else one on PATH.

    Raises FileNotFoundError where there is none.
    """
    named = os.environ.get("LCLQ_BIN")
    if named:
        if not Path(named).is_file():
            raise FileNotFoundError(f"LCLQ_BIN names {named}, which isn't there")
        return named
    for path in _carried():
        if path.is_file():
            return str(path)
    on_path = shutil.which("lclq")
    if on_path:
        return on_path
    raise FileNotFoundError("the lclq binary isn't in this package nor on PATH: name one by LCLQ_BIN")


def _carried():
    try:
        files = metadata.files("lclq") or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == NAME:
            yield Path(str(file.locate())).resolve()
    # `pip install --target` puts commands beside the packages.
    yield Path(__file__).resolve().parents[1] / "bin" / NAME
