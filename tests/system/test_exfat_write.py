"""Promise: exFAT volumes that Spindle makes and writes are right for a decoder of the specification
and for exfatprogs, and `check` agrees with them."""
import random
import subprocess

import pytest

import qemu
from exfat_reader import Reader
from exfat_volume import Volume
from test_fat import NAMES, lines_of, manifest
from test_tool import run as run_shell
from test_write import BUSES, CD, poweroff, shell_tree, tree

SIZE = 64 << 20


def check(volume):
    done = subprocess.run(["fsck.exfat", "-n", str(volume)], capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    assert not Reader(volume).dirty


@pytest.mark.parametrize("bus", BUSES)
def test_a_tree_is_copied_and_survives_poweroff(booted, tmp_path, bus):
    """Onto a volume that Spindle itself has made."""
    volume = tmp_path / "volume"
    volume.write_bytes(bytes(SIZE))
    machine = booted("", cdrom=qemu.ISO, options=BUSES[bus](volume))
    machine.command("format -y disk0 exfat -n 'Größe 1'")
    machine.command("mkdir /Drives/disk0; mount disk0 /Drives/disk0; mount -o rw disk0")
    machine.command(f"cp -r {CD} /Drives/disk0/", seconds=120)
    expected = tree(machine, CD)
    assert tree(machine, "/Drives/disk0/Book") == expected
    machine.command("echo one > /Drives/disk0/'A long name: no'; echo one > /Drives/disk0/name")
    machine.command("echo two >> /Drives/disk0/NAME; mkdir /Drives/disk0/new")
    machine.command("mv /Drives/disk0/name /Drives/disk0/new/'Ein längerer Name 😀'")
    machine.command("head -c 3000000 /System/boot/spindle.elf > /Drives/disk0/later")
    machine.command("rm -r /Drives/disk0/Book; cp -r /System/Book /Drives/disk0/")
    poweroff(machine)

    check(volume)
    assert shell_tree(volume, "/System/Book") == expected
    found = Reader(volume).tree()
    assert found["new/Ein längerer Name 😀"] == b"one\ntwo\n"
    with open(qemu.ELF, "rb") as kernel:
        assert found["later"] == kernel.read(3000000)
    assert "Größe 1" in run_shell(volume, "-c", "mount")[1]
    assert " 0 findings" in run_check(booted, volume, bus)


def run_check(booted, volume, bus, options=""):
    machine = booted("", cdrom=qemu.ISO, options=BUSES[bus](volume))
    said = "\n".join(machine.command(f"umount disk0; check {options} disk0", seconds=60))
    poweroff(machine)
    return said


def test_a_fragmented_volume_of_mkfs(booted, tmp_path):
    """Files that were made by other programs are changed, and their gaps are filled."""
    volume, source, known = Volume(tmp_path / "volume", SIZE, "-c", "4096"), random.Random(2), {}
    folder = volume.add(volume.root, "dir")
    known["dir"] = None
    for number, name in enumerate(NAMES):
        known[f"dir/{name}"] = source.randbytes(number * 3777)
        volume.add(folder, name, known[f"dir/{name}"], gap=number % 3)
    volume.write()
    machine = booted("", cdrom=qemu.ISO, options=BUSES["virtio"](volume.path))
    machine.command("mount -o rw disk0; cd /Drives/disk0/dir")
    for name in NAMES[::2]:
        machine.command(f"echo more >> '{name}'")
        known[f"dir/{name}"] += b"more\n"
    machine.command(f"rm '{NAMES[1]}'; head -c 9000000 /System/boot/spindle.elf > ../big; cd /")
    del known[f"dir/{NAMES[1]}"]
    with open(qemu.ELF, "rb") as kernel:
        known["big"] = kernel.read(9000000)
    poweroff(machine)
    check(volume.path)
    assert Reader(volume.path).tree() == known
    assert manifest(volume.path) == (0, lines_of(known), "")


def test_check_repairs_what_is_lost(booted, tmp_path):
    volume = Volume(tmp_path / "volume", SIZE, "-c", "4096")
    volume.add(volume.root, "file", b"x" * 10000)
    volume.data[volume.bitmap + 1000] |= 0x11
    volume.data[106] |= 2
    volume.write()
    said = run_check(booted, volume.path, "ide")
    assert "2 clusters (8192 bytes) belong to no file" in said and "2 findings" in said
    assert "the volume was not unmounted" in said
    assert "2 repaired" in run_check(booted, volume.path, "ide", "-f")
    check(volume.path)
    assert Reader(volume.path).tree() == {"file": b"x" * 10000}
