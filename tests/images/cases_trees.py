"""Promise: the right names are shown in the right charset, relocated directories appear once, and
skipped records are reported."""
from builder import (DIRECTORY, DOT, DOTDOT, SECTOR, Disc, both32, hostile, record, rock_root, su,
                     su_nm, volume_descriptor)
from edge import ask, digest, mount_with, patch

HIDDEN, ASSOCIATED = 0x01, 0x04


# ---------------------------------------------------------------- enhanced descriptors

def see_only(names):
    """Returns the manifest of files that contain their own names."""
    other = Disc()
    for name in names:
        other.see("f", name, len(name), digest(name))
    return other.manifest()


def file_named(disc, recorded, shown):
    return record(recorded, disc.place(shown), len(shown))


def enhanced_disc(records, joliet=None):
    """Returns a disc with PLAIN.TXT in the plain tree, and an enhanced tree (a supplementary
    descriptor of version 2)."""
    disc = Disc()
    plain = disc.directory([file_named(disc, b"PLAIN.TXT;1", b"PLAIN.TXT")])
    names = [name for name, _ in records]
    enhanced = disc.directory([file_named(disc, raw, name) for name, raw in records])
    disc.finish(plain, joliet=enhanced)
    patch(disc, 17, 6, b"\2")
    patch(disc, 17, 88, bytes(32))
    patch(disc, 17, 40, b"SPINDLE".ljust(32))
    disc.lines = {}
    for name in names:
        disc.see("f", name, len(name), digest(name))
    return disc


def enhanced_preferred():
    """ISO 9660:1999: without Rock Ridge and Joliet the names of the enhanced tree are shown."""
    names = [b"a long name.with.dots", b"lower case", b"n" * 207]
    disc = enhanced_disc([(name, name) for name in names])
    mount_with(disc, "names=enhanced", disc.manifest())
    mount_with(disc, "names=joliet", None)
    ask(disc, "volinfo /System | grep 'names shown'",
        b"names shown: enhanced (ISO 9660:1999)\n")
    return mount_with(disc, "names=iso", see_only([b"PLAIN.TXT"]))


def enhanced_empty():
    """If the enhanced tree is empty, the plain one is shown."""
    disc = enhanced_disc([])
    disc.see("f", b"PLAIN.TXT", 9, digest(b"PLAIN.TXT"))
    return mount_with(disc, "names=enhanced", b"")


def enhanced_broken():
    """If the enhanced root is beyond the disc, the plain tree is shown."""
    disc = enhanced_disc([(b"name", b"name")])
    patch(disc, 17, 158, both32(1 << 24))
    disc.lines = {}
    disc.see("f", b"PLAIN.TXT", 9, digest(b"PLAIN.TXT"))
    return disc


# ---------------------------------------------------------------- descriptors

def many_descriptors(count, terminated):
    """`count` partition descriptors between the primary one and Joliet's."""
    disc = Disc(first=20 + count)
    disc.finish(disc.directory([file_named(disc, b"PLAIN.;1", b"PLAIN")]))
    name = "joliet"
    root = disc.directory([record(name.encode("utf-16-be"), disc.place(b"joliet"), 6)])
    disc.pad()
    blocks = len(disc.data) // SECTOR
    sectors = [b"\3CD001\1".ljust(SECTOR, b"\0")] * count
    sectors.append(volume_descriptor(2, record(DOT, *root, DIRECTORY), blocks, (10, 20, 21),
                                     "SPINDLE".encode("utf-16-be"), escapes=b"%/E"))
    if terminated:
        sectors.append(b"\xffCD001\1".ljust(SECTOR, b"\0"))
    disc.write(17, b"".join(sectors))
    return disc


def joliet_after_160_descriptors():
    """More than a hundred descriptors are read."""
    disc = many_descriptors(160, True)
    disc.see("f", b"joliet", 6, digest(b"joliet"))
    return ask(disc, "volinfo /System | grep -c 'descriptor sets longer'", b"0\n", 1)


def descriptors_beyond_the_budget():
    """A descriptor set that exceeds the limit is reported as an anomaly."""
    disc = many_descriptors(400, True)
    disc.see("f", b"PLAIN", 5, digest(b"PLAIN"))
    return ask(disc, "volinfo /System | grep -c 'descriptor sets longer'", b"1\n")


def root_beyond_the_disc():
    """CB1: a root directory beyond the disc makes the volume invalid; it is refused."""
    disc = Disc()
    disc.finish(disc.directory([file_named(disc, b"A.;1", b"A")]))
    return hostile(patch(disc, 16, 158, both32(1 << 24)), "refuse")


# ---------------------------------------------------------------- moved directories

def relocated_without_re():
    """As NetBSD's makefs writes it: CL in the tree, PL in the relocated directories, but no RE. Each
    directory is shown where its CL is, and `find` and `cp -r` enter it there."""
    disc, top = Disc(), Disc().next
    disc.next += 1
    disc.write(top, bytes(SECTOR))
    second = disc.directory(
        [record(b"F.;1", *disc.file(b"one/two/three/f", b"f\n"), system_use=su_nm(b"f"))],
        dotdot_use=su(b"PL", both32(top)))
    cl_second = record(b"THREE", disc.place(b""), 0,
                       system_use=su_nm(b"three") + su(b"CL", both32(second[0])))
    first = disc.directory([cl_second], dotdot_use=su(b"PL", both32(top)))
    cl_first = record(b"TWO", disc.place(b""), 0,
                      system_use=su_nm(b"two") + su(b"CL", both32(first[0])))
    moved = [record(b"00000001", *first, DIRECTORY, system_use=su_nm(b"two")),
             record(b"00000002", *second, DIRECTORY, system_use=su_nm(b"three"))]
    for path in (b"one/two/three", b"one/two", b"one", b".rr_moved"):
        disc.see("d", path)
    records = [record(b"ONE", *disc.directory([cl_first]), DIRECTORY, system_use=su_nm(b"one")),
               record(b"RR_MOVED", *disc.directory(moved), DIRECTORY,
                      system_use=su_nm(b".rr_moved"))]
    disc.finish(rock_root(disc, records, lba=top))
    ask(disc, "ls /System/.rr_moved", b"")
    ask(disc, "cd /System/one && find . && cd /", b".\n./two\n./two/three\n./two/three/f\n")
    return ask(disc, "cp -r /System/one /c && cat /c/two/three/f && rm -r /c", b"f\n")


def moved_into_the_root():
    """The same with directories that were relocated to the root itself."""
    disc, top = Disc(), Disc().next
    disc.next += 1
    disc.write(top, bytes(SECTOR))
    moved = disc.directory([record(b"F.;1", *disc.file(b"one/two/f", b"f\n"),
                                   system_use=su_nm(b"f"))], dotdot_use=su(b"PL", both32(top)))
    link = record(b"TWO", disc.place(b""), 0,
                  system_use=su_nm(b"two") + su(b"CL", both32(moved[0])))
    disc.see("d", b"one/two")
    disc.see("d", b"one")
    records = [record(b"A", *moved, DIRECTORY, system_use=su_nm(b"two")),
               record(b"ONE", *disc.directory([link]), DIRECTORY, system_use=su_nm(b"one"))]
    return disc.finish(rock_root(disc, records, lba=top))


# ---------------------------------------------------------------- charsets

def charset_disc(text, codec):
    disc = Disc()
    records = [file_named(disc, t.encode(codec) + b".;1", t.encode()) for t in text]
    return disc.finish(disc.directory(records))


def see_text(disc, text):
    for t in text:
        disc.see("f", t.encode(), len(t.encode()), digest(t.encode()))
    return disc


def names_in_latin1():
    """C11: names that are not UTF-8 are decoded as Latin-1; lookup ignores case; UTF-8 is kept."""
    text = ["CAF\xc9", "CAF\xc8", "na\xefve", "\xbfque?"]
    disc = see_text(charset_disc(text, "latin-1"), text)
    mount_with(disc, "charset=latin1", disc.manifest())
    ask(disc, "cat /System/caf\xe9", "CAF\xc9".encode())
    plain = Disc()
    for shown, content in (("CAF_", "CAF\xc9"), ("CAF_~2", "CAF\xc8"), ("na_ve", "na\xefve"),
                           ("_que?", "\xbfque?")):
        plain.see("f", shown.encode(), len(content.encode()), digest(content.encode()))
    mount_with(disc, "charset=utf-8", plain.manifest())
    return mount_with(disc, "charset=utf-8,names=iso", plain.manifest())


def names_in_cp437():
    """C11: the PC's code page. Without the option the bytes are decoded as Latin-1."""
    text = ["\xc4RGER", "\u03b1\u2264\u221a", "\u2588\u2588"]
    disc = charset_disc(text, "cp437")
    wrong = [t.encode("cp437").decode("latin-1") for t in text]
    for t, shown in zip(text, wrong):
        disc.see("f", shown.encode(), len(t.encode()), digest(t.encode()))
    return mount_with(disc, "charset=cp437", see_text(Disc(), text).manifest())


def names_in_cp850():
    """C11: the code page of Western Europe."""
    text = ["\xc5NGSTR\xd6M", "\xd0\xfe\xd7"]
    disc = charset_disc(text, "cp850")
    for t in text:
        shown = t.encode("cp850").decode("latin-1")
        disc.see("f", shown.encode(), len(t.encode()), digest(t.encode()))
    return mount_with(disc, "charset=cp850", see_text(Disc(), text).manifest())


def names_in_shift_jis():
    """C11: single-byte kana and double-byte kanji (one whose second byte is ASCII's backslash, one
    of IBM's extension), and invalid pairs."""
    text = ["\u65e5\u672c\u8a9e", "\uff76\uff85", "\u8868\u30bd", "\u9ad9"]
    disc = charset_disc(text, "cp932")
    for t in text:
        shown = t.encode("cp932").decode("latin-1")
        disc.see("f", shown.encode(), len(t.encode()), digest(t.encode()))
    mount_with(disc, "charset=shift-jis", see_text(Disc(), text).manifest())
    return mount_with(disc, "charset=SJIS", see_text(Disc(), text).manifest())


def rock_ridge_in_latin1():
    """Rock Ridge names and links are decoded if a charset is given, else invalid bytes are `_`."""
    disc = Disc()
    link = su(b"SL", b"\0\0\4caf\xe9")
    records = [record(b"A.;1", *disc.file(b"caf_", b"x"), system_use=su_nm(b"caf\xe9")),
               record(b"B.;1", disc.place(b""), 0, system_use=su_nm(b"link") + link)]
    disc.finish(rock_root(disc, records))
    disc.see_link(b"link", b"caf\xe9")
    shown = Disc()
    shown.see("f", "caf\xe9".encode(), 1, digest(b"x"))
    shown.see_link(b"link", "caf\xe9".encode())
    return mount_with(disc, "charset=latin1", shown.manifest())


# ---------------------------------------------------------------- what is left out, and attributes

def skipped_records():
    """CB9: `ls`, `find`, `tree`, `du` and `cp -r` process the valid records and return 1."""
    disc = Disc()
    good = file_named(disc, b"A.;1", b"A")
    later = file_named(disc, b"B.;1", b"B")
    lba, size = disc.directory([good], size=2 * SECTOR)
    at = 34 + 34 + len(good)
    disc.write(lba, disc.data[lba * SECTOR:lba * SECTOR + at] + b"\x30" + bytes(47))
    disc.write(lba + 1, later + b"\x22\0" + bytes(32))
    for name in (b"A", b"B"):
        disc.see("f", b"D/" + name, 1, digest(name))
    disc.see("d", b"D")
    disc.finish(disc.directory([record(b"D", lba, size, DIRECTORY)]))
    ask(disc, "ls /System/D", b"A\nB\n", 1)
    ask(disc, "ls /System/D 2>&1 >/dev/null",
        b"ls: /System/D: 2 invalid records were skipped\n", 1)
    ask(disc, "find /System/D 2>&1 >/dev/null",
        b"find: /System/D: 2 invalid records were skipped\n", 1)
    ask(disc, "tree /System/D 2>&1 >/dev/null",
        b"tree: /System/D: 2 invalid records were skipped\n", 1)
    ask(disc, "du /System/D 2>&1 >/dev/null",
        b"du: /System/D: 2 invalid records were skipped\n", 1)
    ask(disc, "cp -r /System/D /d 2>&1", b"cp: /System/D: 2 invalid records were skipped\n", 1)
    return hostile(disc, "mount")


def extents_beyond_the_volume():
    """CB24: bytes beyond the volume's size, but on the device, are shown, and reported."""
    disc = Disc()
    disc.finish(disc.directory([record(b"A.;1", *disc.file(b"A", b"in\n")),
                                record(b"B.;1", *disc.file(b"B", b"out\n"))]))
    lba = disc.next
    disc.write(lba, b"far\n".ljust(SECTOR, b"\0"))
    disc.next = lba + 1
    disc.pad()
    root = 26
    assert disc.data[root * SECTOR + 33] == 0  # its "." record
    second = root * SECTOR + 68 + disc.data[root * SECTOR + 68]
    disc.data[second + 2:second + 10] = both32(lba)
    disc.see("f", b"B", 4, digest(b"far\n"))
    return ask(disc, "cat /System/B && volinfo /System | grep -c 'beyond the volume'", b"far\n1\n")


def attributes():
    """C15: `stat` prints the MIME type by the name, hidden, read-only, and whether an associated
    file exists; that file is neither listed nor found."""
    disc = Disc()
    fork = record(b"FORK.TXT;1", disc.place(b"fork"), 4, ASSOCIATED)
    records = [fork, record(b"FORK.TXT;1", *disc.file(b"FORK.TXT", b"data\n")),
               record(b"HID.ELF;1", *disc.file(b"HID.ELF", b"x"), HIDDEN),
               record(b"PLAIN;1", *disc.file(b"PLAIN", b"y"))]
    disc.finish(disc.directory(records))
    show = "stat /System/%s | grep -E 'mime|hidden|read-only|associated'"
    ask(disc, show % "FORK.TXT", b"      mime text/plain\n read-only yes\nassociated yes\n")
    ask(disc, show % "HID.ELF",
        b"      mime application/x-executable\n read-only yes\n    hidden yes\n")
    ask(disc, show % "PLAIN", b"      mime application/octet-stream\n read-only yes\n")
    return ask(disc, "ls /System | grep -v Devices", b"FORK.TXT\nHID.ELF\nPLAIN\n")


CASES = [enhanced_preferred, enhanced_empty, enhanced_broken, joliet_after_160_descriptors,
         descriptors_beyond_the_budget, root_beyond_the_disc, relocated_without_re,
         moved_into_the_root, names_in_latin1, names_in_cp437, names_in_cp850, names_in_shift_jis,
         rock_ridge_in_latin1, skipped_records, extents_beyond_the_volume, attributes]
