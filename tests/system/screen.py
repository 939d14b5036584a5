"""Reads the text on the machine's screen, with the font that the kernel was built with.

    screen = Screen(machine)
    screen.wait(lambda lines: lines[-1].startswith("spindle:/$"))

The picture comes from QMP's screendump. The pixels of each cell are compared with the glyphs of the
font, so the tests need no reference pictures.
"""
import os
import tempfile
import time

import qemu

FONT = os.path.join(qemu.BUILD, "kernel", "font.psf")
CURSOR = "\u2588"  # stands for a blank cell with the cursor
SCREEN_SECONDS = 20


def read_font():
    """Returns the glyphs (rows of bytes) and, by glyph, its characters (PSF version 1)."""
    with open(FONT, "rb") as file:
        data = file.read()
    assert data[:2] == b"\x36\x04"
    count, height = 512 if data[2] & 1 else 256, data[3]
    glyphs = [data[4 + i * height:4 + (i + 1) * height] for i in range(count)]
    table = memoryview(data[4 + count * height:]).cast("H").tolist()
    shown = [[]]
    for code in table:
        if code == 0xffff:
            shown.append([])
        else:
            shown[-1].append(code)
    plain = [[c for c in codes[:codes.index(0xfffe) if 0xfffe in codes else None]]
             for codes in shown[:count]]
    return glyphs, plain


class Screen:
    def __init__(self, machine):
        self.machine = machine
        self.glyphs, self.characters = read_font()
        self.height = len(self.glyphs[0])
        self.by_picture = {}
        for glyph, codes in zip(self.glyphs, self.characters):
            names = self.by_picture.setdefault(glyph, [])
            names += [chr(code) for code in codes]
        for names in self.by_picture.values():
            names.sort(key=lambda name: (not " " <= name < "\x7f", name))

    def picture(self):
        """(width, height, RGB bytes)."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "screen.ppm")
            self.machine.qmp("screendump", filename=path)
            with open(path, "rb") as file:
                data = file.read()
        magic, size, most, pixels = data.split(b"\n", 3)
        assert (magic, most) == (b"P6", b"255")
        width, height = map(int, size.split())
        assert len(pixels) == width * height * 3
        return width, height, pixels

    def cells(self):
        """Returns rows of (glyph picture, foreground, background). Text mode has 9 columns a
        cell."""
        width, height, pixels = self.picture()
        pitch = 9 if width == 720 else 8
        assert width == 80 * pitch, (width, height)
        return [[self.cell(pixels, width, x, y, pitch) for x in range(0, width, pitch)]
                for y in range(0, height - self.height + 1, self.height)]

    def cell(self, pixels, width, x, y, pitch):
        rows = []
        for line in range(self.height):
            at = ((y + line) * width + x) * 3
            rows.append([pixels[at + i * 3:at + i * 3 + 3] for i in range(pitch)])
        back = rows[0][pitch - 1]  # no glyph of a text reaches this corner
        others = {pixel for row in rows for pixel in row} - {back}
        assert len(others) <= 1, f"the cell at {x},{y} has the colours {others}"
        picture = bytes(sum(0x80 >> i for i in range(8) if row[i] != back) for row in rows)
        return picture, next(iter(others), None), back

    def read(self, cell):
        picture, front, back = cell
        if front is None:
            return " " if sum(back) < 0x180 else CURSOR
        return self.by_picture.get(picture, ["\ufffd"])[0]

    def lines(self):
        """Returns the lines up to the last that is not blank, without trailing blanks."""
        lines = ["".join(map(self.read, row)).rstrip() for row in self.cells()]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def wait(self, accept, seconds=SCREEN_SECONDS):
        """Waits until accept(lines), since the screen is drawn later than the output arrives.
        Returns the lines."""
        deadline = time.monotonic() + seconds
        while True:
            lines = self.lines()
            if accept(lines):
                return lines
            if time.monotonic() > deadline:
                self.machine.fail("timeout; the screen shows\n" + "\n".join(lines))
