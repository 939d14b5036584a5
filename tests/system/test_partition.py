"""Promise: tables that `partition` makes are right for other programs, and theirs can be changed."""
import os
import re
import subprocess

import pytest

from qemu import BUILD

TOOL = os.path.join(BUILD, "host", "spindle-sh")
SIZE = 64 << 20
ENVIRONMENT = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin", "LC_ALL": "C"}


def shell(folder, line, stdin=b""):
    """Runs a line with the folder at /Host, which can be written, and a disc at /System."""
    disc = folder / "none.iso"
    if not disc.exists():
        os.makedirs(folder / "none")
        subprocess.run(["genisoimage", "-quiet", "-o", disc, folder / "none"], check=True, timeout=60)
    done = subprocess.run([TOOL, "--host", folder, "--write-host", disc, "-c", line], input=stdin, capture_output=True,
                          timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def host(*words, stdin=None):
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60, check=False, env=ENVIRONMENT)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(name="image")
def image_fixture(tmp_path):
    path = tmp_path / "image"
    path.write_bytes(b"\xa5" * SIZE)
    return path


def change(image, *changes, damaged=False):
    for line in changes:
        status, out, err = shell(image.parent, f"partition -y /Host/image {line}")
        assert status == 0 and err.count("\n") <= damaged, (line, out, err)


def expect_valid(image):
    status, text = host("sfdisk", "-V", str(image))
    assert status == 0 and "No errors detected" in text, text


def ranges(image):
    """Returns {number: (first, sectors)} as sfdisk sees them."""
    text = host("sfdisk", "-d", str(image))[1]
    found = re.findall(r"image(\d+) : start= *(\d+), size= *(\d+)", text)
    return {int(number): (int(first), int(size)) for number, first, size in found}


def test_a_gpt_is_valid_for_others(image):
    change(image, "create gpt", "add 10M", "add 5000001 linux", "add 1M efi", "delete 2", "add 20M exfat", "add rest swap")
    expect_valid(image)
    status, text = host("sgdisk", "-v", str(image))
    assert status == 0 and "No problems found" in text and "Caution" not in text, text
    assert ranges(image) == {1: (2048, 20480), 2: (34816, 40960), 3: (32768, 2048), 4: (75776, 53248)}
    types = host("sgdisk", "-p", str(image))[1]
    assert all(code in types for code in ("0700", "EF00", "8200")), types


def test_an_mbr_is_valid_for_others(image):
    change(image, "create mbr", "add 10M", "add 1M 0x83", "add 5M exfat", "add rest efi", "delete 3")
    expect_valid(image)
    assert ranges(image) == {1: (2048, 20480), 2: (22528, 2048), 4: (34816, 96256)}
    status, _, err = shell(image.parent, "partition -y /Host/image add 40M")
    assert status == 1 and "No space left on device" in err


def test_a_table_of_another_program_keeps_what_is_not_changed(image):
    with open(image, "r+b") as out:
        out.truncate(0)
        out.truncate(SIZE)
    assert host("sgdisk", "-n", "1:2048:+4M", "-c", "1:first", "-A", "1:set:2", "-n", "7:40960:+1M", str(image))[0] == 0
    before = host("sgdisk", "-i", "1", str(image))[1]
    identity = re.search(r"Disk identifier .*", host("sgdisk", "-p", str(image))[1]).group()
    change(image, "add 2M linux", "delete 7", "add rest")
    assert "No problems found" in host("sgdisk", "-v", str(image))[1]
    assert host("sgdisk", "-i", "1", str(image))[1] == before and identity in host("sgdisk", "-p", str(image))[1]
    assert sorted(ranges(image)) == [1, 2, 3]


def test_one_copy_of_a_gpt_is_enough(image):
    change(image, "create gpt", "add 10M")
    with open(image, "r+b") as out:
        out.seek(512)
        out.write(bytes(512))
    change(image, "add 4M linux", damaged=True)
    assert "No problems found" in host("sgdisk", "-v", str(image))[1]
    with open(image, "r+b") as out:
        out.seek(SIZE - 512)
        out.write(bytes(512))
    change(image, "add rest efi", damaged=True)
    assert "No problems found" in host("sgdisk", "-v", str(image))[1]


def test_logical_partitions_stay(image):
    script = "label: dos\nstart=2048, size=8192, type=83\nstart=10240, size=40960, type=5\nstart=12288, size=4096, type=83\n"
    host("wipefs", "-a", str(image))
    assert host("sfdisk", str(image), stdin=script)[0] == 0
    for number, why in ((2, "an extended partition contains others"), (5, "logical partitions cannot be deleted"),
                        (3, "no such partition")):
        status, _, err = shell(image.parent, f"partition -y /Host/image delete {number}")
        assert status == 1 and why in err, err
    change(image, "add 20M", "delete 1")
    expect_valid(image)
    assert ranges(image) == {2: (10240, 40960), 3: (51200, 40960), 5: (12288, 4096)}


def test_nothing_is_written_without_a_yes(image):
    before = image.read_bytes()
    for answer in (b"", b"n\n", b"no\n", b"\n"):
        status, out, err = shell(image.parent, "partition /Host/image create gpt", answer)
        assert status == 1 and "All of this will be lost. Continue? [y/N]" in err and "67108864 bytes" in out
    assert image.read_bytes() == before
    assert shell(image.parent, "partition /Host/image create gpt", b"y\n")[0] == 0
    expect_valid(image)


def test_partitions_become_devices(tmp_path):
    line = ("vdrive new 64M; partition -y virtual1 create gpt; partition -y virtual1 add 10M; ls /dev/Classes; "
            "partition -y virtual1 delete 1; ls /dev/Classes")
    status, out, err = shell(tmp_path, line)
    assert status == 0 and err == "" and out.count("virtual1p1\n") == 1, out
