"""Promise: `devices --icons` shows the pictures of kernel/dev/icon.c on the screen, pixel by pixel,
and `devices -v` the properties of a drive."""
import os
import re
import time

import qemu
from qemu import ISO
from screen import Screen

COLOURS = ["000000", "aa0000", "00aa00", "aa5500", "0000aa", "aa00aa", "00aaaa", "aaaaaa",
           "555555", "ff5555", "55ff55", "ffff55", "5555ff", "ff55ff", "55ffff", "ffffff"]


def drawing(table, kind):
    """Returns the rows of a drawing, one hexadecimal digit per pixel."""
    with open(os.path.join(qemu.TOP, "kernel", "dev", "icon.c"), encoding="ascii") as source:
        text = source.read()
    text = text[text.index(f" {table}[ICON_KINDS]"):]
    words = re.findall("0x([0-9a-f]{16})", text[text.index(f"[{kind}]"):])
    side = 16 if table == "small" else 32
    per_row = side // 16
    return ["".join(words[y * per_row:(y + 1) * per_row]) for y in range(side)]


def shows(picture, left, top, rows, columns):
    """Returns whether the picture has the first columns of the drawing at this position."""
    width, _, pixels = picture
    for y, row in enumerate(rows):
        for x in range(columns):
            at = ((top + y) * width + left + x) * 3
            if pixels[at:at + 3].hex() != COLOURS[int(row[x], 16)]:
                return False
    return True


def places(picture, rows, columns):
    """Returns the positions of a drawing. Only its left half is compared: a padlock covers the
    right half if the drive is read-only."""
    width, height, _ = picture
    return [(x, y) for y in range(0, height - 31, 16) for x in range(0, width - 31, 8)
            if shows(picture, x, y, rows, columns)]


def test_icons_appear_beside_the_names(booted):
    """V15: the CD's icon appears in both sizes, before the lines of the drive."""
    machine = booted(None, cdrom=ISO)
    machine.command("clear")
    printed = machine.command("devices --icons")
    assert printed[0] == "cdrom0" and "QEMU DVD-ROM" in printed[1]
    large, small = drawing("large", "ICON_CD"), drawing("small", "ICON_CD")
    screen, end = Screen(machine), time.monotonic() + 20
    found = []
    while not found and time.monotonic() < end:
        picture = screen.picture()
        found = places(picture, large, 16)
    assert [x for x, _ in found] == [0]
    assert shows(picture, 32, found[0][1], small, 8)


def test_a_cd_drive_answers(booted):
    """V15, V10: the properties of a drive, with a disc and without."""
    machine = booted("", cdrom=ISO)
    size = os.path.getsize(ISO) // 2048
    answers = machine.command("devices -v cdrom0")
    for line in ("      kind cdrom, removable, read-only", "    medium present",
                 f"      size {size * 2048} bytes, {size} blocks of 2048",
                 f"  geometry {size},1,1,2048", "BIOS drive 0xe0"):
        assert line in answers, answers
    machine.eject()
    answers = machine.wait_command("devices -v cdrom0",
                                   lambda lines: "    medium none" in lines, 20)
    assert "BIOS drive 0xe0" in answers and not any("size" in line for line in answers)


def test_icons_need_a_framebuffer(booted):
    machine = booted("", cdrom=ISO)
    assert machine.command("devices --icons") == ["devices: --icons: no graphical screen"]
    assert machine.status() == 1
