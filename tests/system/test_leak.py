"""Promise: after a disc was mounted, completely read and unmounted, the free memory is as
before."""
from conftest import debian_disc
from qemu import EMPTY, ISO

WHERE = "/Drives/cdrom0"


def mount_read_dismount(machine, disc, where):
    machine.insert(disc)
    machine.wait_command(
        "mount", lambda lines: any(line.split()[0] == where for line in lines), 30)
    assert machine.manifest(where)
    assert machine.status() == 0
    machine.command(f"umount {where}")
    assert machine.status() == 0
    machine.eject()  # the kernel polls its drives once a second, and then removes the directory
    machine.wait_command("ls /Drives", lambda lines: "cdrom0" not in lines, 30)


def test_memory_returns_after_dismount(booted):
    machine = booted("", cdrom=EMPTY)
    before = machine.memory()
    for _ in range(3):
        mount_read_dismount(machine, debian_disc("grub-rescue"), WHERE)
        assert machine.memory() == before


def test_memory_returns_after_system_was_dismounted(booted):
    machine = booted("", cdrom=EMPTY)
    before = machine.memory()
    mount_read_dismount(machine, ISO, "/System")
    assert machine.memory() == before


def test_reading_again_takes_no_more_memory(booted):
    machine = booted("", cdrom=ISO)
    machine.manifest("/System")
    before = machine.memory()
    for _ in range(3):
        machine.manifest("/System")
    assert machine.memory() == before
