"""Promise: virtual drives refuse invalid requests with the reason, can be removed in three ways,
and inject the requested faults."""
import hashlib
import re

import pytest

import decoder
from vdrive import (DRIVE, images, machines, run, shell, truth,  # noqa: F401
                    unmount_and_remove)


# ---- refusals


def test_read_only_drives_and_the_end_of_a_drive(shell):
    run(shell, "vdrive add /System/floppy.img; vdrive new 64K")
    assert run(shell, f"cp /System/tiny {DRIVE}", 1) == [f"cp: {DRIVE}: Read-only file system"]
    second = DRIVE.replace("0", "1")
    printed = run(shell, f"cp /System/floppy.img {second}", 1)
    assert f"cp: {second}: No space left on device" in printed
    run(shell, "vdrive rm 0; vdrive rm 1")


def test_a_writer_excludes_all_others(shell):
    run(shell, "cp /System/floppy.img /image; vdrive add --rw /image")
    for options in ("--rw", "--ro", "--overlay", "--ram"):
        assert run(shell, f"vdrive add {options} /image", 1) == [
            "vdrive add: /image: in use: virtual0 writes it"]
    assert run(shell, "mount /image /Drives", 1) == ["mount: /image: In use"]
    assert run(shell, "cat /image", 1) == ["cat: /image: In use"]
    run(shell, "vdrive rm 0; vdrive add /image; vdrive add /image")
    assert run(shell, "vdrive add --rw /image", 1) == [
        "vdrive add: /image: in use: virtual0 reads it",
        "vdrive add: /image: in use: virtual1 reads it"]
    assert run(shell, "vdrive save 0 /image", 1) == [
        "vdrive save: /image: in use, as an image or by an open file"]
    assert run(shell, "cp /System/tiny /image", 1) == ["cp: /image: In use"]
    run(shell, "vdrive rm 0; vdrive rm 1; rm /image")


@pytest.mark.parametrize("line, wanted", [
    ("vdrive add /System/tiny", "vdrive add: /System/tiny: smaller than one block of the drive"),
    ("mkdir -p /m; mount /System/tiny /m", "mount: /System/tiny: too small for a file system"),
    ("vdrive add --cd /System/tiny",
     "vdrive add: /System/tiny: smaller than one block of the drive"),
    ("vdrive new 511", "vdrive new: 511: smaller than one block of the drive"),
    ("vdrive new 0", "vdrive new: 0: smaller than one block of the drive"),
    ("vdrive add /System", "vdrive add: /System: Is a directory"),
    ("vdrive add /nothing", "vdrive add: /nothing: No such file or directory"),
    ("vdrive add --rw /System/odd",
     "vdrive add: /System/odd: read-only; cannot be written or extended"),
    ("vdrive add --offset 1M /System/odd",
     "vdrive add: /System/odd: --offset and --size reach beyond its end"),
    ("vdrive add --size 100 /System/odd",
     "vdrive add: /System/odd: --offset and --size leave less than one block"),
    ("vdrive add --into 3 /System/odd",
     "vdrive add: virtual3: no such virtual drive; `vdrive list` shows them"),
    ("vdrive add --into cdrom0 /System/odd", "vdrive add: cdrom0: not a virtual drive"),
    ("vdrive rm 0", "vdrive rm: virtual0: no such virtual drive; `vdrive list` shows them"),
    ("vdrive rm cdrom0 --now", "vdrive rm: cdrom0: not a virtual drive"),
    ("vdrive info /System/odd", "vdrive info: /System/odd: not a virtual drive"),
    ("vdrive info /System/Devices/Classes/cdrom0",
     "vdrive info: cdrom0: not a virtual drive"),
    ("vdrive info 99999999999999999999999999999999999",
     "vdrive info: 99999999999999999999999999999999999: no such virtual drive; "
     "`vdrive list` shows them"),
    ("vdrive save 0 /x", "vdrive save: virtual0: no such virtual drive; `vdrive list` shows them"),
    ("vdrive diff cdrom0", "vdrive diff: cdrom0: not an overlay"),
    ("vdrive fault 0", "vdrive fault: virtual0: no such virtual drive; `vdrive list` shows them"),
])
def test_refused(shell, line, wanted):
    assert run(shell, line, 1) == [wanted]


SECTORS = "must be 512, 1024, 2048 or 4096"


@pytest.mark.parametrize("line, wanted", [
    ("vdrive", "usage: vdrive new|add|list|info|rm|save|diff|commit|discard|fault ..."),
    ("vdrive make", "vdrive: make: unknown subcommand; try vdrive --help"),
    ("vdrive --make", "vdrive: unknown option --make; try vdrive --help"),
    ("vdrive list 0", "usage: vdrive list"),
    ("vdrive rm", "usage: vdrive rm [--lazy|--now] DRIVE"),
    ("vdrive rm --soon 0", "vdrive rm: unknown option --soon; try vdrive rm --help"),
    ("vdrive rm --lazy --now 0", "vdrive rm: --lazy and --now are incompatible"),
    ("vdrive new", "usage: vdrive new [--sector N] SIZE"),
    ("vdrive new 3X", "vdrive new: SIZE: invalid number: '3X'"),
    ("vdrive new ''", "vdrive new: SIZE: invalid number: ''"),
    ("vdrive new -1", "vdrive new: unknown option -1; try vdrive new --help"),
    ("vdrive new 16777216T", "vdrive new: SIZE: number too large: '16777216T'"),
    ("vdrive new --sector 513 1M", f"vdrive new: --sector: {SECTORS}"),
    ("vdrive new --sector", "vdrive new: option --sector requires a value; try vdrive new --help"),
    ("vdrive add --sector 0 x", f"vdrive add: --sector: {SECTORS}"),
    ("vdrive add --ro --rw x",
     "vdrive add: --ro, --rw, --ram and --overlay are incompatible, except --overlay --rw"),
    ("vdrive add --ram --overlay x",
     "vdrive add: --ro, --rw, --ram and --overlay are incompatible, except --overlay --rw"),
    ("vdrive add --cd --rw x",
     "vdrive add: --cd is read-only; incompatible with --rw and --overlay"),
    ("vdrive add --cd --disk x", "vdrive add: --cd and --disk are incompatible"),
    ("vdrive add --cd --sector 512 x", "vdrive add: --cd: --sector must be 2048"),
    ("vdrive add --size 0 x", "vdrive add: --size: must be above 0"),
    ("vdrive add --offset 0xffffffffffffffff --size 1 x",
     "vdrive add: --offset plus --size exceeds 64 bits"),
    ("vdrive add --geometry 1,2,3 x",
     "vdrive add: --geometry: must be CYLINDERS,HEADS,SECTORS,BYTES, all above 0"),
    ("vdrive add --geometry 1,2,0,512 x",
     "vdrive add: --geometry: must be CYLINDERS,HEADS,SECTORS,BYTES, all above 0"),
    ("vdrive add --geometry 1,2,3,500 x", f"vdrive add: --geometry: BYTES {SECTORS}"),
    ("vdrive add --geometry 4294967295,4294967295,2,512 x",
     "vdrive add: --geometry: size exceeds 64 bits"),
    ("vdrive add --geometry 1,2,3,512 --sector 512 x",
     "vdrive add: --geometry is incompatible with --sector and --size"),
    ("vdrive fault 0 break", "vdrive fault: break: no such fault; try vdrive fault --help"),
    ("vdrive fault 0 delay x", "vdrive fault: delay: invalid number: 'x'"),
    ("vdrive fault 0 delay 10001",
     "vdrive fault: delay: number out of range (0 to 10000): '10001'"),
])
def test_wrong_usage(shell, line, wanted):
    assert run(shell, line, 2) == [wanted]


# ---- going


def test_busy_drive_lists_its_users(shell):
    run(shell, "mkdir -p /m; vdrive add /System/small.iso; mount virtual0 /m; vdrive add virtual0")
    assert run(shell, "vdrive rm 0", 1) == [
        "vdrive rm: virtual0: mounted at /Drives/virtual0", "vdrive rm: virtual0: mounted at /m",
        "vdrive rm: virtual0: used as the image of virtual1",
        "vdrive rm: virtual0: in use, open 3 times; use --lazy or --now to remove it anyway"]
    run(shell, "umount /m")
    unmount_and_remove(shell, 1)
    unmount_and_remove(shell)


def test_lazy(shell, truth):
    run(shell, "vdrive add /System/small.iso")
    assert run(shell, "vdrive rm --lazy 0") == [
        "virtual0: detaching, open 1 time; removed at the last close"]
    assert run(shell, "vdrive list")[1:] == [
        "virtual0   detaching  file     532K ro     1 /System/small.iso"]
    assert shell.manifest("/Drives/virtual0") == truth
    assert run(shell, "vdrive rm 0", 1) == run(shell, "vdrive rm --lazy 0", 1) == [
        "vdrive rm: virtual0: already being removed, at its last close"]
    assert run(shell, "mkdir -p /m; mount virtual0 /m", 1) == ["mount: virtual0: No such device"]
    assert run(shell, "vdrive save 0 /x", 1) == [
        "vdrive save: virtual0: being removed; it cannot be opened"]
    assert run(shell, "umount /Drives/virtual0; vdrive list")[1:] == []


def test_lazy_and_now_without_open_handles(shell):
    for removal in ("--lazy", "--now"):
        assert run(shell, f"vdrive new 1M; vdrive rm 0 {removal}; vdrive list")[1:] == [
            "NAME       STATE      STORE    SIZE RW  OPEN IMAGE"]


# V18.
def test_now(shell, truth, images):
    """A working directory on it returns errors. Another image can use the name; handles to the old
    one keep failing."""
    skipped = ("     state", "    memory", "generation", "      open", "     mount")
    run(shell, "vdrive add /System/small.iso; cd /Drives/virtual0")
    before, whole = run(shell, "vdrive list"), run(shell, "vdrive info 0")
    assert run(shell, "vdrive rm --now 0") == [
        "virtual0: halted, open 1 time; removed at the last close"]
    assert b"vfs: /Drives/virtual0: virtual0 was removed while in use" in shell.all_output
    assert run(shell, "ls", 2) == ["ls: cannot access '.': No such device"]
    assert run(shell, "vdrive list")[1:] == [
        re.sub("registered(.*) [0-9]+ /", r"halted    \1 1 /", before[1])]
    info = run(shell, "vdrive info 0")
    assert info[1] == "     state halted" and "     image /System/small.iso" in info
    assert set(info) >= {line for line in whole if line[:10] not in skipped}  # V18
    assert run(shell, "vdrive save 0 /x", 1) == [
        "vdrive save: virtual0: halted; it has no image"]
    size = (images[0] / "other.iso").stat().st_size
    assert run(shell, "vdrive add --into 0 /System/other.iso") == [
        f"virtual0: {size // 512} blocks of 512 bytes, read-only, at /Drives/virtual0"]
    assert run(shell, "ls", 2) == ["ls: cannot access '.': The medium was changed"]
    assert shell.manifest("/Drives/virtual0") == decoder.manifest(images[0] / "other.iso")
    assert run(shell, "vdrive add --into 0 /System/odd", 1) == [
        "vdrive add: virtual0: not halted; use `vdrive rm --now` first"]
    run(shell, "cd /")
    unmount_and_remove(shell)


def test_into_mounts_read_only_images(shell, truth):
    run(shell, "vdrive new 1M; vdrive add virtual0; vdrive rm --now 0")
    assert run(shell, "vdrive add --into 0 /System/small.iso")[0].endswith(", at /Drives/virtual0")
    assert shell.manifest("/Drives/virtual0") == truth
    run(shell, "vdrive rm 1")
    unmount_and_remove(shell)
    run(shell, "vdrive add /System/small.iso; vdrive add --no-mount virtual0; vdrive rm --now 0")
    assert run(shell, "vdrive add --into 0 --ram /System/small.iso")[0].endswith(" 512 bytes")
    assert run(shell, f"vdrive rm 1; cp /System/tiny {DRIVE}; vdrive rm 0") == []


def test_the_same_image_finds_its_halted_drive(shell, truth):
    run(shell, "vdrive new 1M; vdrive add /System/small.iso; cd /Drives/virtual1")
    run(shell, "vdrive rm --now 1; vdrive rm 0; vdrive add /System/small.iso")
    assert run(shell, "ls", 2) == ["ls: cannot access '.': The medium was changed"]
    assert shell.manifest("/Drives/virtual1") == truth
    run(shell, "cd /")
    unmount_and_remove(shell, 1)


def test_an_image_cannot_be_stored_on_its_own_drive(shell):
    run(shell, "vdrive new 1M; vdrive add virtual0; vdrive add virtual1; vdrive rm --now 0")
    assert run(shell, "vdrive add --into 0 virtual1", 1) == [
        "vdrive add: virtual1: is stored on the drive itself"]
    assert run(shell, "vdrive add --into 0 virtual2", 1) == [
        "vdrive add: virtual2: the underlying drive is halted or gone"]
    assert run(shell, "vdrive rm 2; vdrive rm 1") == []


# ---- misbehaving


def read_block(shell, number, status=0):
    return run(shell, f"hexdump {DRIVE} {number * 512} 512 > /dump", status)


def test_faults_on_blocks(shell):
    run(shell, "vdrive add --ram /System/floppy.img; vdrive fault 0 bad 16 4")
    run(shell, "vdrive fault 0 bad 100; vdrive fault 0 delay 3; vdrive fault 0 flip")
    assert run(shell, "vdrive fault 0") == ["bad 16 4", "bad 100 1", "delay 3", "flip"]
    assert "    faults 4" in run(shell, "vdrive info 0")
    for good in (8, 15, 20, 101):
        read_block(shell, good)
    for bad in (16, 19, 100):
        assert read_block(shell, bad, 1) == [f"hexdump: {DRIVE}: Input/output error"]
    assert run(shell, "vdrive fault 0 bad 320", 1) == ["vdrive fault: virtual0: no such block"]
    assert run(shell, "vdrive fault 0 clear; vdrive fault 0; vdrive save 0 /s; rm /s /dump") == []
    run(shell, "vdrive rm 0")


def test_short_transfers_lose_no_byte(shell, images):
    """The bytes before the error are kept, and the rest is requested again."""
    run(shell, "vdrive add /System/floppy.img; vdrive fault 0 short 8")
    assert run(shell, "vdrive fault 0") == ["short 8"]
    digest = hashlib.sha256((images[0] / "floppy.img").read_bytes()).hexdigest()
    assert run(shell, f"sha256sum < {DRIVE}; vdrive rm 0") == [f"{digest}  -"]


def test_a_bad_block_is_not_loaded(shell):
    run(shell, "vdrive add /System/floppy.img; vdrive fault 0 bad 319")
    assert run(shell, "vdrive add --ram virtual0", 1) == [
        "vdrive add: virtual0: Input/output error"]
    assert run(shell, "vdrive rm 0") == []


def test_attention_and_swap_are_changes_of_the_medium(shell, images, truth):
    run(shell, "vdrive add --cd /System/small.iso; cd /Drives/virtual0; vdrive fault 0 attention")
    assert run(shell, "ls", 2) == ["ls: cannot access '.': The medium was changed"]
    assert shell.manifest("/Drives/virtual0") == truth
    run(shell, "cd /Drives/virtual0; vdrive fault 0 swap /System/other.iso")
    assert run(shell, "vdrive fault 0") == []
    assert run(shell, "ls", 2) == ["ls: cannot access '.': The medium was changed"]
    assert shell.manifest("/Drives/virtual0") == decoder.manifest(images[0] / "other.iso")
    assert run(shell, "vdrive fault 0 swap /System/nothing", 1) == [
        "vdrive fault: /System/nothing: No such file or directory"]
    run(shell, "cd /")
    unmount_and_remove(shell)
