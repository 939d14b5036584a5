"""Promise: files of FAT volumes that other programs wrote are shown as those programs wrote them, and
a damaged volume loses no more than what is damaged."""
import hashlib
import os
import random
import struct
import subprocess

import pytest

from test_tool import run as run_shell

SIZES = {12: 4 << 20, 16: 32 << 20, 32: 300 << 20}  # sparse
NAMES = ["A", "ab.TXT", "lower.txt", "Mixed Case Name.extension", "ünïcödé ßtraße.txt", "日本語.txt",
         "many.dots.in.a.name", "x" * 255, " leading and [brackets]+,;=.txt",
         "NOEXT", "12345678.123", "1234567890.1", ".hidden", "Δelta"]


def run(*words, **options):
    subprocess.run(list(map(str, words)), check=True, capture_output=True, timeout=120,
                   env={**os.environ, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1"}, **options)


def make_volume(path, bits, *options):
    with open(path, "wb") as image:
        image.truncate(SIZES[bits])
    run("mkfs.fat", "-F", bits, "-n", "LABEL", *options, path)
    return path


def fill(path, tree):
    """Writes {path: content or None} to the volume by mtools."""
    for name, content in tree.items():
        if content is None:
            run("mmd", "-i", path, f"::/{name}")
        else:
            run("mcopy", "-i", path, "-", f"::/{name}", input=content)


def lines_of(tree):
    """Returns what `manifest` prints of the tree, without the times."""
    lines = []
    for name, content in tree.items():
        digest = "-" if content is None else hashlib.sha256(content).hexdigest()
        kind, size = ("d", 0) if content is None else ("f", len(content))
        lines.append((name.encode(), f"{kind}\t{size}\t{digest}\t{name}\n"))
    return "".join(line for _, line in sorted(lines))


def manifest(image):
    status, out, err = run_shell(image, "-c", "manifest /System")
    lines = ["\t".join(line.split("\t")[:3] + line.split("\t")[4:]) for line in out.splitlines()]
    return status, "".join(line + "\n" for line in lines), err


@pytest.mark.parametrize("bits", SIZES)
@pytest.mark.parametrize("options", [[], ["-s", "8"], ["-S", "4096", "-s", "1"], ["-f", "1"]],
                         ids=lambda words: "".join(words) or "default")
def test_a_tree_of_mtools(tmp_path, bits, options):
    volume = make_volume(tmp_path / "volume", bits, *options)
    source = random.Random(bits)
    tree = {"dir": None, "dir/deep": None, "dir/deep/empty": b""}
    for number, name in enumerate(NAMES):
        tree[f"dir/{name}"] = source.randbytes(number * 777)
    for number in range(60):
        tree[f"dir/deep/file number {number}"] = source.randbytes(number)
    tree["large"] = source.randbytes(1 << 20)
    fill(volume, tree)
    assert manifest(volume) == (0, lines_of(tree), "")
    out = run_shell(volume, "-c", "mount; volinfo /System")[1]
    assert f"FAT{bits}" in out and '"LABEL"' in out and "no anomalies" in out


def test_fragments_and_deleted_files(tmp_path):
    volume = make_volume(tmp_path / "volume", 16)
    pieces = {f"piece{number:03}": os.urandom(5000) for number in range(120)}
    fill(volume, pieces)
    for name in list(pieces)[::2]:
        run("mdel", "-i", volume, f"::/{name}")
        del pieces[name]
    pieces["in the gaps"] = os.urandom(200000)
    fill(volume, {"in the gaps": pieces["in the gaps"]})
    assert manifest(volume) == (0, lines_of(pieces), "")
    assert run_shell(volume, "-c", "volinfo -r '/System/in the gaps'")[1].count("extent") > 10


def test_names_are_found_in_any_case_and_by_their_alias(tmp_path):
    volume = make_volume(tmp_path / "volume", 32)
    fill(volume, {"A Long Name.txt": b"text\n", "SHORT.TXT": b"short\n"})
    for name in ("a long name.TXT", "ALONGN~1.TXT", "alongn~1.txt", "A Long Name.txt."):
        assert run_shell(volume, "-c", f"cat '/System/{name}'") == (0, "text\n", ""), name
    assert run_shell(volume, "-c", "cat /System/short.txt")[1] == "short\n"
    assert run_shell(volume, "-c", "cat /System/none")[0] == 1
    assert run_shell(volume, "-c", "echo x > /System/new")[2].endswith(": Read-only file system\n")


def test_times(tmp_path):
    volume = make_volume(tmp_path / "volume", 16)
    (tmp_path / "file").write_text("text")
    os.utime(tmp_path / "file", (1000000000, 1000000000))
    run("mcopy", "-m", "-i", volume, tmp_path / "file", "::/", )
    assert run_shell(volume, "-c", "manifest /System")[1].split("\t")[3] == "2001-09-09T01:46:40Z"
    assert "2001-09-08T23:46:40Z" in run_shell(
        volume, "-c", "umount /System; mount -o tz=+02:00 virtual0 /System; manifest /System")[1]


# ---- damage ----------------------------------------------------------------------------------


def table_of(image):
    reserved, = struct.unpack_from("<H", image, 14)
    return reserved * 512


def chain_volume(tmp_path):
    """A FAT16 volume with a file of ten clusters that begins at cluster 2."""
    volume = make_volume(tmp_path / "volume", 16, "-s", "4")
    content = os.urandom(20480)
    fill(volume, {"FILE": content, "other": b"kept\n"})
    return volume, content


@pytest.mark.parametrize("link, anomaly", [
    (0xffff, "files whose clusters end before their size"), (0, "chains that lead to"),
    (1, "chains that lead to"), (0xfff7, "chains that lead to"), (0xfff0, "chains that lead to")])
def test_a_broken_chain(tmp_path, link, anomaly):
    volume, content = chain_volume(tmp_path)
    image = bytearray(volume.read_bytes())
    struct.pack_into("<H", image, table_of(image) + 2 * 6, link)
    volume.write_bytes(image)
    status, out, _ = run_shell(volume, "-c", "cat /System/other; head -c 10240 /System/FILE | sha256sum; "
                               "manifest /System; volinfo /System")
    assert "kept\n" + hashlib.sha256(content[:10240]).hexdigest() in out
    assert f"f\t{len(content)}\tEIO" in out and anomaly in out


def test_a_chain_that_loops(tmp_path):
    volume, content = chain_volume(tmp_path)
    image = bytearray(volume.read_bytes())
    struct.pack_into("<H", image, table_of(image) + 2 * 6, 3)
    volume.write_bytes(image)
    status, out, _ = run_shell(volume, "-c", "head -c 10240 /System/FILE | sha256sum; manifest /System; "
                               "volinfo /System")
    assert hashlib.sha256(content[:10240]).hexdigest() in out
    assert "20480\tEIO" in out and "files whose clusters loop" in out


def test_a_directory_that_loops(tmp_path):
    volume = make_volume(tmp_path / "volume", 32, "-s", "1")
    fill(volume, {"dir": None, **{f"dir/file{n}": b"" for n in range(40)}})
    image = bytearray(volume.read_bytes())
    at = table_of(image)
    links = struct.unpack_from("<64I", image, at)
    last = max(n for n in range(3, 64) if links[n] & 0x0fffffff >= 0x0ffffff8)
    struct.pack_into("<I", image, at + 4 * last, 3)
    volume.write_bytes(image)
    status, out, _ = run_shell(volume, "-c", "find /System | wc -l; volinfo /System")
    assert status == 0 and "directories that loop" in out


@pytest.mark.parametrize("field, value", [
    (11, b"\0\0"), (11, b"\0\x03"), (13, b"\0"), (13, b"\x03"), (14, b"\0\0"), (16, b"\0"),
    (22, b"\xff\xff"), (19, b"\x08\0")])
def test_an_impossible_boot_sector_is_not_mounted(tmp_path, field, value):
    volume = make_volume(tmp_path / "volume", 12)
    image = bytearray(volume.read_bytes())
    image[field:field + len(value)] = value
    volume.write_bytes(image)
    assert run_shell(volume, "-c", "true")[0] == 125


def test_a_volume_that_is_cut(tmp_path):
    volume, _ = chain_volume(tmp_path)
    with open(volume, "r+b") as image:
        image.truncate(90 << 10)
    status, out, _ = run_shell(volume, "-c", "manifest /System; volinfo /System")
    assert "EIO" in out and "the end of the volume is missing" in out


def test_random_damage_never_hurts(tmp_path):
    volume = make_volume(tmp_path / "volume", 12)
    fill(volume, {"dir": None, **{f"dir/a long name {n}": b"x" * n * 50 for n in range(20)}})
    good = volume.read_bytes()
    source = random.Random(7)
    for _ in range(60):
        image = bytearray(good)
        for _ in range(source.randrange(1, 30)):
            image[source.randrange(64 << 10)] = source.randrange(256)
        volume.write_bytes(image)
        status = run_shell(volume, "-c", "manifest /System >/x; find /System >/y; volinfo /System")[0]
        assert status in (0, 1, 125)
