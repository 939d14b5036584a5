#!/usr/bin/env python3
"""Makes inputs of fuzz_mount (form: fuzz.h) of small images.

    python3 tests/fuzz/pack.py OUTDIR [BYTES_MAX]   of every case of tests/images that fits
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "images"))
sys.dont_write_bytecode = True

import builder  # noqa: E402
import edge  # noqa: E402

SECTOR, BLOCKS_MAX = 2048, 16384


def pack(data, options=0, fail=0):
    """The sectors that are not empty; a sector's trailing zeros are left out."""
    packed = b"SPZ1" + struct.pack("<HBB", min(BLOCKS_MAX, len(data) // 512), options, fail)
    for sector in range(min(len(data), BLOCKS_MAX * 512) // SECTOR):
        held = bytes(data[sector * SECTOR:(sector + 1) * SECTOR]).rstrip(b"\0")
        if held:
            packed += struct.pack("<HH", sector, len(held)) + held
    return packed


def main():
    if not 2 <= len(sys.argv) <= 3:
        print("usage: pack.py OUTDIR [BYTES_MAX]", file=sys.stderr)
        return 2
    limit = int(sys.argv[2]) if len(sys.argv) == 3 else 8192
    os.makedirs(sys.argv[1], exist_ok=True)
    for case in builder.CASES + edge.cases():
        disc = case()
        packed = pack(disc.data)
        if len(packed) <= limit and not getattr(disc, "far", None):
            with open(os.path.join(sys.argv[1], case.__name__), "wb") as output:
                output.write(packed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
