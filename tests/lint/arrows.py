"""Which folder may include or call which; how large a folder may become.

    lib <- kernel <- {drivers, fs, shell}

The three on the right never include each other, nor does one driver or file system another. Inside
kernel/ a folder includes only those before it:

    x86 <- mm <- sched <- {dev, bus} <- vfs <- module <- *.c

fs/, shell/ and drivers/storage include neither x86 nor mm, except MACHINE_COMMANDS.

The same holds for the symbols that its objects use, so that a declaration in a lower header
(kernel/port.h) does not hide a call upwards.
"""
from collections import defaultdict

from tree import includes

KERNEL_ORDER = {"x86": 1, "mm": 2, "sched": 3, "dev": 4, "bus": 4, "vfs": 5, "module": 6}
KERNEL_TOP = 7

# What every folder of kernel/ may include and call, and why each is below all of them.
GROUND = {
    "boot/boot_info.h": "the loader's data, which only describes; mm/ and x86/ start from it",
    "boot/stack.S": "the first stack, whose guard page mm/ leaves out",
    "kernel/framebuffer.h": "the part of boot_info.h that describes the screen",
    "kernel/port.h": "the interface that x86/, mm/ and sched/ implement together",
    "kernel/code.c": "uses of loaded drivers: threads, devices and mounts record them; needs a spin",
    "kernel/code.h": "",
    "kernel/early.c": "output and exit that need nothing else",
    "kernel/early.h": "",
    "kernel/lock_ranks.c": "the order of locks, which spinlocks and mutexes check; port.h declares it",
    "kernel/log.c": "every folder logs; it needs a spinlock, the clock and early.c",
    "kernel/log.h": "",
    "kernel/panic.c": "every folder panics and may add to the report; it needs early.c",
    "kernel/panic.h": "",
    "kernel/registers.h": "windows of device registers, which x86/ implements",
    "kernel/isa.h": "fixed ports and interrupt lines, which x86/ implements",
    "kernel/selftest.h": "registration of self tests",
}

# Commands that show what the machine does; the host has none of them.
MACHINE_COMMANDS = {"shell/commands/system/irqs.c", "shell/commands/system/prof.c"}

# May include what is above kernel/: it starts everything.
KERNEL_MAY_LOOK_UP = ("kernel/main.c",)

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


def reaches_machine(path, target):
    """Only for includes: what kernel/port.h declares is implemented there."""
    return (target.startswith(("kernel/x86/", "kernel/mm/")) and
            path.startswith(("fs/", "shell/", "drivers/storage/")) and path not in MACHINE_COMMANDS)


def check_arrows(files):
    for path, lines in files.items():
        if not path.endswith((".c", ".h", ".S")):
            continue
        for number, target in includes(lines):
            if not may_include(path, target) or reaches_machine(path, target):
                yield f"{path}:{number}: {unit(path)} may not include {target}"


def check_links(links):
    for source in sorted(links):
        for target in sorted(links[source]):
            if not may_include(source, target):
                symbols = ", ".join(sorted(links[source][target]))
                yield f"{source}: {unit(source)} may not use {target}: {symbols}"


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


def check(files, links):
    yield from check_arrows(files)
    yield from check_links(links)
    yield from check_rooms(files)
