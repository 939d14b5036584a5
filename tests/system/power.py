#!/usr/bin/env python3
"""Cuts the power of a machine while it writes to a disk, and checks the disk.

    python3 tests/system/power.py --cuts 200 [--seed 1]

QEMU is killed, by its own process, at a random moment of power.sh. Then fsck.fat and fsck.exfat find
lost clusters at most, the volume mounts, what was synced before is complete, and each file has the
beginning of its own bytes and nothing else.

The disk is a raw file, of which the host's memory keeps each write; or a qcow2 file over it, whose
tables QEMU has in memory until a flush: of what was written since then only a part is there.
"""
import argparse
import functools
import hashlib
import os
import random
import re
import select
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import qemu  # noqa: E402

SYSTEM = os.path.dirname(os.path.abspath(__file__))
CHECK = os.path.join(qemu.TOP, "tests", "host", "fs", "check_volume.py")
SHELL = os.path.join(qemu.BUILD, "host", "spindle-sh")
APPEND = 'run=". /Drives/cdrom1/power.sh"'
MAKE = {
    "fat": ["mkfs.fat", "-F", "32", "-s", "1"],
    "exfat": ["mkfs.exfat", "-c", "4096"],
}
DISKS = {
    "ide": ["-device", "ide-hd,bus=ide.0,unit=0,drive=d"],
    "ahci": ["-device", "ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=d"],
    "virtio": ["-device", "virtio-blk-pci,drive=d"],
}
CACHES = ["raw", "qcow2"]
SIZE = 64 << 20
# What power.sh prints, and the time until the next such line, about.
STEPS = {"": 0.1, "copied": 0.3, "renamed": 0.3, "appended": 0.3, "system": 1, "removed": 0.2,
         "replaced": 0.5, "unmounted": 0.1}


def shell(image, command):
    run = subprocess.run([SHELL, str(image), "-c", command], capture_output=True, timeout=60,
                         check=False)
    assert run.returncode == 0, (run.stdout + run.stderr).decode(errors="replace")
    return run.stdout


def manifest(image):
    """Returns the size and the digest of each file, by path, as Spindle on the host reads them."""
    lines = [line.split("\t") for line in shell(image, "manifest /System").decode().splitlines()]
    return {line[4]: (int(line[1]), line[2]) for line in lines if line[0] == "f"}


def digest(data):
    return hashlib.sha256(data).hexdigest()


@functools.cache
def system():
    return manifest(qemu.ISO)


@functools.cache
def content(name):
    """Returns the bytes of a file of the boot CD."""
    return shell(qemu.ISO, f"cat '/System/{name}'")


# ---- what must be on the disk -------------------------------------------------------------------


def source(path):
    """Returns the name of the file that power.sh copies to a path. cp replaces a file by one that it
    has written under another name, `.NAME.part~N`, which an interrupted copy leaves."""
    path = re.sub(r"(^|/)\.([^/]+)\.part~[0-9]+$", r"\1\2", path)
    folder, _, rest = path.partition("/")
    return {"a": "Book/" + rest, "b": "Book/" + rest, "system": rest, "moved": rest}.get(folder)


def check_copy(path, found):
    """Checks that a copy, which may be in progress, has bytes of its source only."""
    size, shown = found
    assert source(path) in system(), f"{path} was never there"
    whole, wanted = system()[source(path)]
    if size != whole:
        wanted = digest(content(source(path))[:size])
    assert size <= whole and shown == wanted, f"{path} ({size} bytes) has other bytes"


def check_complete(found, folder, names, needed):
    """Checks copies that were synced; `needed`: all of them are there."""
    for name in names:
        path = f"{folder}/{name}"
        if needed or path in found:
            assert found.get(path) == system()[source(path)], f"{path} was synced: {found.get(path)}"


def check_lines(found, output, done):
    versions = [digest(f"version {n}\n".encode()) for n in range(1, 21)]
    lines = b"".join(b"line %d\n" % n for n in range(1, 21))
    if "current" in found:
        assert found["current"][1] in versions, "a rename shows neither the old nor the new file"
    if "renamed" in done:
        assert found.get("current", (0, ""))[1] == versions[-1], "an old version after a sync"
    if "part" in found:
        size, shown = found["part"]
        assert any(shown == digest((b"version %d\n" % n)[:size]) for n in range(1, 21)), "part"
    size, shown = found.get("log", (0, digest(b"")))
    synced = len(re.findall(rb"^log \d+\r\n", output, re.M))
    assert shown == digest(lines[:size]), "the log has other bytes"
    assert size >= len(b"".join(b"line %d\n" % n for n in range(1, synced + 1))), "lines are lost"


def problems(kind, volume):
    """Returns what fsck finds beyond lost clusters."""
    done = subprocess.run([sys.executable, CHECK, kind, str(volume)], capture_output=True,
                          timeout=60, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def check(kind, volume, output):
    """Checks a volume after the output of power.sh."""
    text = problems(kind, volume)
    assert not text, text
    found, done = manifest(volume), re.findall(r"^step (\w+)\r$", output.decode(), re.M)
    for path in found.keys() - {"log", "part", "current"}:
        check_copy(path, found[path])
    check_lines(found, output, done)

    book = [name[5:] for name in system() if name.startswith("Book/")]
    if "copied" in done and "removed" not in done:
        check_complete(found, "a", book, needed="system" not in done)
    if "system" in done and "replaced" not in done:
        for name in system():
            places = [f"{folder}/{name}" for folder in ("system", "moved")]
            assert "removed" in done or any(place in found for place in places), f"{name} is lost"
        check_complete(found, "system", system(), needed=False)
        check_complete(found, "moved", system(), needed=False)
    if "removed" in done:
        assert not any(path.startswith(("a/", "system/")) for path in found), "removed"
    if "replaced" in done:
        check_complete(found, "b", book, needed=True)
        assert not any(path.startswith("moved/") for path in found), "removed"


# ---- the machine --------------------------------------------------------------------------------


def disk_options(disk, volume, overlay=None):
    file = ["-blockdev", f"driver=file,node-name=file,filename={overlay or volume},"
            "cache.no-flush=on", "-blockdev"]
    if overlay:
        return file + ["driver=qcow2,node-name=d,file=file"] + DISKS[disk]
    return file + ["driver=raw,node-name=d,file=file"] + DISKS[disk]


def make_volume(kind, volume):
    with open(volume, "wb") as file:
        file.truncate(SIZE)
    subprocess.run(MAKE[kind] + [str(volume)], check=True, stdout=subprocess.DEVNULL)


def make_script(path):
    """Makes the CD with power.sh."""
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", path, "-graft-points",
                    "power.sh=" + os.path.join(SYSTEM, "power.sh")], check=True,
                   stderr=subprocess.DEVNULL)
    return ["-drive", f"if=none,id=script,media=cdrom,format=raw,file={path}",
            "-device", "ide-cd,bus=ide.1,unit=1,drive=script"]


def receive(machine, end):
    """Collects output until a moment. Returns False at the end of the output."""
    left = end - time.monotonic()
    if left <= 0 or not select.select([machine.process.stdout], [], [], left)[0]:
        return False
    return machine.receive(end + 1, "output")


def run(machine, step, share):
    """Waits for a step's line, and for a share of the time until the next one."""
    end = time.monotonic() + qemu.BOOT_SECONDS
    while step and f"step {step}\r\n".encode() not in machine.output:
        if not receive(machine, end):
            machine.fail(f"step {step!r} was not reached")
    if not step:
        machine.wait_text(rb"monitor: ")
    end = time.monotonic() + share * STEPS[step]
    while receive(machine, end):
        pass


def cut(kind, disk, cache, folder, source):
    """Makes a volume, writes to it, cuts the power at a random moment, and checks it."""
    volume, overlay = os.path.join(folder, "volume"), os.path.join(folder, "overlay")
    make_volume(kind, volume)
    options = make_script(os.path.join(folder, "script.iso"))
    if cache == "qcow2":
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", "-b",
                        volume, "-F", "raw", overlay], check=True)
        options += disk_options(disk, volume, overlay)
    else:
        options += disk_options(disk, volume)
    step, share = source.choice(list(STEPS)), source.random()
    with qemu.Machine(APPEND, cdrom=qemu.ISO, options=options) as machine:
        run(machine, step, share)
        machine.process.kill()
        machine.process.wait()
        while machine.receive(time.monotonic() + 10, "the rest"):
            pass
        output = machine.all_output
    if cache == "qcow2":
        subprocess.run(["qemu-img", "convert", "-O", "raw", overlay, volume + ".new"], check=True)
        os.replace(volume + ".new", volume)
    check(kind, volume, output)
    return step


def main():
    parser = argparse.ArgumentParser(description="cut the power many times")
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.seed, options.seed + options.cuts):
            source = random.Random(number)
            kind, disk, cache = (source.choice(list(names)) for names in (MAKE, DISKS, CACHES))
            try:
                cut(kind, disk, cache, folder, source)
            except AssertionError as error:
                failed += 1
                print(f"cut {number} ({kind}, {disk}, {cache}): {error}", flush=True)
    print(f"{options.cuts - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
