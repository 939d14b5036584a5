"""Promise: files of exFAT volumes are shown as the specification defines them, and a damaged volume
loses no more than what is damaged."""
import os
import random
import struct

import pytest

from exfat_volume import Volume, set_checksum
from test_fat import NAMES, lines_of, manifest
from test_tool import run as run_shell

SIZE = 32 << 20
SHAPES = {"default": [], "small clusters": ["-c", "4096"], "large clusters": ["-c", "131072"]}


@pytest.fixture(name="volume")
def fixture_volume(tmp_path):
    return Volume(tmp_path / "volume", SIZE, "-c", "4096")


def finish(volume):
    volume.write()
    volume.check()
    return volume.path


@pytest.mark.parametrize("options", SHAPES.values(), ids=SHAPES)
def test_a_tree(tmp_path, options):
    volume, source, tree = Volume(tmp_path / "volume", SIZE, *options), random.Random(1), {}
    folder = volume.add(volume.root, "dir")
    tree["dir"] = None
    for number, name in enumerate([*NAMES, "emoji 😀 and more.txt"]):
        tree[f"dir/{name}"] = source.randbytes(number * 777)
        volume.add(folder, name, tree[f"dir/{name}"], gap=number % 3)
    tree["large"] = source.randbytes(1 << 20)
    volume.add(volume.root, "large", tree["large"])
    finish(volume)
    assert manifest(volume.path) == (0, lines_of(tree), "")
    out = run_shell(volume.path, "-c", "mount; volinfo /System; df /System")[1]
    assert "exFAT" in out and '"LABEL"' in out and "no anomalies" in out
    used = sum(volume.data[volume.bitmap:volume.bitmap + (volume.clusters + 7) // 8][i] >> k & 1
               for i in range((volume.clusters + 7) // 8) for k in range(8))
    free_kib = (volume.clusters - used) * volume.cluster // 1024
    assert f" {free_kib} " in out


def test_a_large_directory_continues_in_other_clusters(volume):
    tree = {}
    for number in range(300):
        name = f"file with a name of two parts {number}"
        tree[name] = b"x" * (number % 7)
        volume.add(volume.root, name, tree[name])
    finish(volume)
    assert manifest(volume.path) == (0, lines_of(tree), "")
    assert run_shell(volume.path, "-c", "cat '/System/FILE WITH A NAME OF TWO PARTS 6'")[1] == "xxxxxx"


def test_bytes_that_were_never_written_are_zeroes(volume):
    content, valid = os.urandom(50000), 20001
    volume.add(volume.root, "file", content, valid=valid)
    volume.add(volume.root, "none", content, valid=0)
    finish(volume)
    zeroes = {"file": content[:valid] + bytes(len(content) - valid), "none": bytes(len(content))}
    assert manifest(volume.path)[1] == lines_of(zeroes)


def test_times_and_zones(volume):
    volume.add(volume.root, "utc", b"")
    volume.add(volume.root, "east", b"", zone=0x80 | 8)    # two hours ahead
    volume.add(volume.root, "west", b"", zone=0x80 | 0x6c)  # five hours behind
    volume.add(volume.root, "none", b"", zone=0)
    finish(volume)
    out = run_shell(volume.path, "-c", "umount /System; mount -o tz=+01:00 virtual0 /System; "
                    "manifest /System")[1]
    times = {line.split("\t")[4]: line.split("\t")[3] for line in out.splitlines()}
    assert times == {"utc": "2001-09-09T01:46:40Z", "east": "2001-09-08T23:46:40Z",
                     "west": "2001-09-09T06:46:40Z", "none": "2001-09-09T00:46:40Z"}


# ---- damage ----------------------------------------------------------------------------------


def test_the_copy_of_the_boot_region_is_used(volume):
    volume.add(volume.root, "file", b"text\n")
    finish(volume)
    for at in (0, 3, 88, 11 * volume.sector, 5 * volume.sector):
        damaged = bytearray(volume.data)
        damaged[at] ^= 0xff
        volume.path.write_bytes(damaged)
        out = run_shell(volume.path, "-c", "cat /System/file; volinfo /System")[1]
        assert out.startswith("text\n") and "invalid boot region; its copy is used" in out, at


def test_both_boot_regions_damaged(volume):
    finish(volume)
    damaged = bytearray(volume.data)
    damaged[88] ^= 0xff
    damaged[12 * volume.sector + 88] ^= 0xff
    volume.path.write_bytes(damaged)
    assert run_shell(volume.path, "-c", "true")[0] == 125


def test_a_damaged_set_is_skipped_and_counted(volume):
    volume.add(volume.root, "before", b"1")
    at = volume.ends[volume.root]
    volume.add(volume.root, "damaged", b"2")
    volume.add(volume.root, "after", b"3")
    volume.data[at + 40] ^= 1
    volume.write()
    status, out, _ = run_shell(volume.path, "-c", "ls /System; volinfo /System")
    assert status == 0 and "after\nbefore\n" in out and "damaged\n" not in out
    assert "sets of directory entries that are invalid" in out


@pytest.mark.parametrize("link", [0, 1, 0xfffffff7, 0xffffffff, 0x12345678])
def test_a_broken_chain(volume, link):
    content = os.urandom(40000)
    first = volume.add(volume.root, "file", content, gap=1)
    volume.add(volume.root, "other", b"kept\n")
    volume.link(first + 4, link)
    volume.write()
    _, out, _ = run_shell(volume.path, "-c", "cat /System/other; manifest /System; volinfo /System")
    assert out.startswith("kept\n") and f"f\t{len(content)}\tEIO" in out
    assert "files whose clusters end early or are impossible" in out


def test_consecutive_clusters_beyond_the_heap(volume):
    volume.add(volume.root, "file", b"x" * 5000)
    at = volume.ends[volume.root] - 96
    struct.pack_into("<QIIQ", volume.data, at + 40, 1 << 50, 0, volume.clusters + 1, 1 << 50)
    entries = volume.data[at:at + 96]
    struct.pack_into("<H", volume.data, at + 2, set_checksum(entries))
    volume.write()
    status, out, _ = run_shell(volume.path, "-c", "ls -l /System; head -c 100000 /System/file | wc -c; "
                               "volinfo /System")
    assert str(1 << 50) in out and "files whose clusters end early" in out


def test_random_damage_never_hurts(volume):
    for number in range(20):
        volume.add(volume.root, f"a name {number}", b"x" * number * 99, gap=number % 2)
    source = random.Random(3)
    good = bytes(volume.data)
    for _ in range(40):
        damaged = bytearray(good)
        for _ in range(source.randrange(1, 30)):
            area = source.choice([(24 * volume.sector, 8192), (volume.at(volume.root), 4096),
                                  (volume.table, 512)])
            damaged[area[0] + source.randrange(area[1])] = source.randrange(256)
        volume.path.write_bytes(damaged)
        status = run_shell(volume.path, "-c", "manifest /System >/x; find /System >/y; volinfo virtual0")[0]
        assert status in (0, 1, 125)
