#!/usr/bin/env python3
"""Cuts the power of a machine while it writes to a disk, and checks the disk.

    python3 tests/system/power.py --cuts 200

QEMU is killed, by its own process, at a random moment of some copying, moving and removing. Then
the volume mounts and can be read; what was synced before is complete; fsck.fat and fsck.exfat find
lost clusters at most.
"""
import argparse
import hashlib
import os
import random
import select
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import qemu  # noqa: E402

CHECK = os.path.join(qemu.TOP, "tests", "host", "fs", "check_volume.py")
SHELL = os.path.join(qemu.BUILD, "host", "spindle-sh")
MAKE = {
    "fat": ["mkfs.fat", "-F", "32", "-s", "1"],
    "exfat": ["mkfs.exfat", "-c", "4096"],
}
DISKS = {
    "ide": ["-device", "ide-hd,bus=ide.0,unit=0,drive=d"],
    "ahci": ["-device", "ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=d"],
    "virtio": ["-device", "virtio-blk-pci,drive=d"],
}
SIZE = 64 << 20
D = "/Drives/disk0"
# A step prints its number twice when it is done: the line that is typed does not have that.
STEPS = [
    f"mount -o rw disk0; cp -r /System/Book {D}/a; sync; echo step 1\"\"1",
    f"cp -r /System/Book {D}/b; mv {D}/a/index.md {D}/new; sync; echo step 2\"\"2",
    f"cp {D}/b/2-read.md {D}/b/1-start.md; mv {D}/a {D}/c; rm -r {D}/b; sync; echo step 3\"\"3",
    f"for i in $(seq 200); do echo $i > {D}/$i; done; umount disk0; echo step 4\"\"4",
]
SECONDS = 3  # that they take, about


def manifest(volume):
    """Returns the content of a volume by path, read by Spindle on the host."""
    run = subprocess.run([SHELL, str(volume), "-c", "manifest /System"], capture_output=True,
                         timeout=60, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    lines = [line.split("\t") for line in run.stdout.splitlines()]
    return {line[4]: line[2] for line in lines if line[0] == "f"}


def book():
    """Returns the digests of what the steps copy."""
    folder, digests = os.path.join(qemu.TOP, "iso", "Book"), {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            digests[name] = hashlib.sha256(file.read()).hexdigest()
    return digests


def check(kind, volume, steps):
    """Checks a volume of which the first steps were completed."""
    run = subprocess.run([sys.executable, CHECK, kind, str(volume)], capture_output=True,
                         timeout=60, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    found, digests = manifest(volume), book()
    for path in found:
        name = path.rpartition("/")[2]
        assert name in digests or path == "new" or path.isdigit(), f"{path} was never there"
    if not steps:
        return

    # the first copy was synced: each file of it is there, at a place where it was since then
    for name, digest in digests.items():
        places = [f"c/{name}"] + [f"a/{name}"] * (steps < 3) + ["new"] * (name == "index.md")
        assert any(found.get(place) == digest for place in places), f"{name} is not in {places}"


def do_steps(machine, end):
    """Does the steps until a moment. Returns how many were completed."""
    for number, step in enumerate(STEPS, 1):
        machine.type(step + "\r")
        while f"step {number}{number}\r\n".encode() not in machine.output:
            if not select.select([machine.process.stdout], [], [],
                                 max(0, end - time.monotonic()))[0]:
                return number - 1
            machine.receive(end + 1, "output")
    return len(STEPS)


def disk_options(disk, volume):
    return ["-drive", f"if=none,id=d,format=raw,file={volume}"] + DISKS[disk]


def cut(kind, disk, volume, source):
    """Makes a volume, writes to it, cuts the power at a random moment, and checks it."""
    with open(volume, "wb") as file:
        file.truncate(SIZE)
    subprocess.run(MAKE[kind] + [str(volume)], check=True, stdout=subprocess.DEVNULL)
    with qemu.Machine("", cdrom=qemu.ISO, options=disk_options(disk, volume)) as machine:
        machine.wait_prompt()
        steps = do_steps(machine, time.monotonic() + source.uniform(0, SECONDS))
        machine.process.kill()
        machine.process.wait()
    check(kind, volume, steps)


def main():
    parser = argparse.ArgumentParser(description="cut the power many times")
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        volume = os.path.join(folder, "volume")
        for number in range(options.cuts):
            source = random.Random(options.seed + number)
            kind, disk = source.choice(list(MAKE)), source.choice(list(DISKS))
            try:
                cut(kind, disk, volume, source)
            except AssertionError as error:
                failed += 1
                print(f"cut {options.seed + number} ({kind}, {disk}): {error}", flush=True)
    print(f"{options.cuts - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
