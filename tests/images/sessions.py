"""Finds the last session of an image that has no table of contents; part of decoder.py.

A session's descriptors begin 16 sectors after its start. All its sector numbers count from the start
of the image. Its root therefore follows its own descriptors, and the root's "." contains the address
of the root.
"""
import struct

SECTOR = 2048
SESSIONS_MAX = 99
GAPS = (11400, 11402, 6900, 6902)  # sectors between the sessions of a CD


def read(image, sector, length):
    image.seek(sector * SECTOR)
    return image.read(length)


def look_at(image, start):
    """Returns (root's sector, end) of the session that starts at this sector, or None."""
    data = read(image, start + 16, SECTOR)
    if len(data) < SECTOR or data[:7] != b"\1CD001\1" or data[128:130] != b"\0\x08" or not data[181] & 2:
        return None
    size, = struct.unpack_from("<I", data, 80)
    root, = struct.unpack_from("<I", data, 158)
    dot = read(image, root, 34)
    if root <= start + 16 or dot[32:34] != b"\1\0" or dot[2:6] != data[158:162]:
        return None
    return root, start + size


def following(image, start, end):
    """Returns the start of the next session, or None."""
    places = [-(-end // unit) * unit for unit in (1, 16, 32)] + [end + gap for gap in GAPS]
    return next((at for at in places if at > start and look_at(image, at)), None)


def last(image):
    """Returns the start of the last session. Returns 0 if a copy of its descriptors is at the front
    of the image (the sessions then begin at sector 32)."""
    start, found = 0, look_at(image, 0)
    if found and found[0] > 48 and look_at(image, 32):
        return 0
    for _ in range(SESSIONS_MAX - 1):
        at = following(image, start, found[1]) if found else None
        if at is None:
            break
        start, found = at, look_at(image, at)
    return start
