"""Promise: volume descriptors, valid, unusual or damaged, are read or refused as E1 to E15 list."""
from builder import (DIRECTORY, DOT, SECTOR, Disc, both16, both32, content, hostile, padded,
                     record, su_nm, terminator, time17, volume_descriptor)
from edge import digest, file_record, patch


def simple(**fields):
    """Returns a disc with one file; fields are passed to the descriptor."""
    disc = Disc()
    return disc.finish(disc.directory([file_record(disc, b"FILE.;1")]), **fields)


def move_descriptors(disc, before):
    """Inserts other sectors before the descriptor set of `disc`."""
    old = bytes(disc.data[16 * SECTOR:18 * SECTOR])
    disc.write(16, b"".join(before) + old)
    return disc


def roomy(before):
    """As simple(), with room for `before` more sectors in the descriptor set."""
    disc = Disc(first=24 + before)
    return disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))


# CB1.
def wrong_identifier():
    """E1: the standard identifier is CD002."""
    return hostile(patch(simple(), 16, 1, b"CD002"), "refuse")


def primary_of_version_0():
    """E1: a primary descriptor whose version is 0."""
    return hostile(simple(version=0), "refuse")


def primary_of_other_type():
    """E1: the only descriptor is a partition descriptor."""
    return hostile(patch(simple(), 16, 0, b"\x03"), "refuse")


def descriptors_without_end():
    """E2: 150 boot records follow, without a terminator before the first file's sectors."""
    disc = roomy(170)
    disc.write(17, padded(b"\0CD001\1", SECTOR, b"\0") * 150)
    return hostile(disc, "mount")


def terminator_of_version_0():
    """E2: the terminator has version 0."""
    return patch(simple(), 17, 6, b"\0")


def terminator_first():
    """E2: the set ends before the primary descriptor."""
    return hostile(move_descriptors(roomy(1), [terminator()]), "refuse")


def boot_record_first():
    """E3: El Torito's boot record at 16, the primary descriptor at 17."""
    boot = padded(b"\0CD001\1" + padded(b"EL TORITO SPECIFICATION", 32, b"\0"), SECTOR, b"\0")
    return move_descriptors(roomy(1), [boot])


def two_primaries():
    """E3: a second primary descriptor points elsewhere; the first one is used."""
    disc = roomy(2)
    other = volume_descriptor(1, record(DOT, 5000, SECTOR, DIRECTORY), 10, (10, 19, 20))
    disc.write(17, other + terminator())
    return disc


def halves_differ_everywhere():
    """E4: the big-endian halves of the descriptor are zeros."""
    disc = simple()
    for at in (84, 122, 126, 130, 136, 162, 170):
        patch(disc, 16, at, b"\0\0")
    return hostile(disc, "mount")


def small_blocks(block):
    """Extents are counted in blocks; the file begins inside a sector if the block size allows it."""
    disc, text, ratio = Disc(), content(block, 5000), SECTOR // block
    lba = disc.place(bytes(SECTOR - block) + text)
    disc.see("f", b"FILE", len(text), digest(text))
    item = record(b"FILE.;1", lba * ratio + ratio - 1, len(text))
    at, size = disc.allocate(SECTOR), SECTOR
    first = (record(DOT, at * ratio, size, DIRECTORY) + record(b"\1", at * ratio, size, DIRECTORY))
    disc.write(at, first + item)
    return disc.finish((at, size), root_record=record(DOT, at * ratio, size, DIRECTORY),
                       block_size=block)


def blocks_of_512():
    """E5: logical blocks of 512 bytes."""
    return small_blocks(512)


def blocks_of_1024():
    """E5: logical blocks of 1024 bytes."""
    return small_blocks(1024)


def block_size_3():
    """E5: not a power of two."""
    return hostile(simple(block_size=3), "refuse")


def block_size_4096():
    """E5: larger than a sector."""
    return hostile(simple(block_size=4096), "refuse")


def block_size_65535():
    """E5: the largest value of the field."""
    return hostile(simple(block_size=65535), "refuse")


def root_size_odd():
    """E6: the root's length is not a multiple of the sector size; all its records are inside."""
    disc = Disc()
    lba, _ = disc.directory([file_record(disc, b"FILE.;1")])
    return disc.finish((lba, 200))


# CB1.
def root_size_0():
    """E6: a root of 0 bytes is refused."""
    disc = Disc()
    lba, _ = disc.directory([record(b"UNSEEN.;1", 30, 5)])
    return hostile(disc.finish((lba, 0)), "refuse")


def root_extent_0():
    """E6: the root is in the system area, which contains zeros."""
    disc = simple()
    disc.lines = {}
    return hostile(patch(disc, 16, 158, both32(0)), "bounded")


# CB3.
def volume_names():
    """E7: blanks, NUL and non-ASCII letters in the volume name do not affect the files."""
    return simple(name=b"\xc4 NAME  WITH BLANKS AND \0 LETTERS")


def volume_size_too_large():
    """E8: a truncated download: the descriptor gives 100 times the actual size."""
    disc = simple()
    return hostile(patch(disc, 16, 80, both32(50000)), "mount")


def volume_size_too_small():
    """E8: sectors after the volume's end are read nevertheless if the device has them."""
    return patch(simple(), 16, 80, both32(18))


def run_out_sectors():
    """E8: 150 sectors of padding after the volume."""
    disc = simple()
    disc.data.extend(bytes(150 * SECTOR))
    return disc


def no_path_tables():
    """E9: path tables are missing; reading directories does not need them."""
    return patch(simple(), 16, 132, bytes(24))


def unused_fields_filled():
    """E10: makefs fills reserved fields with blanks, other writers leave arbitrary bytes there."""
    disc = simple()
    patch(disc, 16, 7, b"\xff")
    patch(disc, 16, 72, b" " * 8)
    patch(disc, 16, 88, b"\xaa" * 32)
    return patch(disc, 16, 883, b" " * (SECTOR - 883))


def enhanced_descriptor():
    """E11: ISO 9660:1999's descriptor is skipped, and so are unknown descriptor types."""
    disc = roomy(3)
    root = record(DOT, 5000, SECTOR, DIRECTORY)
    enhanced = volume_descriptor(2, root, 10, (10, 19, 20), version=2)
    unknown = padded(b"\x7fCD001\1", SECTOR, b"\xee")
    disc.write(17, enhanced + unknown + terminator())
    return disc


def high_sierra():
    """E12: CDROM at byte 9 marks another format, High Sierra."""
    disc = Disc()
    disc.write(16, padded(both32(16) + b"\1CDROM\1", SECTOR, b"\0"))
    disc.data.extend(bytes(40 * SECTOR))
    return hostile(disc, "refuse")


def descriptor_dates_wrong():
    """E15: dates that are unset, or have year 0, month 13, or offset 127."""
    disc = simple()
    stamps = [b"0" * 16 + b"\0", time17((0, 1, 1, 0, 0, 0)), time17((2001, 13, 1, 0, 0, 0)),
              time17(quarters=127)]
    return patch(disc, 16, 813, b"".join(stamps))


def sequence_number_of_a_set():
    """E31: the second of two discs contains its own files; files of the first are unavailable."""
    disc = Disc()
    own = file_record(disc, b"OWN.;1", volume=2)
    disc.see("f", b"OTHER", 7, "ENXIO")
    other = record(b"OTHER.;1", disc.place(b"nothing"), 7)
    disc.finish(disc.directory([other, own]))
    return hostile(patch(disc, 16, 120, both16(2) + both16(2)), "mount")


def sequence_number_without_set():
    """E31: another volume number on a disc that is not part of a set is ignored as an error."""
    disc = Disc()
    return disc.finish(disc.directory([file_record(disc, b"FILE.;1", volume=7)]))


def cd_xa():
    """E14: CD-XA001 in the descriptor, 14 bytes of XA data in each record, no Rock Ridge."""
    disc, xa = Disc(), bytes(4) + b"\x0d\x55XA" + bytes(6)
    use = xa + su_nm(b"not a name")
    disc.finish(disc.directory([file_record(disc, b"FILE.;1", system_use=use)], dot_use=xa))
    return patch(disc, 16, 1024, b"CD-XA001")


CASES = [wrong_identifier, primary_of_version_0, primary_of_other_type, descriptors_without_end,
         terminator_of_version_0, terminator_first, boot_record_first, two_primaries,
         halves_differ_everywhere, blocks_of_512, blocks_of_1024, block_size_3, block_size_4096,
         block_size_65535, root_size_odd, root_size_0, root_extent_0, volume_names,
         volume_size_too_large, volume_size_too_small, run_out_sectors, no_path_tables,
         unused_fields_filled, enhanced_descriptor, high_sierra, descriptor_dates_wrong,
         sequence_number_of_a_set, sequence_number_without_set, cd_xa]
