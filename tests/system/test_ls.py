"""Promise: `ls` lists the same names on the boot CD as xorriso."""
import posixpath
import shlex
import subprocess

import pytest

from qemu import ISO


def xorriso_entries(folder):
    """Returns the names that xorriso finds in a folder of the boot CD."""
    done = subprocess.run(["xorriso", "-indev", ISO, "-find", folder, "-maxdepth", "1"],
                          capture_output=True, text=True, check=True)
    paths = [shlex.split(line)[0] for line in done.stdout.splitlines() if line.startswith("'")]
    return sorted(posixpath.basename(path) for path in paths if path != folder)


@pytest.mark.parametrize("append", [None, ""], ids=["iso", "pvh"])
def test_ls_shows_every_entry(booted, append):
    machine = booted(append, cdrom=ISO)
    shown = " ".join(machine.command("ls /System/boot/grub/i386-pc")).split()
    assert sorted(name.rstrip("/") for name in shown) == xorriso_entries("/boot/grub/i386-pc")
    assert len(shown) > 40
    assert machine.command("echo $?") == ["0"]


def test_devices_exist_with_and_without_a_disc(booted):
    """/System/Devices exists with a disc and without, and `manifest` does not list it."""
    machine = booted("", cdrom=ISO)
    assert "Devices" in " ".join(machine.command("ls /System"))
    assert b"\tDevices" not in machine.manifest("/System/boot/grub/fonts")
    without = booted("")
    assert "Devices" in " ".join(without.command("ls /System"))
