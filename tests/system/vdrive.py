"""Shared by the tests of virtual drives: a disc with images, and a machine with that disc."""
import shutil
import subprocess
import time

import pytest

import decoder
import qemu
from conftest import debian_disc, make_disc
from raw_sectors import whole_sectors

DRIVE = "/System/Devices/Classes/virtual0"
FLOPPY_KIB = "160"


def mtools(program, *arguments):
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL)


def make_floppies(tree):
    """Writes a FAT floppy image, a copy with a file added, and the changed prefix of the copy."""
    plain, changed = tree / "floppy.img", tree / "changed.img"
    mtools("mformat", "-C", "-i", plain, "-f", FLOPPY_KIB, "-v", "PLAIN", "-N", "12345678",
           "::")
    shutil.copy(plain, changed)
    note = tree / "note.txt"
    note.write_text("written by the host\n")
    mtools("mcopy", "-i", changed, note, "::NOTE.TXT")
    before, after = plain.read_bytes(), changed.read_bytes()
    end = max(at for at in range(len(after)) if after[at] != before[at]) + 1
    (tree / "change").write_bytes(after[:end])


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """(directory of images, a disc that contains it)"""
    folder = tmp_path_factory.mktemp("vdrive")
    small, tree = folder / "small", folder / "tree"
    small.mkdir()
    tree.mkdir()
    for number in range(20):
        (small / f"file{number}").write_bytes(bytes([number]) * (number * 777))
    make_disc(small, tree / "small.iso", "SMALL")
    data = (tree / "small.iso").read_bytes()
    data += bytes(-len(data) % 4096)
    (tree / "small.iso").write_bytes(data)
    (tree / "mode1.bin").write_bytes(b"".join(whole_sectors(data, 1, False)))
    (tree / "mode2.bin").write_bytes(b"".join(whole_sectors(data, 2, True)))
    (tree / "wrapped").write_bytes(b"x" * 12345 + data + b"y" * 777)
    (tree / "odd").write_bytes(bytes(range(256)) * 10 + b"z" * 317)
    (tree / "tiny").write_bytes(b"t" * 100)
    shutil.copy(debian_disc("ipxe"), tree / "other.iso")
    make_floppies(tree)
    inner = folder / "inner"
    inner.mkdir()
    shutil.copy(tree / "small.iso", inner / "small.iso")
    make_disc(inner, tree / "outer.iso", "OUTER")
    make_disc(tree, folder / "disc.iso", "DISC")
    return tree, folder / "disc.iso"


@pytest.fixture(scope="module")
def machines():
    """The machine that the tests of a file share; a test that fails ends it."""
    running = []
    yield running
    for machine in running:
        machine.__exit__()


@pytest.fixture
def shell(machines, images):
    """A machine without virtual drives, before the test and after it."""
    if not machines:
        machines.append(qemu.Machine("", cdrom=images[1]).__enter__())
        machines[0].wait_prompt()
    machine = machines.pop()
    try:
        yield machine
        assert machine.command("cd /; vdrive list")[1:] == []
        machines.append(machine)
    finally:
        if not machines:
            machine.__exit__()


@pytest.fixture(scope="module")
def truth(images):
    return decoder.manifest(images[0] / "small.iso")


def run(shell, line, status=0):
    """Runs a line, which must end with this status. Returns its output without log lines."""
    printed = [text for text in shell.command(line) if not text.startswith("[")]
    assert shell.status() == status, (line, printed)
    return printed


def find_mounted(shell, number=0):
    """Returns the drive's mount point. Mounts a writable drive, which is not mounted
    automatically."""
    where = f"/Drives/virtual{number}"
    if not any(line.split()[:2] == [where, f"virtual{number}"] for line in shell.command("mount")):
        run(shell, f"mkdir -p {where}; mount virtual{number} {where}")
    return where


def unmount_and_remove(shell, number=0):
    assert run(shell, f"umount /Drives/virtual{number}; vdrive rm {number}") == []


def wait_memory(machine, before):
    """Waits until memory is as before. Ended threads free theirs a little later, and the hash
    tables of the page cache do not shrink, hence the tolerance."""
    deadline = time.monotonic() + 30
    while True:
        now = machine.memory()
        if abs(now[0] - before[0]) <= 16 and abs(now[1] - before[1]) <= 16384:
            return
        assert time.monotonic() < deadline, (before, now)
