"""Which folder may include which; how large a folder may become.

    lib <- kernel <- {drivers, fs, shell}

The three on the right never include each other, nor does one driver or file system another. Inside
kernel/ a folder includes only those before it:

    x86 <- mm <- sched <- {dev, bus} <- vfs <- module <- *.c
"""
from collections import defaultdict

from tree import includes

KERNEL_ORDER = {"x86": 1, "mm": 2, "sched": 3, "dev": 4, "bus": 4, "vfs": 5, "module": 6}
KERNEL_TOP = 7

# Headers that every folder of kernel/ may include, and why each is below all of them.
GROUND = {
    "boot/boot_info.h": "the loader's data, which only describes; mm/ and x86/ start from it",
    "kernel/framebuffer.h": "the part of boot_info.h that describes the screen",
    "kernel/port.h": "the interface that x86/, mm/ and sched/ implement together",
    "kernel/early.h": "output and exit that need nothing else",
    "kernel/log.h": "every folder logs; log.c needs a spinlock, the clock and early.c only",
    "kernel/panic.h": "every folder panics and may report; panic.c needs early.c only",
    "kernel/selftest.h": "registration of self tests",
}

# May include what is above kernel/: it starts everything.
KERNEL_MAY_LOOK_UP = ("kernel/main.c",)

# Includes against the order that still exist. Remove an entry with its cause: an entry that is not
# needed any more is an error.
KNOWN_ARROWS = set()

ROOM_LINES, ROOM_SOURCES = 4000, 25
# Folders over the limit that are still to be divided.
KNOWN_LARGE = set()


def unit(path):
    """The folders whose files may include each other: lib, kernel, drivers/pci, fs/cdfs, ..."""
    parts = path.split("/")
    if parts[0] not in ("drivers", "fs"):
        return parts[0]
    return "/".join(parts[:3 if parts[1] == "storage" else 2])


def kernel_rank(path):
    folder = path.split("/")[1]
    return KERNEL_ORDER.get(folder, KERNEL_TOP)


def may_include(path, target):
    here, there = unit(path), unit(target)
    if here in ("tests", "host") or path in KERNEL_MAY_LOOK_UP or target in GROUND and here != "lib":
        return True
    if here == there == "kernel":
        return kernel_rank(target) <= kernel_rank(path)
    if here == there or there == "lib":
        return True
    return there == "kernel" and here != "lib"


def check_arrows(files):
    unused = set(KNOWN_ARROWS)
    for path, lines in files.items():
        if not path.endswith((".c", ".h", ".S")):
            continue
        for number, target in includes(lines):
            if may_include(path, target):
                continue
            if (path, target) in KNOWN_ARROWS:
                unused.discard((path, target))
            else:
                yield f"{path}:{number}: {unit(path)} may not include {target}"
    for path, target in sorted(unused):
        yield f"tests/lint/arrows.py: {path} -> {target} is fine now; remove it from KNOWN_ARROWS"


def check_rooms(files):
    lines, sources = defaultdict(int), defaultdict(int)
    for path in files:
        if path.endswith((".c", ".h", ".S")) and not path.startswith("tests/"):
            folder = path.rsplit("/", 1)[0]
            lines[folder] += len(files[path]) - 1
            sources[folder] += not path.endswith(".h")
    for folder in sorted(lines):
        large = lines[folder] > ROOM_LINES or sources[folder] > ROOM_SOURCES
        if large and folder not in KNOWN_LARGE:
            yield (f"{folder}: {lines[folder]} lines in {sources[folder]} sources,"
                   f" limit {ROOM_LINES} and {ROOM_SOURCES}: make a folder in it")
        if not large and folder in KNOWN_LARGE:
            yield f"tests/lint/arrows.py: {folder} is fine now; remove it from KNOWN_LARGE"


def check(files):
    yield from check_arrows(files)
    yield from check_rooms(files)
