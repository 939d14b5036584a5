#!/usr/bin/env python3
"""Makes ISO 9660 images byte by byte: one named function for each edge case.

    python3 tests/images/builder.py OUTDIR

writes for every function of CASES
    NAME.iso        the image
    NAME.manifest   what `manifest` must print, computed from the function's input, not by a decoder
    NAME.expect     for hostile images: `mount` or `refuse`

A case creates a Disc, places contents, lists records, and declares what a reader must show. The
builder corrects nothing: a case can set each field of a descriptor, a record or a system use entry
to any value. Section numbers are those of ECMA-119 and RRIP 1.12.
"""
import hashlib
import os
import random
import re
import struct
import sys
import zlib

SECTOR = 2048
DIRECTORY, ASSOCIATED, MULTI_EXTENT = 0x02, 0x04, 0x80
TIME = (2001, 2, 3, 4, 5, 6)
STAMP = "2001-02-03T04:05:06Z"
DOT, DOTDOT = b"\0", b"\1"


# ---------------------------------------------------------------- fields

def both16(value, big=None):
    return struct.pack("<H", value) + struct.pack(">H", value if big is None else big)


def both32(value, big=None):
    return struct.pack("<I", value) + struct.pack(">I", value if big is None else big)


def time7(time=TIME, quarters=0):
    return bytes([time[0] - 1900, *time[1:]]) + struct.pack("b", quarters)


def time17(time=TIME, quarters=0, hundredths=0):
    return (b"%04d%02d%02d%02d%02d%02d" % time) + b"%02d" % hundredths + struct.pack("b", quarters)


def record(identifier, extent, size, flags=0, time=None, xar=0, unit=0, gap=0, volume=1,
           system_use=b"", length=None, extent_big=None, size_big=None):
    """A directory record, ECMA-119 9.1."""
    body = both32(extent, extent_big) + both32(size, size_big)
    body += (time or time7()) + bytes([flags, unit, gap]) + both16(volume)
    body += bytes([len(identifier)]) + identifier
    body += b"" if len(identifier) % 2 else b"\0"
    body += system_use + (b"" if len(system_use) % 2 == 0 else b"\0")
    whole = len(body) + 2
    assert length is not None or whole <= 255, (identifier, whole)
    return bytes([whole if length is None else length, xar]) + body


def pack_records(records):
    """Concatenates records, none across the end of a sector, and pads to whole sectors."""
    data = bytearray()
    for item in records:
        room = -len(data) % SECTOR
        if 0 < room < len(item):
            data += bytes(room)
        data += item
    return bytes(data + bytes(-len(data) % SECTOR))


def padded(data, width, filler=b" "):
    return data.ljust(width, filler)[:width]


def descriptor_tail(block):
    """Returns the text and time fields of a volume descriptor, from byte 190 on."""
    texts = padded(b"", 128) * 4 + padded(b"", 37) * 3
    return texts + time17() * 2 + (b"0" * 16 + b"\0") * 2 + b"\1\0" + bytes(512 + 653 - len(block))


def volume_descriptor(kind, root, blocks, path_table, name=b"SPINDLE", block_size=2048,
                      block_size_big=None, escapes=b"", version=1):
    """A primary (kind 1) or supplementary (2) descriptor; path_table: (size, L lba, M lba)."""
    data = bytes([kind]) + b"CD001" + bytes([version, 0]) + padded(b"", 32) + padded(name, 32)
    data += bytes(8) + both32(blocks) + padded(escapes, 32, b"\0")
    data += both16(1) + both16(1) + both16(block_size, block_size_big)
    data += both32(path_table[0]) + struct.pack("<II", path_table[1], 0)
    data += struct.pack(">II", path_table[2], 0) + root
    return padded(data + descriptor_tail(b""), SECTOR, b"\0")


def terminator():
    return padded(b"\xffCD001\x01", SECTOR, b"\0")


# ---------------------------------------------------------------- system use entries

def su(tag, body, version=1):
    return tag + bytes([4 + len(body), version]) + body


def su_sp(skip=0):
    return su(b"SP", b"\xbe\xef" + bytes([skip]))


def su_ce(block, offset, length):
    return su(b"CE", both32(block) + both32(offset) + both32(length))


def su_er(identifier=b"RRIP_1991A"):
    return su(b"ER", bytes([len(identifier), 0, 0, 1]) + identifier)


def su_nm(name, flags=0):
    return su(b"NM", bytes([flags]) + name)


def su_px(mode, links=1, serial=None):
    body = both32(mode) + both32(links) + both32(0) + both32(0)
    return su(b"PX", body if serial is None else body + both32(serial))


def su_tf(flags, *stamps):
    return su(b"TF", bytes([flags]) + b"".join(stamps))


def su_sl(components, flags=0):
    """components: (flags, text) each."""
    return su(b"SL", bytes([flags]) + b"".join(bytes([f, len(t)]) + t for f, t in components))


# ---------------------------------------------------------------- the disc

class Disc:
    """The sectors written so far, and what a reader must show of them."""

    def __init__(self, first=24):
        self.data = bytearray()
        self.next = first
        self.lines = {}
        self.expect = None

    def allocate(self, size_bytes):
        lba = self.next
        self.next += max(1, -(-size_bytes // SECTOR))
        return lba

    def write(self, lba, data):
        end = lba * SECTOR + len(data)
        if len(self.data) < end:
            self.data.extend(bytes(end - len(self.data)))
        self.data[lba * SECTOR:end] = data

    def place(self, data):
        lba = self.allocate(len(data))
        self.write(lba, data)
        return lba

    def file(self, path, content, stamp=STAMP):
        """Places a content that must be shown at `path`. Returns (lba, size) for its record."""
        self.see("f", path, len(content), hashlib.sha256(content).hexdigest(), stamp)
        return self.place(content), len(content)

    def see(self, kind, path, size=0, digest="-", stamp=STAMP, target=None):
        """Adds a line to the expected manifest; path and target are bytes."""
        def shown(text):
            return re.sub(rb"[\x00-\x1f\x7f\\]", lambda m: b"\\x%02X" % m.group()[0], text)
        line = f"{kind}\t{size}\t{digest}\t{stamp}\t".encode() + shown(path)
        self.lines[path] = line + (b"" if target is None else b" -> " + shown(target)) + b"\n"

    def see_link(self, path, target, stamp=STAMP):
        self.see("l", path, len(target), "-", stamp, target)

    def manifest(self):
        return b"".join(self.lines[path] for path in sorted(self.lines))

    def directory(self, records, lba=None, parent=None, dot_use=b"", dotdot_use=b"", size=None):
        """Places a directory, with "." and ".." before the records. Returns its (lba, size)."""
        lengths = [record(DOT, 0, 0, system_use=dot_use), record(DOTDOT, 0, 0)]
        size = size or len(pack_records(lengths + records))
        lba = self.allocate(size) if lba is None else lba
        up = parent or (lba, size)
        first = [record(DOT, lba, size, DIRECTORY, system_use=dot_use),
                 record(DOTDOT, *up, DIRECTORY, system_use=dotdot_use)]
        self.write(lba, pack_records(first + records))
        return lba, size

    def path_table(self, root_lba):
        """Places path tables that list only the root: readers here do not use path tables."""
        little = bytes([1, 0]) + struct.pack("<IH", root_lba, 1) + b"\0\0"
        big = bytes([1, 0]) + struct.pack(">IH", root_lba, 1) + b"\0\0"
        return len(little), self.place(little), self.place(big)

    def finish(self, root, root_record=None, terminate=True, joliet=None, **fields):
        """Writes the descriptors from sector 16 on. root: (lba, size); joliet: the same, or None."""
        table = self.path_table(root[0])
        item = root_record or record(DOT, *root, DIRECTORY)
        self.pad()
        blocks = len(self.data) // SECTOR
        sectors = [volume_descriptor(1, item, blocks, table, **fields)]
        if joliet:
            table = self.path_table(joliet[0])
            self.pad()
            sectors.append(volume_descriptor(2, record(DOT, *joliet, DIRECTORY), blocks, table,
                                             "SPINDLE".encode("utf-16-be"), escapes=b"%/E"))
        if terminate:
            sectors.append(terminator())
        self.write(16, b"".join(sectors))
        return self

    def pad(self):
        self.data.extend(bytes(self.next * SECTOR - len(self.data)))


def hostile(disc, expect):
    disc.expect = expect
    return disc


def content(seed, size):
    return random.Random(seed).randbytes(size)


# ---------------------------------------------------------------- plain discs

def plain_two_sector_directory():
    """E17: 100 records of 42 bytes, 0x2A: the second sector begins after 14 bytes of padding."""
    disc, records = Disc(), []
    for i in range(100):
        name = b"FILE%03d.T" % i
        records.append(record(name + b";1", *disc.file(name, content(i, i))))
    inner = [record(b"IN.;1", *disc.file(b"SUB/IN", b"inside\n"))]
    records.append(record(b"SUB", *disc.directory(inner), DIRECTORY))
    disc.see("d", b"SUB")
    return disc.finish(disc.directory(records))


def record_ends_on_sector_boundary():
    """E16: 2 x 34 + 45 x 44 = 2048, so a record ends on the sector's last byte; five follow."""
    disc, records = Disc(), []
    for i in range(50):
        name = b"FILE%03d.T" % i
        records.append(record(name + b";1", *disc.file(name, content(i, 2049))))
    assert sum(map(len, records[:45])) + 68 == SECTOR
    return disc.finish(disc.directory(records))


def no_rock_ridge_versions():
    """E25: plain names: versions and a bare trailing dot are removed, all else is kept."""
    disc, records = Disc(), []
    forms = [(b"A", b"A"), (b"B.", b"B"), (b"C.;1", b"C"), (b"D.TXT;1", b"D.TXT"),
             (b"E.;32767", b"E"), (b"F;7", b"F"), (b"lower.txt;1", b"lower.txt"),
             (b"TWO.DOTS.TXT;1", b"TWO.DOTS.TXT"), (b"WITH BLANK.;1", b"WITH BLANK")]
    for recorded, shown in forms:
        records.append(record(recorded, *disc.file(shown, recorded)))
    return disc.finish(disc.directory(records))


def large_directories():
    """Two directories of 500 long names: their lists take more memory than all other cases."""
    disc, records, lba = Disc(), [], 24
    disc.place(b"shared\n")
    for letter in (b"A", b"B"):
        inner = []
        for i in range(500):
            name = letter * 180 + b"%03d" % i
            disc.see("f", letter + b"/" + name, 7, hashlib.sha256(b"shared\n").hexdigest())
            inner.append(record(name, lba, 7))
        disc.see("d", letter)
        records.append(record(letter, *disc.directory(inner), DIRECTORY))
    return disc.finish(disc.directory(records))


def many_small_files():
    """200 files of one or two sectors, adjacent and in the order of their names."""
    disc, records = Disc(), []
    for i in range(200):
        records.append(record(b"S%03d.;1" % i, *disc.file(b"S%03d" % i, content(i, 1500 + 7 * i))))
    return disc.finish(disc.directory(records))


def sizes_around_a_sector():
    """E35, E37: lengths 0, 1, 2047, 2048, 2049; empty files with any extent address."""
    disc, records = Disc(), []
    for size in (1, 2047, 2048, 2049):
        name = b"S%d" % size
        records.append(record(name + b".;1", *disc.file(name, content(size, size))))
    for number, extent in enumerate((0, 24, 0x7FFFFFFF, 0xFFFFFFFF)):
        name = b"EMPTY%d" % number
        disc.see("f", name, 0, hashlib.sha256(b"").hexdigest())
        records.append(record(name + b".;1", extent, 0))
    return disc.finish(disc.directory(records))


def multi_extent_not_contiguous():
    """E38: three sections in descending order, with a record each; then an ordinary file."""
    disc, parts = Disc(), [content(1, 4096), content(2, 2048), content(3, 700)]
    lbas = [disc.place(part) for part in reversed(parts)][::-1]
    records = [record(b"BIG.;1", lba, len(part), 0 if part is parts[-1] else MULTI_EXTENT)
               for lba, part in zip(lbas, parts)]
    whole = b"".join(parts)
    disc.see("f", b"BIG", len(whole), hashlib.sha256(whole).hexdigest())
    records.append(record(b"NEXT.;1", *disc.file(b"NEXT", b"next\n")))
    return disc.finish(disc.directory(records))


def extended_attribute_record():
    """E29: one block of extended attributes precedes the file's data."""
    disc, text = Disc(), b"after the attributes\n"
    lba = disc.place(bytes(SECTOR) + text)
    disc.see("f", b"XAR", len(text), hashlib.sha256(text).hexdigest())
    return disc.finish(disc.directory([record(b"XAR.;1", lba, len(text), xar=1)]))


def associated_file_hidden():
    """E27: an associated file of the same name precedes the data file."""
    disc = Disc()
    fork = record(b"DATA.;1", disc.place(b"fork"), 4, ASSOCIATED)
    return disc.finish(disc.directory([fork, record(b"DATA.;1", *disc.file(b"DATA", b"data\n"))]))


# CB21.
def dates():
    """E15, E33: offsets from UTC in both directions, the first year, no date, February 30."""
    disc, records = Disc(), []
    forms = [(b"EAST", time7(TIME, 8), "2001-02-03T02:05:06Z"),
             (b"WEST", time7(TIME, -20), "2001-02-03T09:05:06Z"),
             (b"OFFSET", time7(TIME, 100), STAMP),
             (b"FIRST", time7((1900, 1, 1, 0, 0, 0)), "1900-01-01T00:00:00Z"),
             (b"LAST", time7((2155, 12, 31, 23, 59, 59)), "2155-12-31T23:59:59Z"),
             (b"LEAP", time7((2000, 2, 29, 12, 0, 0)), "2000-02-29T12:00:00Z"),
             (b"NONE", bytes(7), "-"), (b"FEB30", time7((2001, 2, 30, 0, 0, 0)), "-"),
             (b"MONTH13", time7((2001, 13, 1, 0, 0, 0)), "-")]
    for name, stamp, shown in forms:
        records.append(record(name + b".;1", *disc.file(name, name, shown), time=stamp))
    return disc.finish(disc.directory(records))


def joliet_only():
    """E62, E64: long names, a surrogate pair, `;1` and a trailing dot; the plain tree is empty."""
    disc, records = Disc(), []
    names = ["A long name with blanks.text", "\u00e9t\u00e9.txt", "\u4e2d\u6587", "\U0001f4bf disc"]
    for name in names:
        shown = name.encode("utf-8")
        recorded = (name + ";1").encode("utf-16-be")
        records.append(record(recorded, *disc.file(shown, shown)))
    dotted = record("dot.;1".encode("utf-16-be"), *disc.file(b"dot", b"dot\n"))
    return disc.finish(disc.directory([]), joliet=disc.directory(records + [dotted]))


# ---------------------------------------------------------------- Rock Ridge

def rock_root(disc, records, **fields):
    """A root directory whose "." has SP, PX, and a CE that points to ER."""
    area = su_er()
    lba = disc.place(area)
    use = su_sp() + su_px(0o040755, 2) + su_ce(lba, 0, len(area))
    return disc.directory(records, dot_use=use, **fields)


def rock_long_name(disc):
    """E49: a name of 250 bytes in three pieces, one in the record and two where CE points."""
    name = b"n" * 60 + b"m" * 100 + b"o" * 90
    area = su_nm(name[60:160], 1) + su_nm(name[160:])
    lba = disc.place(bytes(500) + area)
    use = su_px(0o100644) + su_nm(name[:60], 1) + su_ce(lba, 500, len(area))
    return record(b"LONG.;1", *disc.file(name, b"long\n"), system_use=use)


def rock_times(disc):
    """E53: TF short and long; MODIFY is the second timestamp if CREATION precedes it."""
    other, shown = (1999, 12, 31, 23, 59, 58), "1999-12-31T23:59:58Z"
    uses = {b"short": su_tf(0x02, time7(other)),
            b"short4": su_tf(0x0F, time7(), time7(other), time7(), time7()),
            b"long": su_tf(0x82, time17(other)),
            b"long4": su_tf(0x8F, time17(), time17(other, 0, 99), time17(), time17()),
            b"zone": su_tf(0x82, time17((2000, 1, 1, 1, 59, 58), 8))}
    records = [record(name.upper() + b".;1", *disc.file(name, name, shown),
                      system_use=su_px(0o100600) + su_nm(name) + use)
               for name, use in uses.items()]
    use = su_px(0o100600) + su_nm(b"access") + su_tf(0x04, time7(other))
    return records + [record(b"ACCESS.;1", *disc.file(b"access", b"no modify"), system_use=use)]


def rock_links(disc):
    """E51: each kind of component, a component in two pieces, and SL in two entries over CE."""
    second = su_sl([(0, b"ond"), (0, b"end")])
    lba = disc.place(second)
    forms = [(b"rel", b"a/b", su_sl([(0, b"a"), (0, b"b")])),
             (b"up", b"../../x", su_sl([(4, b""), (4, b""), (0, b"x")])),
             (b"here", b"./y", su_sl([(2, b""), (0, b"y")])),
             (b"abs", b"/abs/z", su_sl([(8, b""), (0, b"abs"), (0, b"z")])),
             (b"root", b"/", su_sl([(8, b"")])),
             (b"pieces", b"abcdef/g", su_sl([(1, b"abc"), (0, b"def"), (0, b"g")])),
             (b"twice", b"first/second", su_sl([(0, b"first")], 1) + su_sl([(0, b"second")])),
             (b"over", b"sec" b"ond/end",
              su_sl([(1, b"sec")], 1) + su_ce(lba, 0, len(second)))]
    records = []
    for name, target, use in forms:
        disc.see_link(b"links/" + name, target)
        use = su_px(0o120777) + su_nm(name) + use
        records.append(record(name.upper() + b".;1", 0, 0, system_use=use))
    disc.see("d", b"links")
    use = su_px(0o040755, 2) + su_nm(b"links")
    return record(b"LINKS", *disc.directory(records), DIRECTORY, system_use=use)


def rock_modes(disc):
    """E50, E56: PX of 36 and of 44 bytes, a FIFO and a device, unknown tags before and after."""
    records = []
    for name, serial in ((b"px36", None), (b"px44", 7)):
        use = su(b"AA", b"\2\0\0\0") + su_px(0o100644, 1, serial) + su_nm(name) + su(b"QQ", b"1")
        records.append(record(name.upper() + b".;1", *disc.file(name, name), system_use=use))
    for name, mode in ((b"fifo", 0o010644), (b"device", 0o020600)):
        disc.see("o", name)
        use = su_px(mode) + su_nm(name) + su(b"PN", both32(4) + both32(64))
        records.append(record(name.upper() + b".;1", 0, 0, system_use=use))
    return records


def rock_ridge_everything():
    """E42..E56 on a valid disc; names in lower case, with blanks, and in UTF-8."""
    disc = Disc()
    records = [rock_long_name(disc), *rock_times(disc), rock_links(disc), *rock_modes(disc)]
    for i, name in enumerate((b"with blank", "\u00fcml\u00e4ut".encode(), b"kept;1", b"dot.",
                              b".hidden", b"back\\slash", b"tab\there")):
        use = su_px(0o100644) + su_nm(name)
        records.append(record(b"N%d.;1" % i, *disc.file(name, name), system_use=use))
    return disc.finish(rock_root(disc, records))


def rock_ridge_relocated():
    """E55: CL in the tree, RE in RR_MOVED; the directory is shown only where CL is."""
    disc, top = Disc(), Disc().next
    disc.next += 1
    disc.write(top, bytes(SECTOR))
    inner = [record(b"DEEP.;1", *disc.file(b"dir/moved/deep", b"deep\n"),
                    system_use=su_nm(b"deep"))]
    moved = disc.directory(inner, parent=(top, SECTOR),
                           dotdot_use=su(b"PL", both32(top)))
    keep = [record(b"MOVED", *moved, DIRECTORY, system_use=su_nm(b"moved") + su(b"RE", b""))]
    cl = record(b"MOVED.;1", *disc.file(b"dir/moved", b"")[:1], 0,
                system_use=su_nm(b"moved") + su(b"CL", both32(moved[0])))
    disc.see("d", b"dir/moved")
    disc.see("d", b"dir")
    disc.see("d", b"rr_moved")
    records = [record(b"DIR", *disc.directory([cl]), DIRECTORY, system_use=su_nm(b"dir")),
               record(b"RR_MOVED", *disc.directory(keep), DIRECTORY,
                      system_use=su_nm(b"rr_moved"))]
    return disc.finish(rock_root(disc, records, lba=top))


def zisofs_file():
    """E58, valid: three blocks of 32 KiB; the second is all zeros and therefore not stored."""
    disc, size = Disc(), 70000
    text = content(5, 1000) * 33
    whole = padded(text[:32768], 65536, b"\0") + text[:size - 65536]
    packed = [zlib.compress(text[:32768]), b"", zlib.compress(text[:size - 65536])]
    at = [16 + 16]
    for block in packed:
        at.append(at[-1] + len(block))
    raw = bytes.fromhex("37E45396C9DBD607") + struct.pack("<IBBH", size, 4, 15, 0)
    raw += struct.pack("<4I", *at) + b"".join(packed)
    disc.see("f", b"packed", size, hashlib.sha256(whole).hexdigest())
    use = su_nm(b"packed") + su(b"ZF", b"pz" + bytes([4, 15]) + both32(size))
    item = record(b"PACKED.;1", disc.place(raw), len(raw), system_use=use)
    return disc.finish(rock_root(disc, [item]))


# ---------------------------------------------------------------- hostile discs

def one_file(disc):
    return record(b"FILE.;1", *disc.file(b"FILE", b"a file\n"))


def self_pointing_directory():
    """E23: a directory that contains itself, one that is the root, and a cycle of two."""
    disc, top = Disc(), Disc().next
    disc.next += 3
    inner = record(b"SELF", top + 1, SECTOR, DIRECTORY)
    kept = record(b"IN.;1", *disc.file(b"SELF/IN", b"in\n"))
    disc.directory([kept, inner], lba=top + 1, parent=(top, SECTOR))
    back = record(b"BACK", top + 1, SECTOR, DIRECTORY)
    disc.directory([back], lba=top + 2, parent=(top + 1, SECTOR))
    for path, digest in ((b"SELF", "-"), (b"SELF/SELF", "ELOOP"), (b"UP", "ELOOP")):
        disc.see("d", path, digest=digest)
    records = [one_file(disc), record(b"SELF", top + 1, SECTOR, DIRECTORY),
               record(b"UP", top, SECTOR, DIRECTORY)]
    return hostile(disc.finish(disc.directory(records, lba=top)), "mount")


def ce_loop():
    """E54: a continuation area that continues in itself; entries before the loop are used."""
    disc = Disc()
    lba = disc.next
    disc.place(su_px(0o100644) + su_ce(lba, 0, 36 + 28))
    use = su_px(0o100644) + su_nm(b"loop") + su_ce(lba, 0, 36 + 28)
    looping = record(b"LOOP.;1", *disc.file(b"loop", b"loop\n"), system_use=use)
    after = record(b"AFTER.;1", *disc.file(b"after", b"after\n"), system_use=su_nm(b"after"))
    return hostile(disc.finish(rock_root(disc, [after, looping])), "mount")


def directory_extent_beyond_device():
    """E20: one directory entirely beyond the end of the disc, and one partly."""
    disc = Disc()
    kept = record(b"KEPT.;1", *disc.file(b"PARTLY/KEPT", b"kept\n"))
    disc.see("d", b"GONE", digest="EIO")
    disc.see("d", b"PARTLY", digest="EIO")
    plain = one_file(disc)
    top, partly = disc.next, disc.next + 1
    records = [plain, record(b"GONE", 0x00FFFFFF, SECTOR, DIRECTORY),
               record(b"PARTLY", partly, 32 * SECTOR, DIRECTORY)]
    disc.directory(records, lba=top)
    disc.next += 2
    disc.directory([kept], lba=partly, parent=(top, SECTOR), size=32 * SECTOR)
    return hostile(disc.finish((top, SECTOR)), "mount")


def bad_both_endian():
    """E4: the big-endian halves differ; the little-endian halves are used."""
    disc = Disc()
    lba, size = disc.file(b"FILE", b"little-endian\n")
    item = record(b"FILE.;1", lba, size, extent_big=1, size_big=0xFFFFFFFF)
    return hostile(disc.finish(disc.directory([item]), block_size_big=512), "mount")


def root_not_directory():
    """E6: the root's record is that of a file, and there is no other tree."""
    disc = Disc()
    root = disc.directory([one_file(disc)])
    return hostile(disc.finish(root, root_record=record(DOT, *root)), "refuse")


def zero_block_size():
    """E5: logical blocks of 0 bytes."""
    disc = Disc()
    return hostile(disc.finish(disc.directory([one_file(disc)]), block_size=0), "refuse")


def no_terminator():
    """E2: garbage follows the primary descriptor instead of a terminator."""
    disc = Disc()
    disc.finish(disc.directory([one_file(disc)]), terminate=False)
    disc.write(17, content(17, 3 * SECTOR))
    return hostile(disc, "mount")


def not_iso():
    """200 sectors of pseudorandom bytes."""
    disc = Disc()
    disc.write(0, content(9660, 200 * SECTOR))
    return hostile(disc, "refuse")


def descriptor_only():
    """A primary descriptor whose root directory is beyond the end of the disc."""
    disc = Disc()
    return hostile(disc.finish((5000, SECTOR)), "refuse")


CASES = [plain_two_sector_directory, record_ends_on_sector_boundary, no_rock_ridge_versions,
         large_directories, many_small_files, sizes_around_a_sector, multi_extent_not_contiguous,
         extended_attribute_record, associated_file_hidden, dates, joliet_only,
         rock_ridge_everything, rock_ridge_relocated, zisofs_file, self_pointing_directory,
         ce_loop, directory_extent_beyond_device, bad_both_endian, root_not_directory,
         zero_block_size, no_terminator, not_iso, descriptor_only]


def write_case(case, folder):
    """Writes the files of a case. Returns the image's path."""
    disc, base = case(), os.path.join(folder, case.__name__)
    with open(base + ".iso", "wb") as image:
        image.write(disc.data)
    if disc.expect != "refuse":
        with open(base + ".manifest", "wb") as text:
            text.write(disc.manifest())
    if disc.expect:
        with open(base + ".expect", "w", encoding="ascii") as text:
            text.write(disc.expect + "\n")
    return base + ".iso"


def main():
    if len(sys.argv) != 2:
        print("usage: builder.py OUTDIR", file=sys.stderr)
        return 2
    os.makedirs(sys.argv[1], exist_ok=True)
    for case in CASES:
        write_case(case, sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
