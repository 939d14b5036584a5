"""Promise: discs can be inserted, ejected and exchanged at any time, as by hand; files on a removed
disc return errors, and a new disc is mounted."""
import shutil

import pytest

import decoder
from conftest import debian_disc, make_disc
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


def in_use(lines):
    return [line for line in lines if " was removed while in use" in line]


def test_removal_of_a_disc_in_use_is_logged(booted):
    """Once, before the next prompt. The removal of a disc that is not in use is not logged."""
    machine = booted("", cdrom=ISO)
    machine.command("cd /System/boot")
    machine.eject()
    lines = machine.wait_command("pwd", in_use, 20)
    logged = in_use(lines)
    assert len(logged) == 1 and logged[0].endswith(
        "] vfs: /System: cdrom0 was removed while in use; open files return errors")
    assert lines[0] == "/System/boot"
    machine.command("ls")
    assert machine.status() == 2
    machine.command("cd /")
    machine.insert(debian_disc("ipxe"))
    machine.wait_command("mount", is_mounted, 30)
    machine.command(f"ls -R {WHERE}; sha256sum {WHERE}/*")
    machine.eject()
    machine.wait_command("mount", lambda lines: not is_mounted(lines), 30)
    assert len(in_use(machine.command("log"))) == 1


def tray_is_open(machine):
    return [drive["tray_open"] for drive in machine.qmp("query-block") if drive["removable"]][0]


def test_eject_opens_the_tray_of_a_disc_that_is_not_in_use(booted):
    machine = booted("", cdrom=ISO)
    assert machine.command("cd /System; eject cdrom0") == ["eject: cdrom0: /System is in use"]
    assert machine.status() == 1 and not tray_is_open(machine)
    machine.command("head -c 1 Book/index.md > /one; cd /; eject cdrom0")
    assert machine.status() == 0 and tray_is_open(machine)
    machine.wait_command("ls /System", lambda lines: lines == ["Devices"], 20)
    machine.command("eject -t cdrom0")
    machine.wait_command("ls /System", lambda lines: "Book" in lines, 30)
    assert not tray_is_open(machine)
    assert machine.command("eject null; eject virtual/control") == [
        "eject: null: no such device; `devices` lists them",
        "eject: virtual/control: not a drive with a tray"]


def test_disc_inserted_later_is_mounted(booted):
    machine = booted("", cdrom=EMPTY)
    disc = debian_disc("grub-rescue")
    machine.insert(disc)
    machine.wait_command("mount", is_mounted, 30)
    assert machine.manifest(WHERE) == decoder.manifest(disc)


def test_drives_directory_is_created_again(booted):
    machine = booted("", cdrom=EMPTY)
    machine.command("rm -r /Drives")
    machine.insert(debian_disc("ipxe"))
    machine.wait_command("mount", is_mounted, 30)


def test_our_disc_inserted_later_becomes_system(booted, build_id):
    machine = booted("", cdrom=EMPTY)
    machine.insert(ISO)
    machine.wait_command("cat /System/boot/spindle.id", lambda lines: lines == [build_id], 30)


@pytest.mark.parametrize("use", ["", "cd /System/boot", "vdrive add /System/boot/spindle.elf"])
def test_our_disc_taken_out_and_put_back_becomes_system_again(booted, build_id, use):
    """Whether it was in use or not, and even if another disc was mounted in /Drives meanwhile."""
    machine = booted("", cdrom=ISO)
    machine.command(use)
    for other in (None, debian_disc("ipxe")):
        machine.eject()
        machine.wait_command("ls /System", lambda lines: lines == ["Devices"], 30)
        if other:
            machine.insert(other)
            machine.wait_command("mount", is_mounted, 30)
            assert machine.command("ls /System") == ["Devices"]
        machine.insert(ISO)
        machine.wait_command("cat /System/boot/spindle.id", lambda lines: lines == [build_id], 30)
        assert not is_mounted(machine.command("mount"))


def test_another_disc_shows_no_byte_of_the_previous_one(booted):
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


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """(a disc with an image of a disc with an image of a disc, the manifest of the innermost)"""
    folder = tmp_path_factory.mktemp("nested")
    inner = debian_disc("grub-rescue")
    image = inner
    for name in ("middle.iso", "outer.iso"):
        tree = folder / name.replace(".iso", "")
        tree.mkdir()
        shutil.copy(image, tree / "image.iso")
        (tree / "inside").mkdir()
        image = folder / name
        make_disc(tree, image, name[:5].upper())
    return image, decoder.manifest(inner)


def door_is_locked(machine):
    return [drive["locked"] for drive in machine.qmp("query-block") if drive["removable"]][0]


def test_images_in_images(booted, nested):
    image, expected = nested
    machine = booted("", cdrom=image)
    for commands in ("mount /System/image.iso /System/inside",
                     "mount /System/inside/image.iso /System/inside/inside"):
        machine.command(commands)
        assert machine.status() == 0
    assert machine.manifest("/System/inside/inside") == expected
    machine.command("umount /System/inside")
    assert machine.status() == 1  # something is mounted in it
    machine.command("umount /System/inside/inside && umount /System/inside && umount /System")
    assert machine.status() == 0


def test_a_file_in_use_locks_the_door(booted, nested):
    machine = booted("", cdrom=nested[0])
    assert not door_is_locked(machine)
    machine.command("mount /System/image.iso /Drives")
    machine.wait_command("pwd", lambda _: door_is_locked(machine), 20)
    machine.command("umount /Drives")
    machine.wait_command("pwd", lambda _: not door_is_locked(machine), 20)


def test_images_on_a_removed_disc_are_unmounted(booted, nested):
    """Removing a disc by force also unmounts the images on it, cached or not."""
    machine = booted("", cdrom=nested[0])
    machine.command("mount /System/image.iso /System/inside")
    assert machine.manifest("/System/inside")
    machine.command("cd /System/inside")
    machine.eject()
    machine.wait_command("mount", lambda lines: not any("inside" in line for line in lines), 30)
    machine.command("ls")
    assert machine.status() == 2
    machine.command("cd /")
    machine.insert(debian_disc("ipxe"))
    machine.wait_command("mount", is_mounted, 30)
    assert not any("virtual0" in line for line in machine.command("devices"))


def test_one_directory_has_one_path_however_it_is_typed(booted, nested):
    machine = booted("", cdrom=nested[0])
    machine.command("cd /System/INSIDE")
    assert machine.command("pwd") == ["/System/inside"]
    machine.command("cd /; mount /System/image.iso /System/Inside")
    assert machine.status() == 0
    machine.command("mount /System/image.iso /System/inside")
    assert machine.status() == 1
    machine.command("umount /System/INSIDE")
    assert machine.status() == 0


def test_ctrl_c_ends_a_mount_that_hangs(booted):
    """The drive responds after 8 s; the prompt must appear long before."""
    machine = booted("", cdrom=ISO)
    machine.command("vdrive add --no-mount --cd /System/Devices/Classes/cdrom0; mkdir /m")
    machine.command("vdrive fault 0 delay 8000")
    machine.type("mount virtual0 /m\r")
    machine.wait_text(rb"mount virtual0 /m\r\n")
    machine.type("\x03")
    machine.wait_prompt(4)
    assert machine.command("mount | grep -c virtual0; echo alive", 4) == ["0", "alive"]
