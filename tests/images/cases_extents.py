"""Promise: the contents of files are complete, or an error is reported (E35 to E41)."""
from builder import DIRECTORY, MULTI_EXTENT, SECTOR, Disc, content, hostile, record
from edge import Sparse, ask, digest, dots, file_record, raw_directory

FAR = 1 << 21           # the sector at 4 GiB
VERY_FAR = (1 << 31) + 5  # does not fit into a signed 32-bit number


def sections(disc, name, parts, seen=None, error=None):
    """Returns the records of a file of several sections, each placed separately."""
    whole = b"".join(parts)
    disc.see("f", seen or name, len(whole), error or digest(whole))
    return [record(name + b".;1", disc.place(part), len(part),
                   MULTI_EXTENT if i + 1 < len(parts) else 0) for i, part in enumerate(parts)]


def shared_extents():
    """E36: files that share an extent, one of them a prefix, one empty."""
    disc, text = Disc(), b"shared\n"
    lba = disc.place(text)
    for name, size in ((b"ONE", 7), (b"TWO", 7), (b"PART", 3), (b"NONE", 0)):
        disc.see("f", name, size, digest(text[:size]))
    return disc.finish(disc.directory([record(b"NONE.;1", lba, 0), record(b"ONE.;1", lba, 7),
                                       record(b"PART.;1", lba, 3), record(b"TWO.;1", lba, 7)]))


# CB24.
def neighbours_do_not_leak():
    """E37: bytes after a file's last byte in its sector are not shown."""
    disc, records = Disc(), []
    for size in (1, 100, 2047, 2049):
        text = content(size, size)
        lba = disc.place(text + b"\xee" * (-size % SECTOR))
        disc.see("f", b"F%d" % size, size, digest(text))
        records.append(record(b"F%d.;1" % size, lba, size))
    return disc.finish(disc.directory(records))


# CB10.
def two_contiguous_sections():
    """E38: as mkisofs writes files of more than 4 GiB, with small sections."""
    disc = Disc()
    return disc.finish(disc.directory(sections(disc, b"BIG", [content(1, 4 * SECTOR),
                                                              content(2, 3000)])))


def sections_that_end_within_a_sector():
    """E38: sections of 700, 1, 2049, 0 and 5000 bytes."""
    disc = Disc()
    parts = [content(i, size) for i, size in enumerate((700, 1, 2049, 0, 5000))]
    return disc.finish(disc.directory(sections(disc, b"ODD", parts)))


def sections_across_directory_sectors():
    """E38: 101 records of one file; they fill three sectors."""
    disc = Disc()
    parts = [content(i, SECTOR) for i in range(101)]
    after = file_record(disc, b"NEXT.;1")
    return disc.finish(disc.directory(sections(disc, b"MANY", parts) + [after]))


def last_section_missing():
    """E38: the directory ends after a record that announces another section."""
    disc, text = Disc(), b"promising"
    good = file_record(disc, b"A.;1")
    disc.see("f", b"B", len(text), "EIO")
    item = record(b"B.;1", disc.place(text), len(text), MULTI_EXTENT)
    return hostile(disc.finish(disc.directory([good, item])), "mount")


def section_of_another_name():
    """E38: the next record belongs to another file, which is complete; the first file is not."""
    disc, text = Disc(), b"promising"
    disc.see("f", b"A", len(text), "EIO")
    item = record(b"A.;1", disc.place(text), len(text), MULTI_EXTENT)
    return hostile(disc.finish(disc.directory([item, file_record(disc, b"B.;1")])), "mount")


def section_of_another_version():
    """E38: A;1 announces another section, but A;2 follows: a separate file, which is shown."""
    disc = Disc()
    item = record(b"A.;1", disc.place(b"promising"), 9, MULTI_EXTENT)
    disc.finish(disc.directory([item, file_record(disc, b"A.;2")]))
    return hostile(ask(disc, "cat '/System/A;1'", b"", 1), "mount")


def too_many_sections():
    """E38: 5,000 sections; the other files of the directory are listed."""
    disc = Disc()
    lba = disc.place(b"x" * SECTOR)
    items = [record(b"MANY.;1", lba, SECTOR, MULTI_EXTENT)] * 4999
    items.append(record(b"MANY.;1", lba, SECTOR))
    before, after = file_record(disc, b"A.;1"), file_record(disc, b"Z.;1")
    return hostile(disc.finish(disc.directory([before] + items + [after])), "bounded")


# CB16.
def larger_than_32_bits():
    """E38: two sections of nearly 4 GiB each, whose bytes are not on the disc."""
    disc, size = Disc(), 0xFFFFF800
    disc.see("f", b"HUGE", 2 * size, "EIO")
    disc.see("f", b"TAIL", 7, digest(b"a file\n"))
    tail = record(b"TAIL.;1", disc.place(b"a file\n"), 7)
    return hostile(disc.finish(disc.directory(
        [record(b"HUGE.;1", 0x00F00000, size, MULTI_EXTENT),
         record(b"HUGE.;1", 0x10F00000, size), tail])), "mount")


def bad_sector_in_a_file():
    """E41: a file of 20 sectors whose 13th cannot be read. An image cannot contain such a sector:
    the device that shows the image must fail at sector disc.bad."""
    disc, text = Disc(), content(41, 20 * SECTOR)
    disc.see("f", b"BROKEN", len(text), "EIO")
    lba = disc.place(text)
    disc.bad = lba + 12
    items = [record(b"BROKEN.;1", lba, len(text)), file_record(disc, b"WHOLE.;1")]
    disc.readable = text[:12 * SECTOR]
    return hostile(disc.finish(disc.directory(items)), "mount")


# CB17.
def reads_at_the_edges():
    """E39: reads before, at and after the end of a file of three bytes."""
    disc = Disc()
    disc.finish(disc.directory([file_record(disc, b"ABC.;1", b"abc")]))
    return ask(disc, "cat /System/ABC", b"abc")


def far_disc(lba):
    """Returns a disc with a file, a directory and a file in it, from this sector on."""
    disc = Sparse()
    near, text, inside = file_record(disc, b"NEAR.;1"), content(lba, 5000), b"in a far directory\n"
    disc.see("f", b"FAR", len(text), digest(text))
    disc.see("d", b"SUB")
    disc.see("f", b"SUB/IN", len(inside), digest(inside))
    records = [record(b"FAR.;1", lba, len(text)), near, record(b"SUB", lba + 4, SECTOR, DIRECTORY)]
    disc.finish(disc.directory(records))
    disc.place_far(lba, text)
    inner = record(b"IN.;1", lba + 5, len(inside))
    disc.place_far(lba + 4, dots(lba + 4, SECTOR) + inner)
    disc.place_far(lba + 5, inside)
    return disc


# CB16.
def beyond_4_gib():
    """E40: the sector number times 2048 needs more than 32 bits."""
    return far_disc(FAR)


def beyond_4_tib():
    """E40: the sector number needs its 32nd bit."""
    return far_disc(VERY_FAR)


def across_4_gib():
    """E40: a file that begins before and ends after 4 GiB."""
    disc, text = Sparse(), content(4, 6 * SECTOR)
    disc.see("f", b"ACROSS", len(text), digest(text))
    disc.finish(disc.directory([record(b"ACROSS.;1", FAR - 3, len(text))]))
    disc.place_far(FAR - 3, text)
    return disc


# CB24.
def extents_past_the_end():
    """E20, E35: the disc ends before, inside and directly after a file."""
    disc = Disc()
    names = (b"GONE", b"HALF", b"WRAPS")
    disc.see("f", b"GONE", 5000, "EIO")
    disc.see("f", b"HALF", 5000, "EIO")
    disc.see("f", b"WRAPS", 0xFFFFFFFF, "EIO")
    whole = file_record(disc, b"WHOLE.;1")
    lba = disc.next
    root = (lba, SECTOR)
    disc.next += 4
    disc.write(lba, bytes(4 * SECTOR))
    places = ((0x00FFFFFF, 5000), (lba + 5, 5000), (0xFFFFFFFF, 0xFFFFFFFF))
    items = [record(name + b".;1", *place) for name, place in zip(names, places)]
    disc.directory([*items, whole], lba=lba)
    disc.finish(root)
    # the path tables that finish() placed are the last two sectors: HALF's second is the last
    assert len(disc.data) == (lba + 6) * SECTOR
    return hostile(disc, "mount")


def section_before_300_mb_of_zeros():
    """E38: a section record in a directory whose remaining 300 MB are zeros."""
    disc = Sparse()
    lba = disc.next
    item = record(b"A.;1", 30, 7, MULTI_EXTENT)
    size = 300 << 20
    raw_directory(disc, dots(lba, size) + item, lba)
    disc.next += 1
    disc.finish((lba, size))
    disc.place_far(lba + size // SECTOR, b"\0")
    disc.lines = {}
    return hostile(disc, "bounded")


CASES = [shared_extents, neighbours_do_not_leak, two_contiguous_sections,
         sections_that_end_within_a_sector, sections_across_directory_sectors,
         last_section_missing, section_of_another_name, section_of_another_version,
         too_many_sections, larger_than_32_bits, reads_at_the_edges, beyond_4_gib, beyond_4_tib,
         across_4_gib, extents_past_the_end, section_before_300_mb_of_zeros]
