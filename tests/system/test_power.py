"""Promise: a machine that loses its power while it writes to a disk leaves a volume that mounts, and
that can be written again. `make soak` cuts it 200 times (power.py)."""
import random

import pytest

import power
import qemu


@pytest.mark.parametrize("disk", power.DISKS)
@pytest.mark.parametrize("kind", power.MAKE)
def test_power_is_cut(booted, tmp_path, kind, disk):
    volume = tmp_path / "volume"
    for seed in range(2):
        power.cut(kind, disk, volume, random.Random(f"{kind} {disk} {seed}"))
    machine = booted("", cdrom=qemu.ISO, options=power.disk_options(disk, volume))
    machine.command("umount disk0; check -f disk0", seconds=60)
    machine.command("mkdir /Drives/disk0; mount disk0 /Drives/disk0; mount -o rw disk0")
    machine.command("cp -r /System/Book /Drives/disk0/again", seconds=60)
    machine.type("poweroff\r")
    machine.wait_exit()
    found = power.manifest(volume)
    for name, digest in power.book().items():
        assert found[f"again/{name}"] == digest
    power.check(kind, volume, 0)
