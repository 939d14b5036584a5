#!/usr/bin/env python3
"""Loads a mount from eight threads, while the kernel forgets what it has cached.

    mount_load.py DIRECTORY SECONDS

As root it also drops the kernel's caches, so that nodes are forgotten and looked up again.
"""
import contextlib
import hashlib
import os
import random
import sys
import threading
import time

THREADS = 8


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def read_part(path, source):
    file = os.open(path, os.O_RDONLY)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(file, source.randrange(1, 100000), source.randrange(1 + os.fstat(file).st_size))
    finally:
        os.close(file)


def missing(path):
    with contextlib.suppress(FileNotFoundError):
        os.lstat(path + ".missing")
        raise AssertionError(path)


def drop_caches():
    """Lets the host's kernel forget what is not in use, if it may be told to."""
    if os.access("/proc/sys/vm/drop_caches", os.W_OK):
        with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as switch:
            switch.write("2")


def load(root, seconds):
    """Returns the number of operations. The content of every file that is read again is the same."""
    files = [os.path.join(where, name) for where, _, names in os.walk(root) for name in names]
    files = [path for path in files if not os.path.islink(path)]
    digests = {path: digest(path) for path in random.Random(1).sample(files, min(20, len(files)))}
    end, counts, failures = time.monotonic() + seconds, [0] * THREADS, []

    def work(index):
        source = random.Random(index)
        while time.monotonic() < end and not failures:
            path = source.choice(files)
            again = source.choice(list(digests))
            for step in (lambda: os.stat(path), lambda: read_part(path, source),
                         lambda: os.listdir(os.path.dirname(path)), lambda: missing(path),
                         lambda: os.getxattr(path, "user.spindle.record")):
                try:
                    step()
                except Exception as error:  # pylint: disable=broad-except
                    failures.append(f"{path}: {error!r}")
            if digest(again) != digests[again]:
                failures.append(f"{again}: other content")
            counts[index] += 1

    workers = [threading.Thread(target=work, args=(index,)) for index in range(THREADS)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        drop_caches()
        time.sleep(0.1)
    assert not failures, failures[:5]
    return sum(counts)


if __name__ == "__main__":
    print(load(sys.argv[1], float(sys.argv[2])), "rounds")
