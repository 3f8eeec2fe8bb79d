"""The characters that a message body may and may not hold."""

LEGAL_RANGES = [(0x9, 0xA), (0xD, 0xD), (0x20, 0xD7FF), (0xE000, 0xFFFD), (0x10000, 0x10FFFF)]

# Each just outside a legal range, or in the middle of the control characters.
ILLEGAL = ["\x00", "\x01", "\x08", "\x0b", "\x0c", "\x0e", "\x1f", "\ufffe", "\uffff"]

MIB = 1024 * 1024


def legal_chunks(chunk_bytes):
    """Every legal character once, in strings of at most chunk_bytes of UTF-8."""
    parts, size = [], 0
    for first, last in LEGAL_RANGES:
        for point in range(first, last + 1):
            character = chr(point)
            width = len(character.encode("utf-8"))
            if size + width > chunk_bytes:
                yield "".join(parts)
                parts, size = [], 0
            parts.append(character)
            size += width
    yield "".join(parts)


def is_legal(character):
    return any(first <= ord(character) <= last for first, last in LEGAL_RANGES)
