"""What the tests of virtual drives share: a disc with images, a machine that has it."""
import re
import shutil
import subprocess
import time

import pytest

import decoder
import qemu
from conftest import debian_disc
from raw_sectors import whole_sectors

DRIVE = "/System/Devices/Classes/virtual0"
FLOPPY_KIB = "160"


def mtools(program, *arguments):
    subprocess.run([program, *arguments], check=True, stdout=subprocess.DEVNULL)


def make_floppies(tree):
    """A FAT floppy, and the same after a file was put on it: whole, and as far as it differs."""
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


def make_disc(tree, path, label):
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", label, "-o", path, tree],
                   check=True, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A disc with images on it."""
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
    """The one machine of this file; a test that fails takes it along."""
    running = []
    yield running
    for machine in running:
        machine.__exit__()


@pytest.fixture
def shell(machines, images):
    """A machine that has no virtual drive, neither before the test nor after it."""
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
    """What a line prints, but for the log; it ends with this status."""
    printed = [text for text in shell.command(line) if not text.startswith("[")]
    assert shell.status() == status, (line, printed)
    return printed


def find_mounted(shell, number=0):
    """Where the drive is mounted; what can be written is mounted by hand."""
    where = f"/Drives/virtual{number}"
    if not any(line.split()[:2] == [where, f"virtual{number}"] for line in shell.command("mount")):
        run(shell, f"mkdir -p {where}; mount virtual{number} {where}")
    return where


def unmount_and_remove(shell, number=0):
    assert run(shell, f"umount /Drives/virtual{number}; vdrive rm {number}") == []


def slow_drive(disc, bytes_per_second):
    drive = (f"if=none,id=disc,media=cdrom,format=raw,file={disc},"
             f"throttling.bps-read={bytes_per_second}")
    return ["-drive", drive, "-device", "ide-cd,id=cdrom0,bus=ide.1,unit=0,drive=disc"]


def memory(machine):
    """Free pages, and bytes of the heap that somebody has."""
    machine.command("mem --reclaim")
    text = "\n".join(machine.command("mem"))
    return [int(re.search(rf"{what}: (\d+)", text).group(1)) for what in ("free pages",
                                                                         "heap bytes")]


def wait_memory(machine, before):
    """Until memory is as it was: those who end give theirs back a little later, and the tables of
    the file cache stay as large as they once had to be."""
    deadline = time.monotonic() + 30
    while True:
        now = memory(machine)
        if abs(now[0] - before[0]) <= 16 and abs(now[1] - before[1]) <= 16384:
            return
        assert time.monotonic() < deadline, (before, now)
