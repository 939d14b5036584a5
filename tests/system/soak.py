#!/usr/bin/env python3
"""Boots many times in a row through PVH, each boot reading the whole boot CD.

    python3 tests/system/soak.py --boots 1000 [--cdrom ISO] [--timeout 20]

Each boot must print the manifest that an independent decoder makes of the disc, and end with the
requested exit status. The last line is `N passed, N failed`; the exit status is 0 only if none
failed.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import qemu  # noqa: E402

sys.path.insert(0, os.path.join(qemu.TOP, "tests", "images"))

import decoder  # noqa: E402

CODE = 5
APPEND = f'run="echo BEGIN; manifest /System; echo END; poweroff {CODE}"'


def boot(cdrom, timeout, expected):
    """Boots once. Raises AssertionError if the manifest or the exit status differs."""
    with qemu.Machine(APPEND, cdrom=cdrom) as machine:
        status = machine.wait_exit(timeout)
        text = machine.all_output.replace(b"\r\n", b"\n")
        shown = text.partition(b"BEGIN\n")[2].partition(b"END\n")[0]
        if shown != expected:
            machine.fail("the manifest differs")
        if status != qemu.qemu_status(CODE):
            machine.fail(f"exit status {status}")


def main():
    parser = argparse.ArgumentParser(description="boot many times in a row")
    parser.add_argument("--boots", type=int, default=1000)
    parser.add_argument("--cdrom", default=qemu.ISO)
    parser.add_argument("--timeout", type=float, default=20)
    options = parser.parse_args()
    expected, failed = decoder.manifest(options.cdrom), 0
    for number in range(1, options.boots + 1):
        try:
            boot(options.cdrom, options.timeout, expected)
        except AssertionError as error:
            failed += 1
            print(f"boot {number}: {error}", flush=True)
        if number % 50 == 0:
            print(f"{number} boots, {failed} failed", flush=True)
    print(f"{options.boots - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
