"""Promise: CDs and disks at SATA ports work as at IDE channels: from both firmwares, with errors,
and when the disc is changed."""
import hashlib

import pytest

import decoder
from conftest import debian_disc
from qemu import ELF, ISO

OVMF = ["-bios", "/usr/share/ovmf/OVMF.fd"]
Q35 = ["-machine", "q35"]
DISK = "/System/Devices/Classes/disk0"
DISK_BYTES = 8 << 20
SECTOR = 512
UEFI_SECONDS = 120


def pattern(count):
    """Bytes in which no two sectors are equal."""
    return b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(count // 32))


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(pattern(DISK_BYTES))
    return path


def disk(source):
    return [*Q35, "-drive", f"if=none,id=disk,{source}", "-device", "ide-hd,drive=disk,bus=ide.3"]


def raw(path):
    return disk(f"format=raw,file={path}")


def broken(path, event, sector):
    """A disk with a sector that cannot be read or written."""
    return disk(f"format=raw,file.driver=blkdebug,file.image.driver=file,"
                f"file.image.filename={path},file.inject-error.0.event={event},"
                f"file.inject-error.0.sector={sector},file.inject-error.0.errno=5,"
                f"werror=report,rerror=report")


def digest(data):
    return [hashlib.sha256(data).hexdigest() + "  " + DISK]


def write(machine, source):
    """Copies a file to the disk: the monitor may still be looking at it."""
    machine.wait_command(f"cat {source} > {DISK} && echo done", lambda lines: lines == ["done"])


# ---------------------------------------------------------------- the CD drive

@pytest.mark.parametrize("firmware", [[], OVMF], ids=["BIOS", "UEFI"])
def test_the_boot_disc_is_system(machine, build_id, firmware):
    started = machine(None, cdrom=ISO, options=[*Q35, *firmware])
    started.wait_prompt(UEFI_SECONDS)
    assert started.command("cat /System/boot/spindle.id") == [build_id]
    assert started.manifest("/System") == decoder.manifest(ISO)


def test_the_disc_is_changed(booted):
    other = debian_disc("grub-rescue")
    machine = booted("", cdrom=ISO, options=Q35)
    machine.eject()
    machine.wait_command("cat /System/boot/spindle.id; echo status $?",
                         lambda lines: lines[-1] == "status 1")
    machine.insert(other)
    machine.wait_command("mount", lambda lines: any("/Drives/cdrom0 " in line for line in lines))
    assert machine.manifest("/Drives/cdrom0") == decoder.manifest(other)
    machine.eject()
    machine.insert(ISO)
    machine.wait_command("ls /System", lambda lines: "Book" in lines)
    assert machine.manifest("/System") == decoder.manifest(ISO)


# ---------------------------------------------------------------- the disk

def test_what_is_read_and_written_is_on_the_host(booted, image):
    machine = booted("", cdrom=ISO, options=raw(image))
    assert machine.command(f"sha256sum {DISK}") == digest(pattern(DISK_BYTES))
    write(machine, "/System/boot/spindle.elf")
    machine.command("sync")
    with open(ELF, "rb") as elf:
        written = elf.read()
    expected = written + pattern(DISK_BYTES)[len(written):]
    assert machine.command(f"sha256sum {DISK}") == digest(expected)
    assert image.read_bytes() == expected


def test_an_unreadable_sector_concerns_only_itself(booted, image):
    machine = booted("", cdrom=ISO, options=broken(image, "read_aio", 5000))
    machine.command(f"cat {DISK} > /copy")
    assert machine.status() == 1

    # What is far enough from it is read, before and after; QEMU's disk has no log that names the
    # failed one of several queued commands.
    data = pattern(DISK_BYTES)
    for first in (0, 2 << 20, 6 << 20):
        line = machine.command(f"hexdump {DISK} {first} 16")[0]
        shown = bytes.fromhex(line[10:58].replace(" ", ""))
        assert shown == data[first:first + 16]
    assert "port3" in "".join(machine.command("devices"))


def test_a_failed_write_is_reported(booted, image):
    machine = booted("", cdrom=ISO, options=broken(image, "write_aio", 8))
    machine.wait_command(f"cat /System/boot/spindle.elf > {DISK}", lambda lines: lines and
                         lines[-1] == f"spindle: {DISK}: Input/output error")
    assert machine.command("echo alive") == ["alive"]
