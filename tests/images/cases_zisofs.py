"""Promise: zisofs files with invalid tables report an error and show no wrong byte (E58)."""
import struct
import zlib

from builder import Disc, both32, content, hostile, record, rock_root, su, su_nm
from edge import digest

MAGIC = bytes.fromhex("37E45396C9DBD607")
SIZE = 70000


def packed_record(disc, name, text, raw=None, log2=15, size=None, header=16):
    """Returns the record of a file packed in blocks of 2 ** log2 bytes; raw: other packed bytes."""
    size = len(text) if size is None else size
    use = su_nm(name) + su(b"ZF", b"pz" + bytes([header // 4, log2]) + both32(size))
    raw = pack(text, log2) if raw is None else raw
    return record(name.upper() + b".;1", disc.place(raw), len(raw), system_use=use)


def pack(text, log2, change=lambda at: at):
    """Returns the packed form; change(table) may return another table of block addresses."""
    block = 1 << log2
    parts = [zlib.compress(text[i:i + block]) for i in range(0, len(text), block)]
    at = [16 + 4 * (len(parts) + 1)]
    for part in parts:
        at.append(at[-1] + len(part))
    table = struct.pack(f"<{len(at)}I", *change(at))
    return MAGIC + struct.pack("<IBBH", len(text), 4, log2, 0) + table + b"".join(parts)


def text_of(seed):
    return content(seed, 1000) * (SIZE // 1000)


def block_sizes():
    """Blocks of 32, 64 and 128 KiB, and of 16 KiB, which no known writer uses."""
    disc, records = Disc(), []
    for log2 in (14, 15, 16, 17):
        name, text = b"log%d" % log2, text_of(log2)
        disc.see("f", name, len(text), digest(text))
        records.append(packed_record(disc, name, text, log2=log2))
    return disc.finish(rock_root(disc, records))


def damaged(name, **fields):
    """Returns a disc with a damaged file and a valid one; no byte of the damaged one is shown."""
    disc, text = Disc(), text_of(58)
    disc.see("f", name, fields.get("size") or SIZE, "EUCLEAN")
    disc.see("f", b"good", SIZE, digest(text))
    records = [packed_record(disc, name, text, **fields), packed_record(disc, b"good", text)]
    return hostile(disc.finish(rock_root(disc, records)), "mount")


def wrong_magic():
    """The header does not have the magic number of zisofs."""
    return damaged(b"magic", raw=b"\0" * 8 + pack(text_of(58), 15)[8:])


def header_contradicts():
    """The block size in the header differs from that in ZF."""
    return damaged(b"blocks", raw=pack(text_of(58), 16))


def addresses_descend():
    """The second block begins before the first."""
    return damaged(b"descend", raw=pack(text_of(58), 15, lambda at: at[::-1]))


def addresses_past_the_end():
    """Blocks are beyond the end of the packed file."""
    return damaged(b"past", raw=pack(text_of(58), 15, lambda at: [a + 0x7FFFFFF0 for a in at]))


def packed_bytes_damaged():
    """A block cannot be decompressed."""
    raw = bytearray(pack(text_of(58), 15))
    raw[40:60] = b"\xff" * 20
    return damaged(b"garbage", raw=bytes(raw))


def packed_bytes_missing():
    """The packed file is truncated after its table."""
    return damaged(b"cut", raw=pack(text_of(58), 15)[:60])


def blocks_of_2_to_the_255():
    """A block size whose exponent is too large for a shift."""
    return damaged(b"log255", log2=255, raw=pack(text_of(58), 15))


def size_of_4_gib():
    """ZF gives 4 GiB; the table has three blocks."""
    return damaged(b"large", size=0xFFFFFFFF, raw=pack(text_of(58), 15))


def algorithm_unknown():
    """With an unknown algorithm, the stored bytes are shown unchanged."""
    disc, raw = Disc(), b"packed by an unknown algorithm"
    disc.see("f", b"other", len(raw), digest(raw))
    use = su_nm(b"other") + su(b"ZF", b"qq\4\x0f" + both32(100))
    return disc.finish(rock_root(disc, [record(b"O.;1", disc.place(raw), len(raw),
                                               system_use=use)]))


CASES = [block_sizes, wrong_magic, header_contradicts, addresses_descend, addresses_past_the_end,
         packed_bytes_damaged, packed_bytes_missing, blocks_of_2_to_the_255,
         size_of_4_gib, algorithm_unknown]
