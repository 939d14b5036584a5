"""Promise: discs that are also of another format, and boot catalogs, are recognized (E68 to E76)."""
import struct

from builder import SECTOR, Disc, hostile, padded, terminator
from edge import ask, file_record

BOOT = b"\0CD001\1" + padded(b"EL TORITO SPECIFICATION", 32, b"\0") + bytes(32)


def recognition(*names):
    """Returns a volume recognition sequence of UDF."""
    return b"".join(padded(b"\0" + name + b"\1", SECTOR, b"\0") for name in names)


def udf_bridge():
    """E68: UDF's sequence after the terminator and its anchor at 256: the ISO volume is shown."""
    disc = Disc(first=24)
    disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))
    disc.write(18, recognition(b"BEA01", b"NSR02", b"TEA01"))
    disc.write(256, padded(struct.pack("<HH", 2, 2), SECTOR, b"\0"))
    return disc


def udf_before_the_descriptors():
    """E68: as Windows writes USB sticks: UDF without ISO 9660."""
    disc = Disc()
    disc.write(16, recognition(b"BEA01", b"NSR03", b"TEA01"))
    disc.write(256, padded(struct.pack("<HH", 2, 3), SECTOR, b"\0"))
    return hostile(disc, "refuse")


def hfs_only():
    """E76: an HFS volume: "BD" at byte 1024."""
    disc = Disc()
    disc.write(0, bytes(1024) + b"BD" + bytes(3000))
    disc.write(100, bytes(SECTOR))
    return hostile(disc, "refuse")


def blank_disc():
    """E76: all zeros."""
    disc = Disc()
    disc.write(300, bytes(SECTOR))
    return hostile(disc, "refuse")


def partition_tables():
    """E75: a master boot record, Apple's map and a GUID table in the system area, each with a
    partition that begins at 0 or covers the disc: the whole disc is mounted."""
    disc = Disc()
    disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))
    entry = struct.pack("<B3sB3sII", 0x80, b"\0\2\0", 0x17, b"\xff\xff\xff", 0, 200)
    system = bytearray(32768)
    system[0:8] = b"ER" + struct.pack(">HI", 2048, 100)
    system[446:462] = entry
    system[510:512] = b"\x55\xaa"
    system[512:520] = b"EFI PART"
    system[2048:2056] = b"PM\0\0" + struct.pack(">I", 1)
    disc.write(0, bytes(system))
    return disc


def validation(platform=0, signature=b"\x55\xaa"):
    entry = bytearray(bytes([1, platform]) + bytes(26) + bytes(2) + signature)
    total = sum(struct.unpack("<16H", entry)) & 0xFFFF
    entry[28:30] = struct.pack("<H", -total & 0xFFFF)
    return bytes(entry)


def boot_entry(sector, kind=0x88, media=0, count=4):
    return struct.pack("<BBHBBHI20x", kind, media, 0, 0, 0, count, sector)


def boot_disc(catalog, lba=None, lines=()):
    """Returns a disc with this catalog; lines: what volinfo prints about booting."""
    disc = Disc(first=26)
    where = disc.place(catalog) if lba is None else lba
    disc.finish(disc.directory([file_record(disc, b"FILE.;1")]))
    primary = bytes(disc.data[16 * SECTOR:17 * SECTOR])
    boot = padded(BOOT + struct.pack("<I", where), SECTOR, b"\0")
    disc.write(16, primary + boot + terminator())
    shown = "".join(f"  {line}\n" for line in (f"boot catalog       sector {where}" + lines[0],
                                               *lines[1:]))
    return ask(disc, "volinfo /System | grep -v 'boot system' | grep '^  boot '", shown.encode())


def image_line(platform, sector, count=4, state="bootable", media="no emulation"):
    return f"boot image         {platform}, {state}, {media}, sector {sector}, " \
           f"loads {count} x 512 bytes"


def boot_catalog():
    """E74: a default entry, a section of two with an extension record in between, a last section."""
    head = struct.pack("<BBH28x", 0x90, 0xEF, 2)
    last = struct.pack("<BBH28x", 0x91, 0, 1)
    extension = b"\x44" + bytes(31)
    catalog = (validation() + boot_entry(40) + head + boot_entry(41) + extension +
               boot_entry(42, kind=0) + last + boot_entry(43, media=4))
    return boot_disc(catalog, lines=("", image_line("x86 BIOS", 40), image_line("UEFI", 41),
                                     image_line("UEFI", 42, state="not bootable"),
                                     image_line("x86 BIOS", 43, media="hard disk")))


def boot_catalog_without_signature():
    """E74: without 55AA the catalog is ignored."""
    catalog = validation(signature=b"\0\0") + boot_entry(40)
    return boot_disc(catalog, lines=(", no validation entry",))


def boot_catalog_with_wrong_sum():
    """E74: reported, and read nevertheless."""
    catalog = bytearray(validation() + boot_entry(40, count=0))
    catalog[4] ^= 1
    return boot_disc(bytes(catalog), lines=(", wrong checksum", image_line("x86 BIOS", 40, 0)))


def boot_catalog_past_the_end():
    """E74: its sector is beyond the end of the disc."""
    return boot_disc(b"", 0x00FFFFFF, lines=(": input/output error",))


def boot_catalog_that_promises_too_much():
    """E74: a section of 65,535 entries, of which the sector contains 61."""
    head = struct.pack("<BBH28x", 0x91, 0, 0xFFFF)
    catalog = validation() + boot_entry(40) + head + boot_entry(41) * 61
    return boot_disc(catalog, lines=("", image_line("x86 BIOS", 40),
                                     *[image_line("x86 BIOS", 41)] * 61))


CASES = [udf_bridge, udf_before_the_descriptors, hfs_only, blank_disc, partition_tables,
         boot_catalog, boot_catalog_without_signature, boot_catalog_with_wrong_sum,
         boot_catalog_past_the_end, boot_catalog_that_promises_too_much]
