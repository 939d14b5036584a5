"""Promise: Joliet names are decoded, and the right one of several trees is shown (E59 to E67)."""
from builder import (DIRECTORY, DOT, SECTOR, Disc, both32, hostile, record, rock_root, su_nm)
from edge import ask, digest, mount_with, patch


def ucs2(text):
    return text.encode("utf-16-be", "surrogatepass")


def joliet_file(disc, recorded, shown, text=b"joliet\n"):
    """Returns a file's record; `recorded`: text for UCS-2, or bytes; `shown`: the name shown."""
    name = recorded if isinstance(recorded, bytes) else ucs2(recorded)
    return record(name, *disc.file(shown.encode(), text))


def joliet_disc(disc, records, plain=()):
    return disc.finish(disc.directory(list(plain)), joliet=disc.directory(records))


def level_disc(escapes):
    """Returns a disc with both trees; Joliet's descriptor has these escape sequences."""
    disc = Disc()
    hidden = record(b"PLAIN.;1", disc.place(b"plain\n"), 6)
    joliet_disc(disc, [joliet_file(disc, "joliet.txt", "joliet.txt")], [hidden])
    return patch(disc, 17, 88, escapes)


def joliet_level_1():
    """E62: level 1 is %/@."""
    return level_disc(b"%/@")


def joliet_level_2():
    """E62: level 2 is %/C."""
    return level_disc(b"%/C")


def joliet_escape_unknown():
    """E62: %/G is not Joliet: the plain names are shown."""
    disc = level_disc(b"%/G")
    disc.lines = {}
    disc.see("f", b"PLAIN", 6, digest(b"plain\n"))
    return disc


def joliet_volume_flag():
    """E62: bit 0 of the volume flags marks the escapes as unregistered; they are used."""
    return patch(level_disc(b"%/E"), 17, 7, b"\1")


def joliet_name_lengths():
    """E63: 64, 65, 103 and 110 letters."""
    disc = Disc()
    names = [letter * length for letter, length in zip("abcd", (64, 65, 103, 110))]
    return joliet_disc(disc, [joliet_file(disc, name, name) for name in names])


def joliet_odd_length():
    """E63: the last byte of an odd length is dropped."""
    disc = Disc()
    return hostile(joliet_disc(disc, [joliet_file(disc, ucs2("odd") + b"x", "odd")]), "mount")


def joliet_letters():
    """E64: surrogate pairs, lone surrogates, NUL, a slash, U+FFFF, versions, a trailing dot."""
    disc = Disc()
    forms = [("a;1", "a"), ("b.", "b"), ("c\0d", "c_d"), ("e/f", "e_f"), ("g\ud800", "g_"),
             ("h\udc00i", "h_i"), ("j\udc00\ud800", "j__"), ("k\U0001f4bf", "k\U0001f4bf"),
             ("l\uffff", "l\uffff"), ("m;7.x", "m;7.x"), (".n", ".n"), (".", "_"), ("..", "_~2"),
             ("\u4e2d\u6587", "\u4e2d\u6587"), ("e\u0301", "e\u0301")]
    records = [joliet_file(disc, recorded, shown, shown.encode()) for recorded, shown in forms]
    return hostile(joliet_disc(disc, records), "mount")


def joliet_root_broken():
    """E65: Joliet's root is beyond the end of the disc: the plain tree is shown."""
    disc = level_disc(b"%/E")
    disc.lines = {}
    disc.see("f", b"PLAIN", 6, digest(b"plain\n"))
    return hostile(patch(disc, 17, 158, both32(0x00FFFFFF)), "mount")


def plain_root_broken():
    """E6: the plain root is a file: Joliet's tree is shown."""
    return hostile(patch(level_disc(b"%/E"), 16, 181, b"\0"), "mount")


def rock_ridge_root_empty():
    """E59: an empty tree with Rock Ridge, and files in Joliet's."""
    disc = Disc()
    joliet = disc.directory([joliet_file(disc, "joliet.txt", "joliet.txt")])
    return disc.finish(rock_root(disc, []), joliet=joliet)


def three_trees():
    """E60, E66: one file by three names; each tree can be selected, Rock Ridge is the default."""
    disc, text = Disc(), b"one file\n"
    lba = disc.place(text)
    disc.see("f", b"rock ridge", len(text), digest(text))
    plain = record(b"PLAIN.;1", lba, len(text), system_use=su_nm(b"rock ridge"))
    joliet = disc.directory([record(ucs2("joliet"), lba, len(text))])
    disc.finish(rock_root(disc, [plain]), joliet=joliet)
    for tree, name in (("rr", b"rock ridge"), ("joliet", b"joliet"), ("iso", b"PLAIN")):
        other = Disc()
        other.see("f", name, len(text), digest(text))
        mount_with(disc, f"names={tree}", other.manifest())
    return disc


def joliet_case():
    """E67: lookup folds the case of non-ASCII letters as well."""
    disc = Disc()
    joliet_disc(disc, [joliet_file(disc, "\u00c9t\u00e9.txt", "\u00c9t\u00e9.txt")])
    return ask(disc, "cat /System/\u00e9T\u00c9.TXT", b"joliet\n")


def joliet_directories():
    """E62: a separate tree, three levels deep, with its own names."""
    disc = Disc()
    deep = joliet_file(disc, "deep file", "One/Two/deep file")
    two = record(ucs2("Two"), *disc.directory([deep]), DIRECTORY)
    one = record(ucs2("One"), *disc.directory([two]), DIRECTORY)
    disc.see("d", b"One")
    disc.see("d", b"One/Two")
    return joliet_disc(disc, [one])


def joliet_root_of_a_file():
    """E65: neither Joliet's root nor the plain one is a directory."""
    disc = level_disc(b"%/E")
    root = record(DOT, 24, SECTOR)
    return hostile(patch(patch(disc, 16, 156, root), 17, 156, root), "refuse")


CASES = [joliet_level_1, joliet_level_2, joliet_escape_unknown, joliet_volume_flag,
         joliet_name_lengths, joliet_odd_length, joliet_letters, joliet_root_broken,
         plain_root_broken, rock_ridge_root_empty, three_trees, joliet_case, joliet_directories,
         joliet_root_of_a_file]
