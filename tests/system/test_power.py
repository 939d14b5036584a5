"""Promise: a machine that loses its power while it writes to a disk leaves a volume that mounts, and
that can be written again. `make soak` cuts it 200 times (power.py)."""
import random

import pytest

import power
import qemu


@pytest.mark.parametrize("disk", power.DISKS)
@pytest.mark.parametrize("kind", power.MAKE)
def test_power_is_cut(booted, tmp_path, kind, disk):
    power.cut(kind, disk, "qcow2", tmp_path, random.Random(f"{kind} {disk}"))
    volume = tmp_path / "volume"
    machine = booted("", cdrom=qemu.ISO, options=power.disk_options(disk, volume))
    machine.command("umount disk0; check -f disk0", seconds=60)
    machine.command("mkdir /Drives/disk0; mount disk0 /Drives/disk0; mount -o rw disk0")
    machine.command("cp -r /System/Book /Drives/disk0/again", seconds=60)
    machine.type("poweroff\r")
    machine.wait_exit()
    found = power.manifest(volume)
    for name, one in power.system().items():
        if name.startswith("Book/"):
            assert found[f"again/{name[5:]}"] == one
    assert "" == power.problems(kind, volume)
