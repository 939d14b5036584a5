"""Promise: `toram` moves the boot disc to memory, so that the disc can be removed; and a disc that
the loader loaded to memory becomes /System."""
import random
import subprocess

import pytest

import decoder
from conftest import debian_disc
from qemu import ISO, bad_drive

STAYS = "/System: now in memory, as virtual%d; cdrom0 is no longer needed"


def no_disc(lines):
    return any("cdrom0" in line and "no disc" in line for line in lines)


def test_everything_works_after_the_disc_was_removed(booted):
    machine = booted("", cdrom=ISO)
    machine.command("vdrive add /System/boot/spindle.elf")  # keeps the file open
    digest = machine.command("sha256sum /System/Devices/Classes/virtual0")
    before = machine.command("stat /System/boot/spindle.id")
    machine.command("cd /System/Book")
    assert machine.command("toram") == [STAYS % 1]
    machine.eject()
    machine.wait_command("devices", no_disc, 20)
    assert machine.command("sha256sum /System/Devices/Classes/virtual0") == digest
    assert machine.command("stat /System/boot/spindle.id") == before
    assert machine.command("pwd") == ["/System/Book"]
    assert machine.manifest("/System") == decoder.manifest(ISO)
    assert machine.command("head -n 1 2-read.md")
    assert machine.status() == 0
    assert machine.command("toram") == ["toram: /System: already in memory"]


def test_the_drive_is_free_for_another_disc(booted):
    machine = booted('run="toram; eject cdrom0"', cdrom=ISO)
    machine.wait_command("devices", no_disc, 20)
    other = debian_disc("grub-rescue")
    machine.insert(other)
    machine.wait_command("mount", lambda lines: any("/Drives/cdrom0" in line for line in lines), 20)
    assert machine.manifest("/Drives/cdrom0") == decoder.manifest(other)
    assert machine.manifest("/System") == decoder.manifest(ISO)


def test_memory_is_freed_after_unmounting(booted):
    machine = booted("", cdrom=debian_disc("grub-rescue"))
    machine.command("toram; toram; umount /System")
    assert machine.command("vdrive list | grep -c virtual0") == ["0"]


@pytest.mark.parametrize("sector", [16, 100, 2000])
def test_a_bad_sector_changes_nothing(machine, sector):
    bad = machine(append="log=error", options=bad_drive(ISO, sector))
    bad.wait_prompt()
    if sector != 16:  # the primary descriptor, without which there is no /System
        assert bad.command("toram") == \
            ["toram: cdrom0: unreadable block; nothing was changed"]
        assert bad.command("cat /System/boot/spindle.id; vdrive list | grep -c virtual")[1:] == \
            ["0"]
    else:
        assert bad.command("toram") == ["toram: /System: no device is mounted here"]
    assert bad.status() == 1


def test_too_little_memory_changes_nothing(booted, tmp_path):
    disc, tree = tmp_path / "disc.iso", tmp_path / "tree"
    tree.mkdir()
    (tree / "noise").write_bytes(random.Random(1).randbytes(8 << 20))
    subprocess.run(["genisoimage", "-quiet", "-R", "-o", disc, tree], check=True)
    machine = booted("log=error", cdrom=disc, memory="8M")
    assert machine.command("toram") == [
        "toram: cdrom0: not enough memory; drives cannot use its last eighth"]
    assert machine.command("vdrive list | grep -c virtual") == ["0"]
    assert machine.manifest("/System") == decoder.manifest(disc)


def test_eject_refuses_while_a_drive_shows_a_file_of_the_disc(booted):
    machine = booted("log=error", cdrom=ISO)
    machine.command("vdrive add /System/boot/spindle.elf")
    assert machine.command("eject cdrom0") == ["eject: cdrom0: /System is in use"]
    assert machine.command("eject virtual0") == ["eject: virtual0: not a drive with a tray"]
    machine.command("vdrive rm 0")
    assert machine.command("eject; mount | grep -c cdrom0") == ["0"]


def test_other_paths_are_refused(booted):
    machine = booted("", cdrom=ISO)
    assert machine.command("toram /Drives") == ["toram: /Drives: no device is mounted here"]
    assert machine.command("toram /nowhere") == ["toram: /nowhere: No such file or directory"]
    assert machine.command("toram /") == ["toram: /: no device is mounted here"]


# ---- the disc as a boot module -------------------------------------------------------------------


def test_system_comes_from_a_module(machine):
    booted = machine(append="", options=["-initrd", ISO])
    booted.wait_prompt()
    assert booted.manifest("/System") == decoder.manifest(ISO)
    assert booted.command("eject virtual0")
    assert booted.status() == 1


def test_a_cd_is_preferred_to_a_module(machine):
    booted = machine(append="", cdrom=debian_disc("grub-rescue"),
                     options=["-initrd", debian_disc("grub-rescue")])
    booted.wait_prompt()
    assert [line.split()[1] for line in booted.command("mount") if line.startswith("/System ")] \
        == ["cdrom0"]
    assert booted.manifest("/Drives/virtual0") == decoder.manifest(debian_disc("grub-rescue"))


def test_boot_disc_as_a_module_is_preferred_to_another_cd(machine):
    booted = machine(append="", cdrom=debian_disc("grub-rescue"), options=["-initrd", ISO])
    booted.wait_prompt()
    assert [line.split()[1] for line in booted.command("mount") if line.startswith("/System ")] \
        == ["virtual0"]


def test_boot_from_a_usb_stick_loads_its_disc(machine):
    stick = ["-drive", f"if=ide,index=0,format=raw,snapshot=on,file={ISO}"]
    booted = machine(append=None, options=["-boot", "c"] + stick)
    booted.wait_prompt()
    assert booted.manifest("/System") == decoder.manifest(ISO)
