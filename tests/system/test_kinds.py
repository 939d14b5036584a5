"""Promise: images that are not plain ISO 9660 are read: raw sectors, High Sierra, discs of several
tracks, and images that end inside a block."""
import hashlib
import struct
import subprocess

import pytest

import decoder
from conftest import debian_disc
from raw_sectors import BLOCK, whole_sectors
from test_manifest import run_shell


@pytest.mark.parametrize("mode, bare", [(1, False), (2, False), (2, True)],
                         ids=["mode 1", "mode 2 form 1", "2336 bytes"])
def test_dump_of_whole_sectors(tmp_path, mode, bare):
    disc = debian_disc("grub-rescue")
    with open(disc, "rb") as image:
        data = image.read()
    dump = tmp_path / "dump.bin"
    dump.write_bytes(b"".join(whole_sectors(data, mode, bare)))
    done = run_shell(dump)
    assert (done.returncode, done.stdout) == (0, decoder.manifest(disc)), done.stderr


def both16(value):
    return struct.pack("<H", value) + struct.pack(">H", value)


def both32(value):
    return struct.pack("<I", value) + struct.pack(">I", value)


def record(name, block, size, directory=False):
    """Returns a High Sierra directory record: six bytes of date, then the flags."""
    body = (bytes([0]) + both32(block) + both32(size) + bytes([89, 10, 9, 8, 7, 6]) +
            bytes([2 if directory else 0, 0, 0, 0]) + both16(1) + bytes([len(name)]) + name)
    body += bytes(1 - len(name) % 2)
    return bytes([len(body) + 1]) + body


def high_sierra(root_blocks=1):
    """Returns an image with a file in the root and one in a directory, and its manifest. The root
    is last, and the image ends after the root's first block, whatever root_blocks is."""
    first, second = b"read me\n", bytes(range(256)) * 9
    root = (record(b"\0", 22, root_blocks * BLOCK, True) +
            record(b"\1", 22, root_blocks * BLOCK, True) +
            record(b"README.TXT;1", 19, len(first)) + record(b"SUB", 18, BLOCK, True))
    sub = (record(b"\0", 18, BLOCK, True) + record(b"\1", 22, root_blocks * BLOCK, True) +
           record(b"DATA.BIN;1", 20, len(second)))
    volume = bytearray(BLOCK)
    volume[0:8] = both32(16)
    volume[8:15] = b"\1CDROM\1"
    volume[48:80] = b"OLD DISC".ljust(32)
    volume[88:96] = both32(23)
    volume[128:132] = volume[132:136] = both16(1)
    volume[136:140] = both16(BLOCK)
    volume[180:214] = record(b"\0", 22, root_blocks * BLOCK, True)
    end = both32(17) + b"\xffCDROM\1"
    sectors = [bytes(BLOCK)] * 16 + [bytes(volume), end, sub, first, second, root]
    image = b"".join(s.ljust(-(-len(s) // BLOCK) * BLOCK, b"\0") for s in sectors)
    lines = [("f", len(first), hashlib.sha256(first).hexdigest(), "README.TXT"),
             ("d", 0, "-", "SUB"),
             ("f", len(second), hashlib.sha256(second).hexdigest(), "SUB/DATA.BIN")]
    time = "1989-10-09T08:07:06Z"
    return image, "".join(f"{kind}\t{size}\t{digest}\t{time}\t{path}\n"
                          for kind, size, digest, path in lines).encode()


def test_high_sierra(tmp_path):
    image, expected = high_sierra()
    path = tmp_path / "high-sierra.iso"
    path.write_bytes(image)
    done = run_shell(path)
    assert (done.returncode, done.stdout) == (0, expected), done.stderr
    assert b"High Sierra" in run_shell(path, "mount").stdout
    assert run_shell(path, "cat '/System/readme.txt;1'").stdout == b"read me\n"


def test_readable_part_of_a_root_is_listed(tmp_path):
    image, expected = high_sierra(root_blocks=2)
    path = tmp_path / "short-root.iso"
    path.write_bytes(image)
    done = run_shell(path)
    assert (done.returncode, done.stdout) == (1, expected)
    assert b"Input/output error" in done.stderr


@pytest.mark.parametrize("missing", [0, 1, 600, 2048])
def test_image_that_ends_inside_a_block(tmp_path, missing):
    """All bytes of the image are read, up to the last; missing bytes are an error."""
    tree, whole, cut = tmp_path / "tree", tmp_path / "whole.iso", tmp_path / "cut.iso"
    tree.mkdir()
    data = bytes(n * n % 251 for n in range(5000))
    (tree / "first").write_text("first\n")
    (tree / "last.bin").write_bytes(data)
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", whole, tree], check=True,
                   stderr=subprocess.DEVNULL)
    image = whole.read_bytes()
    cut.write_bytes(image[:image.index(data) + len(data) - missing])
    done = run_shell(cut, "sha256sum /System/last.bin")
    if missing:
        assert done.returncode == 1 and b"Input/output error" in done.stderr
        assert run_shell(cut, "head -c 2048 /System/last.bin | sha256sum").stdout.split()[0].decode() == \
            hashlib.sha256(data[:2048]).hexdigest()
    else:
        assert done.stdout.split()[0].decode() == hashlib.sha256(data).hexdigest()
    device = run_shell(cut, "sha256sum /System/Devices/virtual/0; vdrive info 0")
    assert device.stdout.split()[0].decode() == hashlib.sha256(cut.read_bytes()).hexdigest()
    tail = cut.stat().st_size % 512
    assert tail and f"      tail {tail} bytes after the last whole block" in device.stdout.decode()


def damage(sector, row):
    """Damages one byte in each column of P (ECMA-130 annex A)."""
    for column in range(86):
        sector[12 + column + 86 * row] ^= 0x5A


def test_disc_of_several_tracks(tmp_path):
    """An audio track, then a volume whose block numbers count from the start of the disc. A sector
    with few wrong bytes is corrected; with more, it is an error."""
    tree, iso = tmp_path / "tree", tmp_path / "data.iso"
    tree.mkdir()
    data = bytes(n * n % 253 for n in range(20000))
    (tree / "file").write_bytes(data)
    subprocess.run(["genisoimage", "-quiet", "-R", "-C", "0,450", "-o", iso, tree], check=True,
                   stderr=subprocess.DEVNULL)
    sectors = [bytearray(s) for s in whole_sectors(iso.read_bytes(), 1, first=450, ecc=True)]
    at = next(n for n, s in enumerate(sectors) if s[16:16 + BLOCK] == data[:BLOCK])
    damage(sectors[at + 1], 7)
    audio = bytes(n % 255 for n in range(450 * 2352))
    (tmp_path / "disc.bin").write_bytes(audio + b"".join(sectors))
    sheet = tmp_path / "disc.cue"
    sheet.write_text('FILE "disc.bin" BINARY\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n'
                     "  TRACK 02 MODE1/2352\n    INDEX 00 00:04:00\n    INDEX 01 00:06:00\n")
    done = run_shell(sheet, "toc virtual0; cat /System/file >/dev/null; vdrive info 0")
    lines = done.stdout.decode().split("\n")
    assert lines[1:3] == ["    1       1            0         450  audio",
                          f"    2       1          450 {len(sectors):11}  data, mode 1"]
    assert "       raw sectors of 2352: 1 corrected, 0 refused" in lines
    assert run_shell(sheet, "sha256sum /System/file").stdout.split()[0].decode() == \
        hashlib.sha256(data).hexdigest()
    damage(sectors[at + 1], 9)
    (tmp_path / "disc.bin").write_bytes(audio + b"".join(sectors))
    done = run_shell(sheet, "manifest /System/file; vdrive info 0; log")
    assert done.stdout.split(b"\t")[2] == b"EIO"
    assert b"0 corrected, 1 refused" in done.stdout
    assert f"block {450 + at + 1}: damaged beyond correction".encode() in done.stdout


def test_invalid_sheet(tmp_path):
    sheet = tmp_path / "bad.cue"
    sheet.write_text("FILE none.bin BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n")
    done = run_shell(sheet, "echo")
    assert done.returncode == 125
    assert done.stderr.decode().endswith("bad.cue: line 1: none.bin: no such file or directory\n")
