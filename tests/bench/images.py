#!/usr/bin/env python3
"""Creates the disc for the benchmark. It always has the same bytes.

    python3 tests/bench/images.py DISC

    big         128 MiB
    inner.iso   a disc with `big` of 64 MiB, not aligned to a page of the outer disc
    tree/       400 directories of 50 small files, similar to a distribution's documentation
    d1k/ d10k/ d100k/   one directory each of that many entries

With Rock Ridge, as mkisofs -R would make it: a record is about 120 bytes long.
"""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "images"))

import builder as iso  # noqa: E402

MIB = 1 << 20
BIG_BYTES, INNER_BYTES = 128 * MIB, 64 * MIB
TREE_DIRECTORIES, TREE_FILES = 400, 50
SMALL_BYTES = (200, 4000)
MANY = (("d1k", 1000), ("d10k", 10000), ("d100k", 100000))
TIMES = iso.su_tf(0x0E, iso.time7(), iso.time7(), iso.time7())


def rock(name, mode):
    return iso.su_px(mode, 1) + TIMES + iso.su_nm(name)


def file_record(identifier, name, place):
    return iso.record(identifier + b".;1", *place, system_use=rock(name, 0o100444))


def directory_record(identifier, name, place):
    return iso.record(identifier, *place, iso.DIRECTORY, system_use=rock(name, 0o040555))


def put(disc, content):
    return disc.place(content), len(content)


def small_tree(disc, seed):
    """Adds 20,000 files. The files of a directory are adjacent, and the directory follows them."""
    numbers, directories = random.Random(seed), []
    for i in range(TREE_DIRECTORIES):
        files = []
        for j in range(TREE_FILES):
            content = numbers.randbytes(numbers.randint(*SMALL_BYTES))
            files.append(file_record(b"F%05d" % j, b"note-%05d.text" % j, put(disc, content)))
        place = disc.directory(files)
        directories.append(directory_record(b"D%05d" % i, b"chapter-%05d" % i, place))
    return disc.directory(directories)


def many_names(disc, count):
    """Adds a directory of files that share one content, since only their names are read."""
    place = put(disc, b"one of many\n")
    return disc.directory([file_record(b"N%07d" % i, b"entry-%07d.text" % i, place)
                           for i in range(count)])


def inner_disc():
    disc = iso.Disc()
    records = [file_record(b"BIG", b"big", put(disc, iso.content(2, INNER_BYTES)))]
    return bytes(disc.finish(iso.rock_root(disc, records)).data)


def bench_disc():
    disc = iso.Disc(first=25)  # odd, so that files are not aligned to pages
    records = [file_record(b"BIG", b"big", put(disc, iso.content(1, BIG_BYTES)))]
    for name, count in MANY:
        place = many_names(disc, count)
        records.append(directory_record(name.upper().encode(), name.encode(), place))
    records.append(file_record(b"INNER", b"inner.iso", put(disc, inner_disc())))
    records.append(directory_record(b"TREE", b"tree", small_tree(disc, 3)))
    return disc.finish(iso.rock_root(disc, sorted(records, key=lambda r: r[33:40])))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "wb") as image:
        image.write(bench_disc().data)


if __name__ == "__main__":
    main()
