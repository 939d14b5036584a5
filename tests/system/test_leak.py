"""After a disc was mounted, read whole and dismounted, the memory is as before the first mount."""
import re

from conftest import debian_disc
from qemu import EMPTY, ISO

WHERE = "/Drives/cdrom0"


def figures(machine):
    """(free pages, bytes of heap in use) after everything reclaimable was reclaimed."""
    machine.command("mem --reclaim")
    text = "\n".join(machine.command("mem"))
    pages = re.search(r"free pages: (\d+)", text)
    heap = re.search(r"heap bytes: (\d+)", text)
    assert pages and heap, text
    return int(pages.group(1)), int(heap.group(1))


def mount_read_dismount(machine, disc, where):
    machine.insert(disc)
    machine.wait_command(
        "mount", lambda lines: any(line.split()[0] == where for line in lines), 30)
    assert machine.manifest(where)
    assert machine.status() == 0
    machine.command(f"umount {where}")
    assert machine.status() == 0
    machine.eject()  # the kernel asks its drives once a second, and then removes the directory
    machine.wait_command("ls /Drives", lambda lines: "cdrom0" not in lines, 30)


def test_memory_returns_after_dismount(booted):
    machine = booted("", cdrom=EMPTY)
    before = figures(machine)
    for _ in range(3):
        mount_read_dismount(machine, debian_disc("grub-rescue"), WHERE)
        assert figures(machine) == before


def test_memory_returns_after_system_was_dismounted(booted):
    machine = booted("", cdrom=EMPTY)
    before = figures(machine)
    mount_read_dismount(machine, ISO, "/System")
    assert figures(machine) == before


def test_reading_again_takes_no_more(booted):
    machine = booted("", cdrom=ISO)
    machine.manifest("/System")
    before = figures(machine)
    for _ in range(3):
        machine.manifest("/System")
    assert figures(machine) == before
