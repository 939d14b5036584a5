"""The rows of the host: spindle-mount beside other programs that show discs, on one image.

    BENCH_ROWS=host make bench

The tree has 20,400 entries, among them 20,000 small files, and a file of 1 GiB. Each program mounts
an image of it, and the same Python code walks and reads it. `squashfuse` shows the same tree from a
SquashFS image without compression: another format, as a yardstick. `image` reads the image itself
through FUSE, by the pass-through example of libfuse: the limit of sequential reading.
"""
import contextlib
import os
import random
import shutil
import subprocess
import tempfile
import threading
import time

import machines

FOLDERS, FILES, LARGE_MIB = 400, 50, 1024
ROWS = (("walk", "walk and stat 20,400 entries, cold", "1/s"),
        ("walk_again", "the same again", "1/s"),
        ("small", "read 20,000 small files", "1/s"),
        ("sequential", "read 1 GiB", "MiB/s"),
        ("random", "random 4 KiB, 8 threads", "1/s"))
MOUNT = os.path.join(machines.BUILD, "host", "spindle-mount")
EXAMPLE = "/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c"


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, timeout=600, **options)


# ---- the discs -------------------------------------------------------------------------------


def make_tree(folder):
    source = random.Random(1)
    for number in range(FOLDERS):
        where = os.path.join(folder, f"folder{number}")
        os.makedirs(where)
        for file in range(FILES):
            with open(os.path.join(where, f"file{file}.txt"), "wb") as out:
                out.write(source.randbytes(source.randrange(8000)))
    with open(os.path.join(folder, "large"), "wb") as out:
        for _ in range(LARGE_MIB):
            out.write(source.randbytes(1 << 20))


def make_discs(folder):
    disc = os.path.join(folder, "disc.iso")
    packed = os.path.join(folder, "disc.squashfs")
    tree = os.path.join(folder, "tree")
    make_tree(tree)
    run("xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", disc, tree)
    run("mksquashfs", tree, packed, "-noI", "-noD", "-noF", "-noX", "-quiet", "-no-progress")
    shutil.rmtree(tree)
    return disc, packed


# ---- the programs ----------------------------------------------------------------------------


def passthrough(folder):
    """Compiles libfuse's example, and returns its name."""
    program = os.path.join(folder, "passthrough")
    flags = run("pkg-config", "--cflags", "--libs", "fuse3").stdout.decode().split()
    run("gcc", "-O2", "-I", os.path.dirname(EXAMPLE), EXAMPLE, "-o", program, *flags)
    return program


@contextlib.contextmanager
def mounted(words, where):
    os.makedirs(where, exist_ok=True)
    run(*words)
    try:
        yield where
    finally:
        run("fusermount3", "-u", where)


# ---- the work --------------------------------------------------------------------------------


def walk(root):
    count = 0
    for here, folders, files in os.walk(root):
        for name in folders + files:
            os.lstat(os.path.join(here, name))
            count += 1
    return count


def timed(work, *arguments):
    start = time.monotonic()
    done = work(*arguments)
    return done / (time.monotonic() - start)


def read_small(root):
    count = 0
    for here, _, files in os.walk(root):
        for name in files:
            if name != "large":
                with open(os.path.join(here, name), "rb", buffering=0) as file:
                    file.readall()
                count += 1
    return count


def forget(file):
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


def read_large(path):
    """Returns MiB. The host must not have the file's pages from before."""
    file, total, block = os.open(path, os.O_RDONLY), 0, bytearray(1 << 20)
    forget(file)
    while got := os.readv(file, [block]):
        total += got
    forget(file)
    os.close(file)
    return total >> 20


def read_random(path, seconds=2, threads=8):
    """Returns the number of reads."""
    size, end, counts = os.path.getsize(path), time.monotonic() + seconds, [0] * threads

    def work(index):
        source, file = random.Random(index), os.open(path, os.O_RDONLY)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
        while time.monotonic() < end:
            os.pread(file, 4096, source.randrange(size // 4096) * 4096)
            counts[index] += 1
        os.close(file)

    file = os.open(path, os.O_RDONLY)
    forget(file)
    workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    os.close(file)
    return sum(counts)


def measure(root):
    large = os.path.join(root, "large")
    return {"walk": timed(walk, root), "walk_again": timed(walk, root),
            "small": timed(read_small, root), "sequential": timed(read_large, large),
            "random": read_random(large) / 2}


def measure_unpackers(disc):
    """Lists and extracts the disc by programs that do not mount: seconds."""
    found = {}
    for name, listing, reading in (("bsdtar", ["-tf", disc], ["-xOf", disc]),
                                   ("7z", ["l", disc], ["x", "-so", disc]),
                                   ("7zz", ["l", disc], ["x", "-so", disc])):
        if shutil.which(name):
            for what, words in (("list", listing), ("read all", reading)):
                start = time.monotonic()
                subprocess.run([name, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               check=True, timeout=600)
                found[f"{name}: {what}"] = time.monotonic() - start
    return found


# ---- the table -------------------------------------------------------------------------------


def table(results):
    names = list(results)
    lines = [["work", "unit", *names]]
    for row, title, unit in ROWS:
        values = ["-" if row not in results[name] else f"{results[name][row]:,.0f}" for name in names]
        lines.append([title, unit, *values])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    shown = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
             for line in lines]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown) + "\n"


def bench(runs, say):
    """Measures all programs in turn, `runs` times; returns the table of the best values: the host
    has other work, which only makes them worse."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "The rows of the host need /dev/fuse.\n"
    results = {}
    with tempfile.TemporaryDirectory(dir=machines.FOLDER) as folder:
        say("host: making the discs")
        disc, packed = make_discs(folder)
        where = os.path.join(folder, "mnt")
        programs = {"spindle-mount": [MOUNT, disc, where], "fuseiso": ["fuseiso", disc, where],
                    "squashfuse": ["squashfuse", packed, where]}
        mirror = passthrough(folder)
        for number in range(1, runs + 1):
            for name, words in programs.items():
                say(f"host: run {number} of {runs}: {name}")
                with mounted(words, where):
                    keep_best(results.setdefault(name, {}), measure(where))
            say(f"host: run {number} of {runs}: the image through FUSE")
            with mounted([mirror, "-o", f"source={folder},cache=always", where], where):
                keep_best(results.setdefault("image", {}),
                          {"sequential": timed(read_large, os.path.join(where, "disc.iso"))})
        others = measure_unpackers(disc)
    return (table(results) + "\nEach value is the best of "
            f"{runs} run{'s' if runs != 1 else ''}. Without a mount: "
            + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in others.items()) + ".\n")


def keep_best(best, values):
    for name, value in values.items():
        best[name] = max(best.get(name, 0), value)
