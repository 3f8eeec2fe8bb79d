#!/usr/bin/env python3
"""Takes out of a docker-archive what differs from build to build: the names of the builder's containers.

    deploy/container/normalize.py ARCHIVE TAG
"""

import hashlib
import io
import json
import sys
import tarfile

archive, tag = sys.argv[1:]
with tarfile.open(archive) as old:
    (manifest,) = json.load(old.extractfile("manifest.json"))
    config = json.load(old.extractfile(manifest["Config"]))
    layers = {name: old.extractfile(name).read() for name in manifest["Layers"]}
for name in ("container", "container_config"):
    config.pop(name, None)
config["config"].pop("Hostname", None)
config = json.dumps(config, sort_keys=True, separators=(",", ":")).encode()
name = f"{hashlib.sha256(config).hexdigest()}.json"
manifest = [{"Config": name, "RepoTags": [tag], "Layers": list(layers)}]
with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as new:
    for path, content in {**layers, name: config, "manifest.json": json.dumps(manifest).encode()}.items():
        # Everything but name and size is 0.
        entry = tarfile.TarInfo(path)
        entry.size = len(content)
        new.addfile(entry, io.BytesIO(content))
