#!/usr/bin/env python3
"""Loads writable mounts of FAT and exFAT for minutes with the programs of the host.

    python3 tests/system/write_soak.py --seconds 120 [--seed 1]

Each volume is filled by tar, rsync and git, written by fio, and changed at random as fsx and
fsstress do, for the given time each; the same is done on the file system of the host. Everything is
compared while it is mounted and after it was mounted again, and fsck finds nothing.
"""
import argparse
import contextlib
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import qemu  # noqa: E402
import write_load  # noqa: E402

MOUNT = os.path.join(qemu.BUILD, "host", "spindle-mount")
MAKE = {"fat": ["mkfs.fat", "-F", "32", "-s", "8"], "exfat": ["mkfs.exfat", "-c", "4096"]}
SIZE = 512 << 20
SOURCES = ["kernel", "fs", "shell", "lib", "iso"]
# FAT keeps neither owners nor modes, and times of two seconds.
RSYNC = ["rsync", "-rt", "--modify-window=2", "--delete"]


def run(*words, cwd=None):
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True,
                          timeout=3600, check=False)
    assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout


@contextlib.contextmanager
def mounted(volume, directory, options):
    with subprocess.Popen([MOUNT, "-f", "-o", options, volume, directory]) as process:
        deadline = time.monotonic() + 60
        while not os.path.ismount(directory):
            assert process.poll() is None and time.monotonic() < deadline, "it is not mounted"
            time.sleep(0.01)
        try:
            yield
        finally:
            run("fusermount3", "-u", directory)
        assert process.wait(60) == 0


def same(one, two):
    """Compares names and bytes."""
    run("diff", "-r", one, two)


def until(seconds):
    """Yields numbers until the time is over."""
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        yield number
        number += 1


# ---- loads: on the mount, and on the host ---------------------------------------------------------


def by_tar(mnt, host, _seconds, _source):
    run("tar", "-cf", host / "tree.tar", *SOURCES, cwd=qemu.TOP)
    for root in mnt, host:
        (root / "tar").mkdir()
        run("tar", "-xf", host / "tree.tar", "--no-same-owner", cwd=root / "tar")
    (host / "tree.tar").unlink()


def by_rsync(mnt, host, _seconds, source):
    """To the mount, again after changes, and back from it."""
    shutil.copytree(os.path.join(qemu.TOP, "shell"), host / "rsync")
    for _ in range(3):
        run(*RSYNC, f"{host}/rsync/", mnt / "rsync")
        assert not run(*RSYNC, "-cn", "--itemize-changes", f"{host}/rsync/", mnt / "rsync")
        files = sorted(path for path in (host / "rsync").rglob("*") if path.is_file())
        for path in source.sample(files, 20):
            path.write_bytes(source.randbytes(source.randrange(100000)))
        for path in source.sample(files, 10):
            path.unlink()
    run(*RSYNC, f"{mnt}/rsync/", host / "back")
    run(*RSYNC, f"{host}/rsync/", mnt / "rsync")
    run(*RSYNC, f"{mnt}/rsync/", host / "back")
    same(host / "rsync", host / "back")
    shutil.rmtree(host / "back")


def by_git(mnt, _host, _seconds, _source):
    run("git", "clone", "-q", "--no-hardlinks", qemu.TOP, mnt / "git")
    run("git", "fsck", "--strict", cwd=mnt / "git")
    assert not run("git", "-c", "core.fileMode=false", "status", "--porcelain", cwd=mnt / "git")
    shutil.rmtree(mnt / "git")


def by_fio(mnt, _host, seconds, source):
    """Random writes of several sizes and threads, each block verified."""
    run("fio", "--name=verify", f"--directory={mnt}", "--rw=randrw", "--bsrange=512-64k",
        "--blockalign=512", "--size=32m", "--numjobs=4", "--verify=crc32c", "--do_verify=1",
        "--verify_backlog=256", "--time_based", f"--runtime={seconds:.0f}", "--fsync=64",
        f"--randseed={source.randrange(1 << 30)}", "--verify_fatal=1", "--verify_state_save=0", "--group_reporting",
        cwd=mnt)
    for path in mnt.glob("verify.*"):
        path.unlink()


def as_fsx(mnt, host, seconds, source):
    write_load.change_one(mnt / "fsx", host / "fsx", source, until(seconds))


def as_fsstress(mnt, host, seconds, source):
    (mnt / "stress").mkdir()
    (host / "stress").mkdir()
    write_load.change_many(mnt / "stress", host / "stress", source.randrange(1 << 30),
                           lambda: until(seconds))


LOADS = [by_tar, by_rsync, by_git, by_fio, as_fsx, as_fsstress]


def soak(kind, folder, seconds, seed):
    folder = pathlib.Path(folder)
    volume, mnt, host = (folder / name for name in ("volume", "mnt", "host"))
    with open(volume, "wb") as file:
        file.truncate(SIZE)
    run(*MAKE[kind], volume)
    mnt.mkdir()
    host.mkdir()
    with mounted(volume, mnt, "rw"):
        for load in LOADS:
            start = time.monotonic()
            load(mnt, host, seconds, random.Random(f"{seed} {load.__name__}"))
            print(f"{kind}: {load.__name__}: {time.monotonic() - start:.0f} s", flush=True)
        same(host, mnt)
    text = run("fsck." + kind, "-n", volume)
    assert "irty" not in text, text
    with mounted(volume, mnt, "ro"):
        same(host, mnt)


def main():
    parser = argparse.ArgumentParser(description="load writable mounts")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    for kind in MAKE:
        with tempfile.TemporaryDirectory() as folder:
            soak(kind, folder, options.seconds, options.seed)
    print("2 passed, 0 failed")


if __name__ == "__main__":
    main()
