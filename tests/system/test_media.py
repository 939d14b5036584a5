"""Discs that come and go, by QMP, as a person's hand would do it."""
import decoder
from conftest import debian_disc
from qemu import EMPTY, ISO

WHERE = "/Drives/cdrom0"


def is_mounted(lines):
    return any(WHERE in line for line in lines)


def test_eject_while_idle_gives_an_error_not_a_hang(booted):
    machine = booted("", cdrom=ISO)
    machine.command("ls /System/boot")
    assert machine.status() == 0
    machine.eject()
    machine.wait_command("cat /System/boot/spindle.id; echo status $?",
                         lambda lines: lines[-1] == "status 1", 20)
    assert machine.command("echo alive") == ["alive"]


def test_disc_inserted_later_is_mounted(booted):
    machine = booted("", cdrom=EMPTY)
    disc = debian_disc("grub-rescue")
    machine.insert(disc)
    machine.wait_command("mount", is_mounted, 30)
    assert machine.manifest(WHERE) == decoder.manifest(disc)


def test_our_disc_inserted_later_becomes_system(booted, build_id):
    machine = booted("", cdrom=EMPTY)
    machine.insert(ISO)
    machine.wait_command("cat /System/boot/spindle.id", lambda lines: lines == [build_id], 30)


def test_another_disc_shows_no_byte_of_the_old(booted):
    machine = booted("", cdrom=ISO)
    machine.manifest("/System")
    machine.eject()
    disc = debian_disc("memtest-x64")
    machine.insert(disc)
    machine.wait_command("mount", is_mounted, 30)
    assert machine.manifest(WHERE) == decoder.manifest(disc)
    machine.command("cat /System/boot/spindle.id")
    assert machine.status() == 1


def test_ten_changes(booted):
    machine = booted("", cdrom=EMPTY)
    discs = [debian_disc("grub-rescue"), debian_disc("ipxe")]
    expected = [decoder.manifest(disc) for disc in discs]
    for i in range(10):
        machine.insert(discs[i % 2])
        machine.wait_command("mount", is_mounted, 30)
        assert machine.manifest(WHERE) == expected[i % 2]
        machine.eject()
        machine.wait_command("mount", lambda lines: not is_mounted(lines), 30)
