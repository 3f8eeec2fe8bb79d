"""Puts the server's binary into the wheel, as the command `lclq`. `build-wheel` says which binary."""

import os
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CarryBinary(BuildHookInterface):
    def initialize(self, version, build_data):
        if version == "editable":
            return  # there the server is found by LCLQ_BIN or on PATH
        try:
            binary = Path(os.environ["LCLQ_WHEEL_BINARY"]).resolve(strict=True)
            platform = os.environ["LCLQ_WHEEL_PLATFORM"]
        except KeyError as missing:
            raise SystemExit(f"{missing} isn't set: wheels are built by kits/python/build-wheel") from None
        name = "lclq.exe" if platform.startswith("win") else "lclq"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"
        build_data["shared_scripts"] = {str(binary): name}
