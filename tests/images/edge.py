"""Shared by the edge cases (cases_*.py): sparse discs, common parts, and how images are written.

    python3 tests/images/edge.py OUTDIR [NAME...]

writes NAME.iso of each case, or of those named, and NAME.manifest where the manifest is known.

Every function of a CASES list is a case of the project's list of edge cases (E1 to E76); its
docstring begins with the number. `expect` of its Disc is the expected result:

    None        valid: the manifest is as declared, and no digest is an error
    "mount"     damaged: the manifest is as declared, including errors
    "refuse"    not mounted
    "bounded"   ends in bounded time and memory; the declared lines are among those printed

`checks` contains further commands: (line, expected output, status). `mounts` contains other mount
options: (options, expected manifest, or None if they are refused).
"""
import hashlib
import importlib
import os
import sys

import builder
from builder import Disc, DIRECTORY, SECTOR, record

MODULES = ("cases_descriptors", "cases_records", "cases_extents", "cases_susp", "cases_zisofs",
           "cases_joliet", "cases_sessions", "cases_hybrids",
           "cases_bounded", "cases_trees")


class Sparse(Disc):
    """A disc whose far parts are written after a hole, so that it can have any size."""

    def __init__(self):
        super().__init__()
        self.far = []
        self.bytes = 0

    def place_far(self, lba, data):
        self.far.append((lba, data))
        self.bytes = max(self.bytes, lba * SECTOR + -(-len(data) // SECTOR) * SECTOR)
        return lba


def digest(data):
    return hashlib.sha256(data).hexdigest()


def ask(disc, line, printed, status=0):
    """Adds a command to check besides the manifest: its output, in bytes, and its status."""
    disc.checks = getattr(disc, "checks", []) + [(line, printed, status)]
    return disc


def mount_with(disc, options, manifest):
    """Adds mount options and the manifest then: None if there is no such tree or session."""
    disc.mounts = getattr(disc, "mounts", []) + [(options, manifest)]
    return disc


def file_record(disc, name, content=b"a file\n", shown=None, **fields):
    """Returns the record of a file recorded as `name` and shown as `shown` (default: `name` without
    its version)."""
    seen = name.split(b";")[0].rstrip(b".") if shown is None else shown
    return record(name, *disc.file(seen, content), **fields)


def directory_record(disc, name, records, prefix=None, **fields):
    """Returns the record of a directory. The caller has declared what its records show."""
    disc.see("d", prefix or name)
    return record(name, *disc.directory(records), DIRECTORY, **fields)


def raw_directory(disc, data, lba=None):
    """Places a directory of exactly these bytes. Returns (lba, size)."""
    data += bytes(-len(data) % SECTOR)
    if lba is None:
        return disc.place(data), len(data)
    disc.write(lba, data)
    return lba, len(data)


def dots(lba, size, parent=None):
    return (record(builder.DOT, lba, size, DIRECTORY) +
            record(builder.DOTDOT, *(parent or (lba, size)), DIRECTORY))


def patch(disc, sector, at, data):
    """Overwrites bytes at `at` of a sector that was written."""
    where = sector * SECTOR + at
    disc.data[where:where + len(data)] = data
    return disc


def cases():
    """Returns all functions, in the order of the modules."""
    return [case for name in MODULES for case in importlib.import_module(name).CASES]


def write_image(disc, path):
    with open(path, "wb") as image:
        image.write(disc.data)
        for lba, data in getattr(disc, "far", ()):
            image.seek(lba * SECTOR)
            image.write(data)
        if getattr(disc, "bytes", 0):
            image.truncate(disc.bytes)
    return path


def main():
    if len(sys.argv) < 2:
        print("usage: edge.py OUTDIR [NAME...]", file=sys.stderr)
        return 2
    os.makedirs(sys.argv[1], exist_ok=True)
    for case in cases():
        if sys.argv[2:] and case.__name__ not in sys.argv[2:]:
            continue
        disc, base = case(), os.path.join(sys.argv[1], case.__name__)
        write_image(disc, base + ".iso")
        if disc.expect in (None, "mount"):
            with open(base + ".manifest", "wb") as text:
                text.write(disc.manifest())
    return 0


if __name__ == "__main__":
    sys.exit(main())
