"""A machine with a terminal emulator at its serial port: tests see the screen, not the bytes sent.

    with Terminal("", columns=40, rows=10) as terminal:
        terminal.wait_screen(lambda rows: rows[-1].startswith("spindle:"))
        terminal.press("echo a" + LEFT)

The terminal is pyte's. It answers requests for the cursor position, as terminals do.
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
        """Feeds what the machine sends within `seconds` to the screen. Returns False if nothing."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        data = os.read(self.process.stdout.fileno(), 65536)
        self.all_output += data
        self.stream.feed(data)
        return bool(data)

    def rows(self):
        """Returns the rows of the screen, without trailing blanks and trailing empty rows."""
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def cursor(self):
        return self.screen.cursor.y, self.screen.cursor.x

    def wait_screen(self, accept, seconds=SCREEN_SECONDS):
        """Waits until accept(rows) and until no more output arrives. Returns the rows."""
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
        """Presses keys and waits until the last row is `row`. Checks the cursor's column."""
        self.press(keys)
        rows = self.wait_screen(lambda rows: bool(rows) and rows[-1] == row)
        if cursor is not None and self.cursor() != (len(rows) - 1, cursor):
            self.fail(f"the cursor is at {self.cursor()}")
