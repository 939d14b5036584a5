"""Promise: directory records, well-formed or not, are listed or skipped as E16 to E34 list."""
from builder import (DIRECTORY, SECTOR, Disc, content, hostile, record, rock_root, su, su_nm,
                     su_px)
from edge import ask, digest, directory_record, dots, file_record, raw_directory

TEXT = b"a file\n"


def many(disc, count, shape=b"F%05d.T;1", prefix=b""):
    """Returns the records of `count` files that share one content."""
    lba = disc.place(TEXT)
    names = [shape % i for i in range(count)]
    for name in names:
        disc.see("f", prefix + name.split(b";")[0], len(TEXT), digest(TEXT))
    return [record(name, lba, len(TEXT)) for name in names]


def one_directory(disc, data_of):
    """Returns a disc whose root has the bytes data_of(lba), of any length."""
    size = -(-len(data_of(0)) // SECTOR) * SECTOR
    lba = disc.allocate(size)
    raw_directory(disc, data_of(lba).ljust(size, b"\0"), lba)
    return disc.finish((lba, size))


def fillers(size):
    """Returns records of associated files, which are not listed, of exactly `size` bytes."""
    data, odd = b"", size % 2
    while size - odd > 254:
        data += record(b"X" * 67, 30, 0, 0x04)
        size -= 100
    last = record(b"X" * (size - odd - 33), 30, 0, 0x04)
    return data + bytes([last[0] + odd]) + last[1:] + bytes(odd)


def tails():
    """E17: after the records, 2, 32 and 33 zero bytes are left in a sector."""
    disc = Disc()
    items = [file_record(disc, b"FILE%d.;1" % i) for i in range(4)]

    def data(lba):
        whole = dots(lba, 4 * SECTOR)
        for item, left in zip(items, (2, 32, 33)):
            whole += item + fillers(SECTOR - left - len(item) - len(whole) % SECTOR) + bytes(left)
        return whole + items[3]
    return one_directory(disc, data)


def tail_of_most_of_a_sector():
    """E17: 34 bytes of records, 2014 zero bytes, and more records in the next sector."""
    disc = Disc()
    item = file_record(disc, b"LATER.;1")

    def data(lba):
        dot, dotdot = dots(lba, 3 * SECTOR)[:34], dots(lba, 3 * SECTOR)[34:]
        return dot.ljust(SECTOR, b"\0") + dotdot.ljust(SECTOR, b"\0") + item
    return one_directory(disc, data)


# CB7.
def directory_of_19_sectors():
    """E17: 870 entries."""
    disc = Disc()
    records = many(disc, 870)
    lba, size = disc.directory(records)
    assert size == 19 * SECTOR
    return disc.finish((lba, size))


# CB5.
def two_thousand_entries():
    """E17: 2,000 files beside a directory of 2,000 more."""
    disc = Disc()
    inner = directory_record(disc, b"SUB", many(disc, 2000, prefix=b"SUB/"))
    return disc.finish(disc.directory(many(disc, 2000) + [inner]))


# CB6.
def record_across_sectors():
    """E18: a record begins in one sector and ends in the next; reading resumes at the third."""
    disc = Disc()
    kept, later = file_record(disc, b"KEPT.;1"), file_record(disc, b"LATER.;1")

    def data(lba):
        start = dots(lba, 3 * SECTOR) + kept
        start += fillers(SECTOR - 40 - len(start))
        return start + record(b"CROSSING" * 12, 30, 5)[:40] + bytes(SECTOR) + later
    return hostile(one_directory(disc, data), "mount")


def length_byte_in_last_byte():
    """E19: the sector's last byte begins a record."""
    disc = Disc()
    kept, later = file_record(disc, b"KEPT.;1"), file_record(disc, b"LATER.;1")

    def data(lba):
        start = dots(lba, 2 * SECTOR) + kept
        return start + fillers(SECTOR - 1 - len(start)) + b"\x22" + later
    return hostile(one_directory(disc, data), "mount")


# CB9.
def lengths_that_do_not_fit():
    """E19: lengths 1 and 33, an identifier longer than its record, an empty one: each ends its
    sector."""
    disc = Disc()
    good = [file_record(disc, b"GOOD%d.;1" % i) for i in range(5)]
    bad = [b"\1" * 50, b"\x21" + bytes(60), record(b"LONGER.;1", 30, 5)[:32] + b"\xf0" + b"L" * 20,
           b"\x22" + bytes(31) + b"\0\0"]

    def data(lba):
        whole = dots(lba, 5 * SECTOR)
        for item, wrong in zip(good, bad):
            whole += (item + wrong).ljust(-len(whole) % SECTOR or SECTOR, b"\0")
        return whole + good[4]
    return hostile(one_directory(disc, data), "mount")


# C18, CB18.
def directory_sizes():
    """E20: directories of 0, 1, 2047 and 2049 bytes: the records inside are shown."""
    disc, records = Disc(), []
    for size in (0, 1, 2047, 2049):
        name = b"D%d" % size
        inner = file_record(disc, b"IN.;1", shown=name + b"/IN")
        if size < 2000:
            del disc.lines[name + b"/IN"]
        lba, _ = disc.directory([inner])
        disc.place(b"")
        disc.see("d", name)
        records.append(record(name, lba, size, DIRECTORY))
    return hostile(disc.finish(disc.directory(records)), "mount")


# C12, CB7.
def zero_sector_within():
    """E21: a sector of zeros in the middle; the records after it are shown."""
    disc = Disc()
    first, last = file_record(disc, b"FIRST.;1"), file_record(disc, b"LAST.;1")
    return one_directory(disc, lambda lba: (dots(lba, 3 * SECTOR) + first).ljust(2 * SECTOR, b"\0")
                         + last)


# CB12.
def no_dot_records():
    """E22: neither "." nor "..", in the root and in a subdirectory."""
    disc = Disc()
    inner = file_record(disc, b"IN.;1", shown=b"SUB/IN")
    disc.see("d", b"SUB")
    sub = record(b"SUB", *raw_directory(disc, inner), DIRECTORY)
    return one_directory(disc, lambda lba: file_record(disc, b"FILE.;1") + sub)


def dot_records_last():
    """E22: "." and ".." follow the other records."""
    disc = Disc()
    item = file_record(disc, b"FILE.;1")
    return one_directory(disc, lambda lba: item + dots(lba, SECTOR))


# CB23.
def cycle_of_19():
    """E23: nineteen nested directories, the last of which contains the first."""
    disc, top = Disc(), Disc().next
    disc.next += 20
    path = b""
    for i in range(1, 20):
        path += b"/D" if path else b"D"
        disc.see("d", path)
        disc.directory([record(b"D", top + (i + 1 if i < 19 else 1), SECTOR, DIRECTORY)],
                       lba=top + i, parent=(top + i - 1, SECTOR))
    disc.see("d", path + b"/D", digest="ELOOP")
    disc.directory([record(b"D", top + 1, SECTOR, DIRECTORY)], lba=top)
    return hostile(disc.finish((top, SECTOR)), "mount")


def directories_share_an_extent():
    """E23: two names of one directory; it is entered once."""
    disc = Disc()
    where = disc.directory([file_record(disc, b"IN.;1", shown=b"ONE/IN")])
    disc.see("d", b"ONE")
    disc.see("d", b"TWO", digest="ELOOP")
    return hostile(disc.finish(disc.directory([record(b"ONE", *where, DIRECTORY),
                                               record(b"TWO", *where, DIRECTORY)])), "mount")


# CB20.
def versions_in_any_order():
    """E24: the name finds the highest version; a version number finds each of the others."""
    disc, records = Disc(), []
    for version in (2, 3, 1):
        text = b"version %d\n" % version
        lba = disc.place(text)
        records.append(record(b"FOO.;%d" % version, lba, len(text)))
    disc.see("f", b"FOO", 10, digest(b"version 3\n"))
    records.append(file_record(disc, b"AAA.;1"))
    disc.finish(disc.directory(records))
    for version in (1, 2, 3):
        ask(disc, f"cat '/System/FOO;{version}'", b"version %d\n" % version)
    return ask(disc, "cat '/System/FOO;4'", b"", 1)


def duplicate_names():
    """E24: equal names get distinct numbers."""
    disc, records = Disc(), []
    for shown in (b"SAME", b"SAME~2", b"SAME~3"):
        records.append(record(b"SAME", *disc.file(shown, shown)))
    return disc.finish(disc.directory(records))


def alternating_names():
    """E24: AAAA, BBBB, AAAA ... 8,000 times: numbering continues and does not restart each time."""
    disc, records = Disc(), []
    lba = disc.place(TEXT)
    for i in range(8000):
        name = b"AB"[i % 2:i % 2 + 1] * 4
        shown = name if i < 2 else name + b"~%d" % (i // 2 + 1)
        disc.see("f", shown, len(TEXT), digest(TEXT))
        records.append(record(name, lba, len(TEXT)))
    return disc.finish(disc.directory(records))


# CB19.
def odd_names():
    """E25: characters that are invalid in a path are replaced; each listed name can be opened."""
    disc, records = Disc(), []
    forms = [(b"A;", b"A"), (b";1", b"_"), (b".B", b".B"), (b".", b"_~2"), (b"..", b"_~3"),
             (b"C/D", b"C_D"), (b"C_D", b"C_D~2"), (b"E\0F.;1", b"E_F"), (b"G\\H", b"G\\H"),
             (b"I\xe9J", "IéJ".encode()), (b"K;L", b"K;L"),
             (b"\xff\xfe\xfd", "ÿþý".encode()), (b"M..", b"M."),
             (b" ", b" "), (b"\xc3\xa9", b"\xc3\xa9"), (b"N" * 31, b"N" * 31),
             (b"O" * 37, b"O" * 37), (b"P" * 207, b"P" * 207), (b"\x01\x02", b"\x01\x02")]
    for recorded, shown in forms:
        records.append(record(recorded, *disc.file(shown, recorded)))
    return disc.finish(disc.directory(records))


def names_equal_but_for_case():
    """E26: both are listed; each is found by its exact spelling."""
    disc = Disc()
    records = [record(b"README.;1", *disc.file(b"README", b"large\n"), system_use=su_nm(b"README")),
               record(b"READ2.;1", *disc.file(b"readme", b"small\n"), system_use=su_nm(b"readme"))]
    disc.finish(rock_root(disc, records))
    ask(disc, "cat /System/README", b"large\n")
    return ask(disc, "cat /System/readme", b"small\n")


def attribute_bits():
    """E28: hidden, protection and record format bits: listed and read like other files."""
    disc = Disc()
    records = [file_record(disc, b"F%02X.;1" % flags, flags=flags)
               for flags in (0x01, 0x08, 0x10, 0x19, 0x60)]
    return disc.finish(disc.directory(records))


def extended_attributes_of_a_directory():
    """E29: a directory begins after its extended attribute record."""
    disc = Disc()
    inner = file_record(disc, b"IN.;1", shown=b"SUB/IN")
    lba = disc.allocate(2 * SECTOR)
    disc.write(lba, content(29, SECTOR) + dots(lba + 1, SECTOR) + inner)
    disc.see("d", b"SUB")
    sub = record(b"SUB", lba, SECTOR, DIRECTORY, xar=1)
    return disc.finish(disc.directory([sub]))


# CB10.
def interleaved():
    """E30: two blocks of the file alternate with one block of other data."""
    disc, text = Disc(), content(30, 9 * SECTOR - 100)
    units = [text[i:i + 2 * SECTOR] for i in range(0, len(text), 2 * SECTOR)]
    lba = disc.place(b"".join(unit.ljust(2 * SECTOR, b"\0") + b"\xee" * SECTOR for unit in units))
    disc.see("f", b"MIXED", len(text), digest(text))
    flat = disc.place(text)
    disc.see("f", b"NOGAP", len(text), digest(text))
    return disc.finish(disc.directory([record(b"MIXED.;1", lba, len(text), unit=2, gap=1),
                                       record(b"NOGAP.;1", flat, len(text), unit=2)]))


def interleaved_past_the_end():
    """E30: the gaps lead beyond the end of the disc."""
    disc = Disc()
    disc.see("f", b"MIXED", 40 * SECTOR, "EIO")
    item = record(b"MIXED.;1", disc.place(TEXT), 40 * SECTOR, unit=1, gap=255)
    return hostile(disc.finish(disc.directory([item])), "mount")


def junk_in_the_size():
    """E32: a wrong byte makes the file larger than the disc: an error, not invented bytes."""
    disc = Disc()
    size = 7 | 0x7F << 24
    disc.see("f", b"CRUFT", size, "EIO")
    return hostile(disc.finish(disc.directory([record(b"CRUFT.;1", disc.place(TEXT), size)])),
                   "mount")


def system_use_of_others():
    """E34: Amiga's and Apple's entries before those of Rock Ridge."""
    disc = Disc()
    amiga = su(b"AS", b"\x01\0\0\0\0")
    apple = su(b"AA", b"\x02\0TEXTttxt\0\0") + su(b"BA", b"\x06\0TEXTttxt")
    records = [file_record(disc, b"AMIGA.;1", shown=b"amiga", system_use=amiga + su_nm(b"amiga")),
               file_record(disc, b"APPLE.;1", shown=b"apple",
                           system_use=apple + su_px(0o100644) + su_nm(b"apple"))]
    return disc.finish(rock_root(disc, records))


def acorn():
    """E34: ARCHIMEDES in the system use area of a plain disc."""
    disc = Disc()
    use = b"ARCHIMEDES" + bytes(22)
    return disc.finish(disc.directory([file_record(disc, b"ACORN.;1", system_use=use)]))


CASES = [tails, tail_of_most_of_a_sector, directory_of_19_sectors,
         two_thousand_entries, record_across_sectors, length_byte_in_last_byte,
         lengths_that_do_not_fit, directory_sizes, zero_sector_within, no_dot_records,
         dot_records_last, cycle_of_19, directories_share_an_extent, versions_in_any_order,
         duplicate_names, alternating_names, odd_names, names_equal_but_for_case, attribute_bits,
         extended_attributes_of_a_directory, interleaved, interleaved_past_the_end,
         junk_in_the_size, system_use_of_others, acorn]
