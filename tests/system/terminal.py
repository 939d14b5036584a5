"""A machine at whose serial port a terminal stands: what a person would see, not what was sent.

    with Terminal("", columns=40, rows=10) as terminal:
        terminal.wait_screen(lambda rows: rows[-1].startswith("spindle:"))
        terminal.press("echo a" + LEFT)

The terminal is pyte's: it answers where its cursor is, as terminals do.
"""
import os
import select
import time

import pyte

from qemu import Machine

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
SETTLE_SECONDS = 0.3
SCREEN_SECONDS = 30


class Terminal(Machine):
    def __init__(self, append="", columns=80, rows=24, **options):
        super().__init__(append, **options)
        self.screen = pyte.Screen(columns, rows)
        self.screen.write_process_input = self.type
        self.stream = pyte.ByteStream(self.screen)

    def take(self, seconds):
        """Shows what the machine sends within so many seconds; False when nothing came."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.all_output += data
        self.stream.feed(data)
        return bool(data)

    def rows(self):
        """What stands on the screen, without the blanks at the ends, down to the last text."""
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def cursor(self):
        return self.screen.cursor.y, self.screen.cursor.x

    def wait_screen(self, accept, seconds=SCREEN_SECONDS):
        """Until accept(rows) is true and nothing more comes; the rows."""
        deadline = time.monotonic() + seconds
        while True:
            quiet = not self.take(SETTLE_SECONDS)
            rows = self.rows()
            if quiet and accept(rows):
                return rows
            if time.monotonic() > deadline:
                self.fail("the screen is\n" + "\n".join(rows))

    def wait_shell(self):
        return self.wait_screen(lambda rows: rows and rows[-1].endswith("$"))

    def press(self, keys):
        self.type(keys)

    def expect(self, keys, row, cursor=None):
        """After these keys the last row is this one, and the cursor stands there in it."""
        self.press(keys)
        rows = self.wait_screen(lambda rows: bool(rows) and rows[-1] == row)
        if cursor is not None and self.cursor() != (len(rows) - 1, cursor):
            self.fail(f"the cursor stands at {self.cursor()}")
