"""MD5 sums as SDKs check them, written from the published algorithm, not from any server's code."""

import hashlib
import struct


def of_body(body):
    return hashlib.md5(body.encode("utf-8")).hexdigest()


def of_attributes(attributes):
    """Each attribute in name order: length and name, length and type, 1 or 2, length and value."""
    digest = hashlib.md5()

    def add(data):
        digest.update(struct.pack(">I", len(data)))
        digest.update(data)

    for name in sorted(attributes):
        attribute = attributes[name]
        data_type = attribute["DataType"]
        add(name.encode("utf-8"))
        add(data_type.encode("utf-8"))
        if data_type.split(".")[0] == "Binary":
            digest.update(b"\x02")
            add(attribute["BinaryValue"])
        else:
            digest.update(b"\x01")
            add(attribute["StringValue"].encode("utf-8"))
    return digest.hexdigest()
