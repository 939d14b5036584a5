"""Promise: an unsupported file system is named, by the host tool and in the machine's log."""
import pytest

from qemu import ISO
from test_manifest import corpora, run_shell, unpack

# Image names of the corpora, and the names of their file systems.
NAMES = {"ext4_0": "ext2", "ext4_1": "ext2", "ext4_2": "ext4", "hfsplus": "HFS+",
         "squashfs_0": "Squashfs", "squashfs_2": "Squashfs"}
IMAGES = [(image, name) for image in corpora("refuse") for part, name in NAMES.items()
          if part in image]


@pytest.mark.parametrize("image,name", IMAGES)
def test_refused_images_are_named(image, name, tmp_path):
    done = run_shell(unpack(image, tmp_path), "true")
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr.decode().endswith(f": {name} file system, which Spindle cannot mount\n")


def fat12():
    """Returns a FAT12 boot sector of a 360 KiB volume, and zeros up to that size."""
    head = b"\xeb\x3c\x90SPINDLE \0\2\2\1\0\2\x70\0\xd0\2\xfd\2\0"
    return head.ljust(510, b"\0") + b"\x55\xaa" + bytes(720 * 512 - 512)


def test_log_names_volumes(booted, tmp_path):
    """C4: the mounted volume, and once for each other disc its unsupported file system."""
    image = tmp_path / "fat.img"
    image.write_bytes(fat12())
    drive = f"if=none,id=other,media=cdrom,format=raw,file={image}"
    machine = booted("", cdrom=ISO, options=["-drive", drive, "-device",
                                             "ide-cd,bus=ide.1,unit=1,drive=other"])
    log = machine.command("log")
    found = [line for line in log if "FAT12 file system, which Spindle cannot mount" in line]
    assert len(found) == 1 and "monitor: cdrom1: " in found[0], log
    assert any("vfs: /System: cdfs, Rock Ridge, volume " in line for line in log), log
