"""Promise: a disc made to keep a reader busy ends, in bounded time and memory, in a listing or an
error.
"""
from builder import (DIRECTORY, DOT, SECTOR, Disc, both32, hostile, pack_records, record, rock_root, su, su_ce,
                     su_nm, su_px, terminator, volume_descriptor)
from edge import Sparse, dots, file_record, raw_directory
from cases_records import many


def continuations_everywhere():
    """E54: 2,000 records, each with a CE that points to itself."""
    disc = Disc()
    lba = disc.next
    disc.place(su_ce(lba, 0, SECTOR).ljust(SECTOR, b"\0"))
    text = disc.place(b"a file\n")
    use = su_px(0o100644) + su_ce(lba, 0, SECTOR)
    records = [record(b"F%04d.;1" % i, text, 7, system_use=use) for i in range(2000)]
    return hostile(disc.finish(rock_root(disc, records)), "bounded")


def overlapping_directories():
    """E23: 400 nested directories; each begins one sector after its parent and ends with it."""
    disc, count = Disc(), 400
    top = disc.next
    disc.next += count
    for i in range(count):
        lba, size = top + i, (count - i) * SECTOR
        data = dots(lba, size) + record(b"NEXT", lba + 1, size - SECTOR, DIRECTORY)
        data += b"".join(record(b"F%02d.;1" % n, 16, 1) for n in range(40))
        disc.write(lba, data.ljust(SECTOR, b"\0"))
    return hostile(disc.finish((top, count * SECTOR)), "bounded")


def overlapping_directories_without_dots():
    """E23: the same, without a "." that marks the start of another directory."""
    disc, count = Disc(), 150
    top = disc.next
    disc.next += count
    for i in range(count):
        lba, size = top + i, (count - i) * SECTOR
        data = record(b"N%03d" % i, lba + 1, size - SECTOR, DIRECTORY)
        disc.write(lba, data.ljust(SECTOR, b"\0"))
    return hostile(disc.finish((top, count * SECTOR)), "bounded")


def many_entries_and_a_sector_past_the_end():
    """E20: 8,000 entries can be listed, but the next sector cannot be read: `ls -l` must not read
    the directory again for each entry."""
    disc = Disc()
    disc.see("d", b"BIG", digest="EIO")
    records, top = many(disc, 8000, b"F%04d.X;1", b"BIG/"), disc.allocate(SECTOR)
    lba, size = disc.directory(records, parent=(top, SECTOR))
    big = record(b"BIG", lba, size + SECTOR, DIRECTORY)
    disc.write(top, pack_records([dots(top, SECTOR), big]))
    root = record(DOT, top, SECTOR, DIRECTORY)
    blocks = len(disc.data) // SECTOR
    disc.write(16, volume_descriptor(1, root, blocks, (10, 19, 20)) + terminator())
    return hostile(disc, "mount")


def directory_of_4_gib():
    """E20: a root of 4 GiB, all present on the device; all sectors except the first are zeros."""
    disc = Sparse()
    lba = disc.next
    raw_directory(disc, dots(lba, 0xFFFFF800) + file_record(disc, b"FILE.;1"), lba + 1)
    disc.next = lba + 2
    disc.finish((lba + 1, 0xFFFFF800))
    disc.place_far(400 << 9, b"\0")
    disc.lines = {}  # how far the listing of a root comes is not specified
    return hostile(disc, "bounded")


def directories_to_the_devices_end():
    """E20: 200 directories of 4 GiB each, which share all sectors except their first."""
    disc, records = Disc(), []
    for i in range(200):
        lba = disc.next
        disc.place(dots(lba, 0xFFFFF800) + record(b"IN.;1", 16, 1))
        records.append(record(b"D%03d" % i, lba, 0xFFFFF800, DIRECTORY))
    return hostile(disc.finish(disc.directory(records)), "bounded")


def names_that_meet():
    """E24: 20,000 equal names, half of which already have the suffix that numbering adds."""
    disc, records = Disc(), []
    lba = disc.place(b"a file\n")
    for i in range(10000):
        records.append(record(b"SAME", lba, 7))
        records.append(record(b"SAME~%d" % (i + 2), lba, 7))
    return hostile(disc.finish(disc.directory(records)), "bounded")


def deep_tree():
    """1,000 nested directories."""
    disc, count = Disc(), 1000
    top = disc.next
    disc.next += count
    for i in range(count):
        inner = [record(b"D", top + i + 1, SECTOR, DIRECTORY)] if i + 1 < count else []
        disc.directory(inner, lba=top + i, parent=(top + max(0, i - 1), SECTOR))
    return hostile(disc.finish((top, SECTOR)), "bounded")


def child_links_to_one_directory():
    """E55: 2,000 CL entries, all to one directory."""
    disc = Disc()
    inner = disc.directory([record(b"IN.;1", 16, 1, system_use=su_nm(b"in"))])
    records = [record(b"C%04d.;1" % i, 16, 0,
                      system_use=su_nm(b"c%04d" % i) + su(b"CL", both32(inner[0])))
               for i in range(2000)]
    return hostile(disc.finish(rock_root(disc, records)), "bounded")


CASES = [continuations_everywhere, overlapping_directories, overlapping_directories_without_dots,
         many_entries_and_a_sector_past_the_end, directory_of_4_gib,
         directories_to_the_devices_end, names_that_meet, deep_tree, child_links_to_one_directory]
