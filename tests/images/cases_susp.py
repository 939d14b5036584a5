"""Promise: SUSP and Rock Ridge entries are used, skipped or ignored as E42 to E61 list.

cases_zisofs.py has E58.
"""
from builder import (DIRECTORY, SECTOR, Disc, both32, hostile, record, rock_root,
                     su, su_ce, su_er, su_nm, su_px, su_sl, su_sp, su_tf, time7)
from edge import ask, digest, directory_record, file_record, raw_directory

REGULAR, LINK = su_px(0o100644), su_px(0o120777)


def rock_disc(records, disc):
    return disc.finish(rock_root(disc, records))


def rock_file(disc, recorded, shown, use, text=None):
    return file_record(disc, recorded, shown if text is None else text, shown=shown,
                       system_use=use)


def no_sp():
    """E42: entries everywhere, but no SP: the plain names are shown."""
    disc = Disc()
    item = file_record(disc, b"PLAIN.;1", system_use=REGULAR + su_nm(b"not shown"))
    return disc.finish(disc.directory([item], dot_use=su_px(0o040755, 2) + su_er()))


def sp_behind_xa(gap):
    disc, xa = Disc(), bytes(6) + b"XA" + bytes(gap - 8)
    item = file_record(disc, b"A.;1", shown=b"rock", system_use=xa + REGULAR + su_nm(b"rock"))
    return disc.finish(disc.directory([item], dot_use=xa + su_sp(gap)))


def skip_of_14():
    """E42: 14 bytes of XA data before the entries of each record, as SP declares."""
    return sp_behind_xa(14)


def skip_of_15():
    """E42: the same, padded to 15."""
    return sp_behind_xa(15)


def skip_longer_than_the_area():
    """E42: SP skips 255 bytes, which leaves no entry in any record."""
    disc = Disc()
    item = file_record(disc, b"A.;1", system_use=su_nm(b"skipped"))
    return disc.finish(disc.directory([item], dot_use=su_sp(255)))


def sp_with_wrong_check_bytes():
    """E43: the disc then has no Rock Ridge."""
    disc = Disc()
    item = file_record(disc, b"PLAIN.;1", system_use=su_nm(b"not shown"))
    return disc.finish(disc.directory([item], dot_use=su(b"SP", b"\xef\xbe\0")))


def er_disc(identifier):
    disc = Disc()
    use = su_sp() + (su_er(identifier) if identifier else b"")
    item = rock_file(disc, b"A.;1", b"rock", REGULAR + su_nm(b"rock"))
    return disc.finish(disc.directory([item], dot_use=use))


def er_1991a():
    """E44: RRIP_1991A, in the record itself."""
    return er_disc(b"RRIP_1991A")


def er_p1282():
    """E44: IEEE_P1282."""
    return er_disc(b"IEEE_P1282")


def er_1282():
    """E44: IEEE_1282."""
    return er_disc(b"IEEE_1282")


def no_er():
    """E44: absent, as on old discs."""
    return er_disc(b"")


def entry_lengths():
    """E45: lengths 0 to 3, or beyond the area, end the area; entries before them are used."""
    disc, records = Disc(), []
    for i, length in enumerate((0, 1, 2, 3, 200)):
        name = b"kept%d" % i
        use = REGULAR + su_nm(name) + b"NM" + bytes([length, 1, 0]) + b"lost."
        records.append(rock_file(disc, b"K%d.;1" % i, name, use))
    for i, padding in enumerate((b"\0", b"\0\0", b"\0\0\0")):
        name = b"padded%d" % i
        records.append(rock_file(disc, b"P%d.;1" % i, name, REGULAR + su_nm(name) + padding))
    return hostile(rock_disc(records, disc), "mount")


def identifiers_odd_and_even():
    """E46: a padding byte follows identifiers of even length only."""
    disc, records = Disc(), []
    for length in range(1, 9):
        name = b"r%d" % length
        records.append(rock_file(disc, b"A" * length, name, REGULAR + su_nm(name)))
    return rock_disc(records, disc)


def unknown_entries():
    """E47: unknown entries are skipped by their length; ST ends the area before NM."""
    disc = Disc()
    before = su(b"AL", b"\0\1") + su(b"ES", b"\1") + su(b"PD", b"12345") + su(b"??", b"")
    kept = rock_file(disc, b"A.;1", b"found", before + REGULAR + su_nm(b"found"))
    ended = rock_file(disc, b"ENDED.;1", b"ENDED.;1", REGULAR + su(b"ST", b"") + su_nm(b"no"))
    del disc.lines[b"ENDED.;1"]
    disc.see("f", b"ENDED", *file_line(b"ENDED.;1"))
    return rock_disc([kept, ended], disc)


def file_line(text):
    return len(text), digest(text)


def long_name_record(disc, recorded, name, shown=None):
    """Returns the record of a file whose name is in pieces of 250 bytes where CE points."""
    pieces = [name[i:i + 250] for i in range(0, len(name), 250)]
    area = b"".join(su_nm(piece, 0 if piece is pieces[-1] else 1) for piece in pieces)
    use = REGULAR + su_ce(disc.place(area), 0, len(area))
    return rock_file(disc, recorded, shown or name, use, b"long\n")


# CB8.
def name_lengths():
    """E48: names of 255, 256, 1000 and 1023 bytes; 1100 are cut to 1023."""
    disc = Disc()
    records = [long_name_record(disc, b"N%d.;1" % i, bytes([97 + i]) * length, shown)
               for i, (length, shown) in enumerate(((255, None), (256, None), (1000, None),
                                                    (1023, None), (1100, b"e" * 1023)))]
    return hostile(rock_disc(records, disc), "mount")


def name_flags():
    """E48: three pieces; CURRENT, PARENT and empty names are ignored; bytes are replaced."""
    disc = Disc()
    pieces = su_nm(b"one ", 1) + su_nm(b"two ", 1) + su_nm(b"three")
    records = [rock_file(disc, b"A.;1", b"one two three", REGULAR + pieces),
               rock_file(disc, b"B", b"B", REGULAR + su_nm(b"", 2)),
               rock_file(disc, b"C", b"C", REGULAR + su_nm(b"", 4)),
               rock_file(disc, b"D", b"D", REGULAR + su_nm(b"")),
               rock_file(disc, b"E", b"n_l sl_sh", REGULAR + su_nm(b"n\0l sl/sh")),
               rock_file(disc, b"F", b"_", REGULAR + su_nm(b".")),
               rock_file(disc, b"G", b"__", REGULAR + su_nm(b".."))]
    return hostile(rock_disc(records, disc), "mount")


def modes_that_contradict():
    """E50: the record's directory bit decides; mode 0 and a link count of 0 are ignored."""
    disc = Disc()
    sub = directory_record(disc, b"SUB", [], b"sub",
                           system_use=su_px(0o100644) + su_nm(b"sub"))
    records = [rock_file(disc, b"A.;1", b"dir mode", su_px(0o040755) + su_nm(b"dir mode")),
               rock_file(disc, b"B.;1", b"none", su_px(0, 0) + su_nm(b"none")), sub]
    return hostile(rock_disc(records, disc), "mount")


def link_record(disc, name, target, entries):
    disc.see_link(name, target)
    return record(name.upper() + b".;1", 0, 0, system_use=LINK + su_nm(name) + entries)


def link_damages():
    """E51: NUL in a component, no last entry, a component longer than its entry, 5,000 bytes."""
    disc = Disc()
    area = b"".join(su_sl([(0, b"x" * 200)], 1) for _ in range(25))
    long_target = b"/".join([b"x" * 200] * 25)[:4095]
    records = [link_record(disc, b"nul", b"a_b", su_sl([(0, b"a\0b")])),
               link_record(disc, b"open", b"more", su_sl([(1, b"more")], 1)),
               link_record(disc, b"short", b"a", su(b"SL", b"\0\0\1a\0\xff" + b"b")),
               link_record(disc, b"toolong", long_target,
                           su_ce(disc.place(area), 0, len(area)))]
    return hostile(rock_disc(records, disc), "mount")


def links_that_lead_nowhere():
    """E52: links to themselves, in a chain of 20, and dangling ones: the walk ends."""
    disc = Disc()
    records = [link_record(disc, b"self", b"self", su_sl([(0, b"self")])),
               link_record(disc, b"none", b"/no/where", su_sl([(8, b""), (0, b"no"),
                                                               (0, b"where")])),
               rock_file(disc, b"END.;1", b"end", REGULAR + su_nm(b"end"))]
    for i in range(20):
        target = b"end" if i == 19 else b"l%d" % (i + 1)
        records.append(link_record(disc, b"l%d" % i, target, su_sl([(0, target)])))
    rock_disc(records, disc)
    for path, printed in ((b"self", None), (b"none", None), (b"l0", None), (b"l10", b"end")):
        ask(disc, "cat /System/" + path.decode(), printed or b"", 0 if printed else 1)
    return disc


def stamps_cut_short():
    """E53: flags announce more timestamps than the entry contains, in long and short form."""
    disc, other = Disc(), time7((1999, 12, 31, 23, 59, 58))
    disc.see("f", b"cut", *file_line(b"cut"), stamp="1999-12-31T23:59:58Z")
    cut = record(b"CUT.;1", disc.place(b"cut"), 3, system_use=REGULAR + su_nm(b"cut") +
                 su_tf(0x7F, other, other))
    none = rock_file(disc, b"NONE.;1", b"none", REGULAR + su_nm(b"none") + su_tf(0x8F, other))
    return hostile(rock_disc([cut, none], disc), "mount")


def continuations():
    """E54: an area that begins with CE, an empty one, a tag after CE, two CE in one area."""
    disc = Disc()
    second = disc.place(su_nm(b"second"))
    area = su_ce(second, 0, 11)
    chain = disc.place(area)
    empty = su_nm(b"empty") + su_ce(chain, 0, 0)
    behind = su_ce(disc.place(su_nm(b"-continued")), 0, 15) + su_nm(b"behind", 1)
    other = su_ce(chain, 0, 28) + su_ce(disc.place(su_nm(b"last")), 0, 9)
    records = [rock_file(disc, b"A.;1", b"second", REGULAR + su_ce(chain, 0, len(area))),
               rock_file(disc, b"B.;1", b"empty", REGULAR + empty),
               rock_file(disc, b"C.;1", b"behind-continued", REGULAR + behind),
               rock_file(disc, b"D.;1", b"last", REGULAR + other)]
    return hostile(rock_disc(records, disc), "mount")


def continuations_that_lead_astray():
    """E54: a cycle of two, one beyond the disc's end, one across sectors, one of 4 GiB."""
    disc, names = Disc(), (b"ring", b"past", b"wide", b"huge")
    ring = disc.next
    disc.place(su_ce(ring + 1, 0, 28))
    disc.place(su_ce(ring, 0, 28))
    wide = disc.place(bytes(3000))
    places = ((ring, 0, 28), (0x00FFFFFF, 0, 100), (wide, 2000, 1000), (wide, 0, 0xFFFFFFFF))
    records = [rock_file(disc, b"F%d.;1" % i, name, REGULAR + su_nm(name) + su_ce(*place))
               for i, (name, place) in enumerate(zip(names, places))]
    return hostile(rock_disc(records, disc), "mount")


def child_links_that_lead_astray():
    """E55: CL to a file, beyond the end and to sector 0 is not shown as a directory."""
    disc, records = Disc(), []
    lba = disc.place(b"no directory")
    for i, block in enumerate((lba, 0x00FFFFFF, 0)):
        name = b"cl%d" % i
        use = REGULAR + su_nm(name) + su(b"CL", both32(block))
        records.append(rock_file(disc, b"CL%d.;1" % i, name, use))
    return hostile(rock_disc(records, disc), "mount")


def child_link_to_an_ancestor():
    """E55: CL to the root, which is not entered again."""
    disc, top = Disc(), Disc().next
    disc.next += 1
    disc.write(top, bytes(SECTOR))
    up = record(b"UP.;1", 0, 0, system_use=su_nm(b"up") + su(b"CL", both32(top)))
    disc.see("d", b"sub")
    disc.see("d", b"sub/up", digest="ELOOP")
    sub = record(b"SUB", *disc.directory([up]), DIRECTORY, system_use=su_nm(b"sub"))
    return hostile(disc.finish(rock_root(disc, [sub], lba=top)), "mount")


def device_numbers():
    """E56: a socket, and device numbers of 64 bits."""
    disc, records = Disc(), []
    for name, mode in ((b"socket", 0o140755), (b"block", 0o060600), (b"strange", 0o170000)):
        disc.see("o", name)
        use = su_px(mode) + su_nm(name) + su(b"PN", both32(0xFFFFFFFF) * 2)
        records.append(record(name.upper() + b".;1", 0, 0, system_use=use))
    disc = rock_disc(records, disc)
    ask(disc, "cat /System/socket", b"", 1)
    return ask(disc, "volinfo -r /System/block | grep device",
               b"  device             high 4294967295, low 4294967295\n")


def sparse_file():
    """E57: sparse files (SF) are not supported, and their packed bytes are never shown."""
    disc = Disc()
    disc.see("f", b"sparse", 5, "EOPNOTSUPP")
    use = REGULAR + su_nm(b"sparse") + su(b"SF", both32(0) + both32(100000) + b"\1")
    return hostile(rock_disc([record(b"S.;1", disc.place(b"table"), 5, system_use=use)], disc),
                   "mount")


def serials_of_zero():
    """E61: files with equal serial numbers or link counts are not merged."""
    disc, records = Disc(), []
    for name in (b"one", b"two"):
        records.append(rock_file(disc, name.upper() + b".;1", name,
                                 su_px(0o100644, 2, 0) + su_nm(name)))
    return rock_disc(records, disc)


def root_without_dot():
    """E22, E42: the SP of a root without "." is not found."""
    disc = Disc()
    item = file_record(disc, b"PLAIN.;1", system_use=su_sp() + su_nm(b"not shown"))
    return disc.finish(raw_directory(disc, item))


CASES = [no_sp, skip_of_14, skip_of_15, skip_longer_than_the_area, sp_with_wrong_check_bytes,
         er_1991a, er_p1282, er_1282, no_er, entry_lengths, identifiers_odd_and_even,
         unknown_entries, name_lengths, name_flags, modes_that_contradict, link_damages,
         links_that_lead_nowhere, stamps_cut_short, continuations,
         continuations_that_lead_astray, child_links_that_lead_astray, child_link_to_an_ancestor,
         device_numbers, sparse_file, serials_of_zero, root_without_dot]
