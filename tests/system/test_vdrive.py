"""Promise: virtual drives show images of every kind, change and save them as documented, and ^C
stops long operations."""
import hashlib
import random
import re
import subprocess
import time

import pytest

from conftest import make_disc
from qemu import slow_drive
from terminal import Terminal
from vdrive import (DRIVE, find_mounted, images, machines, run, shell, truth,  # noqa: F401
                    unmount_and_remove, wait_memory)


# ---- images


@pytest.mark.parametrize("options, shown", [
    ("", "512 bytes, read-only"), ("--ro --disk", "512 bytes, read-only"), ("--ram", "512 bytes"),
    ("--overlay", "512 bytes"), ("--cd", "2048 bytes, read-only"),
    ("--cd --ram", "2048 bytes, read-only"), ("--sector 1024", "1024 bytes, read-only"),
    ("--ram --sector 2K", "2048 bytes")])
def test_a_disc_with_every_option(shell, images, truth, options, shown):
    size = (images[0] / "small.iso").stat().st_size
    block = int(shown.split()[0])
    assert size % block == 0
    where = ", at /Drives/virtual0" if "read-only" in shown else ""
    assert run(shell, f"vdrive add {options} /System/small.iso") == [
        f"virtual0: {size // block} blocks of {shown}{where}"]
    assert shell.manifest(find_mounted(shell)) == truth
    unmount_and_remove(shell)


@pytest.mark.parametrize("name, sector", [("mode1.bin", 2352), ("mode2.bin", 2336)])
@pytest.mark.parametrize("options", ["", "--ram", "--cd"])
def test_raw_sectors_are_shown_as_their_data(shell, truth, name, sector, options):
    printed = run(shell, f"vdrive add {options} /System/{name}")
    assert re.match(rf"virtual0: \d+ blocks of 2048 bytes.*, from raw sectors of {sector}\b",
                    printed[0])
    assert f"       raw sectors of {sector}: 0 corrected, 0 refused" in run(shell, "vdrive info 0")
    assert shell.manifest(find_mounted(shell)) == truth
    unmount_and_remove(shell)


def test_a_part_of_an_image(shell, images, truth):
    size = (images[0] / "small.iso").stat().st_size
    run(shell, f"cd /System; vdrive add --offset 12345 --size {size} wrapped")
    assert shell.manifest("/Drives/virtual0") == truth
    assert "    offset 12345" in run(shell, "vdrive info virtual0")
    unmount_and_remove(shell)
    whole = size + 777
    assert run(shell, "vdrive add --offset 12345 /System/wrapped") == [
        f"virtual0: {whole // 512} blocks of 512 bytes, read-only, {whole % 512} bytes after the "
        "last whole block, at /Drives/virtual0"]
    unmount_and_remove(shell)


def test_bytes_after_the_last_whole_block_are_read_and_reported(shell):
    assert run(shell, "vdrive add /System/odd") == [
        "virtual0: 5 blocks of 512 bytes, read-only, 317 bytes after the last whole block"]
    assert "      tail 317 bytes after the last whole block" in run(shell, "vdrive info 0")
    assert run(shell, f"wc -c < {DRIVE}; vdrive rm 0") == ["2877"]


def test_blocks_of_4096(shell, images):
    data = (images[0] / "small.iso").read_bytes()
    assert run(shell, "vdrive add --sector=0x1000 /System/small.iso") == [
        f"virtual0: {len(data) // 4096} blocks of 4096 bytes, read-only"]
    digest = hashlib.sha256(data).hexdigest()
    assert run(shell, f"sha256sum < {DRIVE}; vdrive rm 0") == [f"{digest}  -"]


def test_a_device_is_an_image(shell):
    disc = run(shell, "sha256sum < /System/Devices/Classes/cdrom0")
    run(shell, "vdrive add --cd --no-mount cdrom0")
    assert run(shell, f"sha256sum < {DRIVE}") == disc
    assert "     level 1" in run(shell, "vdrive info 0")
    assert run(shell, "vdrive rm 0") == []


def test_discs_in_discs(shell, truth):
    run(shell, "vdrive add /System/outer.iso; vdrive add /Drives/virtual0/small.iso")
    assert shell.manifest("/Drives/virtual1") == truth
    assert "     level 2" in run(shell, "vdrive info 1")
    assert "     mount /Drives/virtual1" in run(shell, "vdrive info 1")
    unmount_and_remove(shell, 1)
    unmount_and_remove(shell)


def test_images_nest_at_most_eight_deep(shell):
    run(shell, "vdrive add /System/odd")
    for number in range(7):
        run(shell, f"vdrive add virtual{number}")
    assert run(shell, "vdrive add virtual7", 1) == [
        "vdrive add: virtual7: nested too deeply; the maximum is 8 levels"]
    for number in reversed(range(8)):
        assert run(shell, f"vdrive rm {number}") == []


# ---- new, list, info


def test_new_list_info(shell):
    assert run(shell, "vdrive new 8M") == ["virtual0: 16384 blocks of 512 bytes"]
    assert run(shell, "vdrive new --sector 4K 0x5001") == [
        "virtual1: 5 blocks of 4096 bytes, 1 byte after the last whole block"]
    run(shell, "vdrive add /System/floppy.img")
    assert run(shell, "vdrive list") == [
        "NAME       STATE      STORE    SIZE RW  OPEN IMAGE",
        "virtual0   registered ram      8.0M rw     0 -",
        "virtual1   registered ram       21K rw     0 -",
        "virtual2   registered file     160K ro     0 /System/floppy.img"]
    assert run(shell, "vdrive info virtual0") == [
        "     drive virtual0", "     state registered", "     store memory",
        "      size 8388608 bytes, 16384 blocks of 512", "    access read and write",
        "    memory 0 bytes", "  geometry 16384,1,1,512", "  BIOS CHS 17,16,63,512",
        "     level 0", "generation 2", "      open 0"]
    assert run(shell, "vdrive info 0 > /info; cat /info; rm /info") == \
        run(shell, f"vdrive info {DRIVE}") == run(shell, "vdrive info virtual0")
    run(shell, "vdrive rm 0; vdrive rm 1; vdrive rm 2")


def test_new_drive_can_be_removed_at_once(shell):
    """No thread uses a drive any more after the command that created it has returned."""
    line = "vdrive new 1M && vdrive rm 0"
    assert run(shell, " && ".join([line] * 20)) == ["virtual0: 2048 blocks of 512 bytes"] * 20


def test_too_little_memory(booted, tmp_path):
    """A drive can be larger than memory. It cannot be filled, and the machine remains usable."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "dense").write_bytes(random.Random(1).randbytes(8 << 20))
    make_disc(tmp_path / "tree", tmp_path / "disc.iso", "DENSE")
    machine = booted("", cdrom=tmp_path / "disc.iso", memory="9M")
    before = machine.memory()
    for _ in range(3):
        assert run(machine, "vdrive add --ram cdrom0", 1) == [
            "vdrive add: cdrom0: not enough memory; drives cannot use its last eighth"]
        assert run(machine, "vdrive new 16T; vdrive rm 0") == [
            "virtual0: 34359738368 blocks of 512 bytes"]
        assert run(machine, "vdrive new 1G") == ["virtual0: 2097152 blocks of 512 bytes"]
        assert run(machine, f"cp /System/Devices/Classes/cdrom0 {DRIVE}", 1)[-1] == \
            f"cp: {DRIVE}: No space left on device"
        assert run(machine, "vdrive rm 0; sha256sum < /System/dense") == [
            hashlib.sha256(random.Random(1).randbytes(8 << 20)).hexdigest() + "  -"]
        wait_memory(machine, before)


# ---- bytes


def test_a_floppy_is_changed_in_memory_and_saved(shell, images):
    """The saved file equals the result of mcopy on the host with the same floppy."""
    tree = images[0]
    run(shell, "vdrive add --ram /System/floppy.img")
    run(shell, f"cp /System/change {DRIVE}; vdrive save 0 /saved")
    digest = hashlib.sha256((tree / "changed.img").read_bytes()).hexdigest()
    assert run(shell, "sha256sum /saved") == [f"{digest}  /saved"]
    assert run(shell, f"sha256sum <{DRIVE}; rm /saved; vdrive rm 0") == [f"{digest}  -"]
    listed = subprocess.run(["mtype", "-i", tree / "changed.img", "::NOTE.TXT"], check=True,
                            capture_output=True, text=True)
    assert listed.stdout == "written by the host\n"


def test_save_replaces_when_all_is_written(shell):
    run(shell, "echo old > /file; vdrive add /System/odd; cd /; vdrive save virtual0 file")
    assert run(shell, "wc -c < /file") == ["2877"]
    run(shell, "vdrive fault 0 bad 4")
    assert run(shell, "vdrive save 0 /file", 1) == ["vdrive save: virtual0: Input/output error"]
    assert run(shell, "wc -c < /file; ls -A /") == ["2877", "Drives", "System", "dev", "file"]
    assert run(shell, "vdrive save 0 /Drives", 1) == [
        "vdrive save: /Drives: Is a directory"]
    assert run(shell, "vdrive save 0 /System/x", 1) == ["vdrive save: /System/x: Read-only file system"]
    assert run(shell, "vdrive save 0 /no/x", 1) == [
        "vdrive save: /no/x: No such file or directory"]
    run(shell, "vdrive rm 0; rm /file")


def test_overlay(shell, images):
    before = hashlib.sha256((images[0] / "floppy.img").read_bytes()).hexdigest()
    after = hashlib.sha256((images[0] / "changed.img").read_bytes()).hexdigest()
    run(shell, "cp /System/floppy.img /image; vdrive add --overlay --rw /image")
    assert run(shell, "vdrive diff 0") == []
    run(shell, f"cp /System/change {DRIVE}")
    assert run(shell, f"sha256sum < {DRIVE}") == [f"{after}  -"]
    runs = [[int(word, 16) for word in line.split()] for line in run(shell, "vdrive diff 0")]
    covered = sum(length for _, length in runs)
    assert runs[0][0] == 0 and (images[0] / "change").stat().st_size <= covered < 40000
    assert run(shell, f"vdrive discard 0; sha256sum {DRIVE}") == [f"{before}  {DRIVE}"]
    assert run(shell, "vdrive diff 0") == []
    run(shell, f"cp /System/change {DRIVE}")
    assert run(shell, "vdrive commit 0; vdrive diff 0") == []
    assert run(shell, "vdrive rm 0; sha256sum /image; rm /image") == [f"{after}  /image"]


def test_overlay_without_rw_refuses_commit(shell):
    run(shell, f"vdrive add --overlay /System/floppy.img; cp /System/tiny {DRIVE}")
    assert run(shell, "vdrive commit 0", 1) == [
        "vdrive commit: virtual0: not added with --overlay --rw; use save or discard"]
    run(shell, "vdrive add virtual0")
    assert run(shell, "vdrive discard 0", 1) == [
        "vdrive discard: virtual0: used as the image of virtual1",
        "vdrive discard: virtual0: in use, open 1 time"]
    assert run(shell, "vdrive rm 1; vdrive discard 0; vdrive rm 0") == []


def test_a_file_is_written_through_a_drive(shell, images):
    after = hashlib.sha256((images[0] / "changed.img").read_bytes()).hexdigest()
    run(shell, "cp /System/floppy.img /image; vdrive add --rw /image")
    run(shell, f"cp /System/change {DRIVE}; vdrive rm 0")
    assert run(shell, "sha256sum /image; rm /image") == [f"{after}  /image"]


def test_geometry(shell):
    run(shell, "cp /System/odd /image")
    assert run(shell, "vdrive add --geometry 4,2,9,512 /image", 1) == [
        "vdrive add: /image: read-only; cannot be written or extended"]
    assert run(shell, "vdrive add --rw --geometry 4,2,9,512 /image") == [
        "virtual0: 72 blocks of 512 bytes"]
    assert "  geometry 4,2,9,512" in run(shell, "vdrive info 0")
    assert run(shell, "vdrive rm 0; wc -c < /image") == ["36864"]
    assert run(shell, "vdrive add --geometry 2,1,1,1024 /image") == [
        "virtual0: 2 blocks of 1024 bytes, read-only"]
    run(shell, "vdrive rm 0; rm /image")


# ---- ^C and the bar


def interrupt(machine, line):
    """Types ^C while a command runs. It must end within a second, with status 126."""
    machine.type(line + "\r")
    machine.wait_text(rb"\r\n")
    time.sleep(0.3)
    assert not machine.output.endswith(b"$ "), machine.output
    start = time.monotonic()
    machine.type("\x03")
    machine.wait_prompt()
    assert time.monotonic() - start < 1
    assert machine.command("echo $?") == ["126"]


@pytest.mark.parametrize("line", ["vdrive add --ram cdrom0", "vdrive save 0 /saved"])
def test_interrupt(booted, images, line):
    machine = booted("", options=slow_drive(images[1], 400000))
    run(machine, "vdrive add --no-mount cdrom0")
    listed = machine.command("vdrive list; ls -A /")
    before = machine.memory()
    for _ in range(3):
        interrupt(machine, line)
        # Transfers in flight end later; then all memory is free again.
        machine.wait_command("vdrive list; ls -A /", lambda lines: lines == listed, 20)
        wait_memory(machine, before)


@pytest.mark.parametrize("line", ["vdrive add --ram cdrom0", "vdrive save 0 /saved"])
def test_progress_bar(images, line):
    with Terminal("", options=slow_drive(images[1], 3000000)) as t:
        t.wait_shell()
        t.press("\x0cvdrive add --no-mount cdrom0\r")
        t.wait_shell()
        t.press("\x0c" + line + "\r")
        deadline = time.monotonic() + 30
        while not any(re.search(r"\[=+> *\] +\d+% .*left$", row) for row in t.rows()):
            t.take(0.1)
            assert time.monotonic() < deadline, t.rows()
        t.wait_screen(lambda rows: rows[-1] == "spindle:/$")
        assert not any("[=" in row for row in t.rows())
        t.press("echo $?\r")
        t.wait_screen(lambda rows: rows[-2:] == ["0", "spindle:/$"])
