"""Promise: disks and CDs of virtual machines work on virtio-blk and virtio-scsi as on any other bus:
on both chipsets, as modern and transitional devices, from both firmwares, with errors, and plugged
in and out."""
import hashlib
import os

import pytest

import decoder
from conftest import debian_disc
from qemu import ELF, ISO
from test_fat import make_volume

OVMF = ["-bios", "/usr/share/ovmf/OVMF.fd"]
CHIPSETS = ["pc", "q35"]
DISK = "/System/Devices/Classes/disk0"
DISK_BYTES = 8 << 20
KINDS = ["virtio-blk-pci", "virtio-blk-pci,disable-legacy=on,disable-modern=off",
         "scsi-hd", "scsi-hd,disable-legacy=on,disable-modern=off"]


def pattern(count, seed=1):
    """Bytes in which no two blocks are equal."""
    return b"".join(hashlib.sha256(b"%d %d" % (seed, n)).digest() for n in range(count // 32))


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(pattern(DISK_BYTES))
    return path


def controller(options=""):
    return ["-device", "virtio-scsi-pci,id=scsi" + options]


def disk(kind, source, properties=""):
    """Returns options for a disk of one of the KINDS; `source` as in -drive."""
    name, comma, options = kind.partition(",")
    drive = ["-drive", f"if=none,id=disk,{source}"]
    if name == "scsi-hd":
        return drive + controller(comma + options) + [
            "-device", f"scsi-hd,drive=disk,bus=scsi.0,scsi-id=3,lun=1{properties}"]
    return drive + ["-device", f"{kind},drive=disk{properties}"]


def raw(path):
    return f"format=raw,file={path}"


def blkdebug(path, event, sector):
    return (f"format=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename={path},"
            f"file.inject-error.0.event={event},file.inject-error.0.sector={sector},"
            f"file.inject-error.0.errno=5,werror=report,rerror=report")


def digest(data):
    return [hashlib.sha256(data).hexdigest() + "  " + DISK]


def wait_disk(machine):
    """The driver is loaded from the disc when the monitor comes to the device."""
    machine.wait_command("ls /System/Devices/Classes", lambda lines: "disk0" in lines)


def write(machine, source):
    """Copies a file to the disk: the monitor may still be looking at it."""
    machine.wait_command(f"cat {source} > {DISK} && echo done", lambda lines: lines == ["done"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chipset", CHIPSETS)
def test_what_is_read_and_written_is_on_the_host(booted, image, chipset, kind):
    machine = booted("", cdrom=ISO, options=["-M", chipset, *disk(kind, raw(image))])
    wait_disk(machine)
    assert machine.command(f"sha256sum {DISK}") == digest(pattern(DISK_BYTES))
    write(machine, "/System/boot/spindle.elf")
    with open(ELF, "rb") as elf:
        written = elf.read()
    expected = written + pattern(DISK_BYTES)[len(written):]
    assert machine.command(f"sha256sum {DISK}") == digest(expected)
    assert image.read_bytes() == expected


@pytest.mark.parametrize("kind", ["virtio-blk-pci", "scsi-hd"])
def test_blocks_of_4096_bytes(booted, image, kind):
    machine = booted("", cdrom=ISO, options=disk(
        kind, raw(image), ",logical_block_size=4096,physical_block_size=4096"))
    wait_disk(machine)
    assert "      size 8388608 bytes, 2048 blocks of 4096" in machine.command("devices -v disk0")
    assert machine.command(f"sha256sum {DISK}") == digest(pattern(DISK_BYTES))
    write(machine, "/System/Book/index.md")
    with open(os.path.join(os.path.dirname(ELF), "iso/Book/index.md"), "rb") as text:
        written = text.read()
    assert image.read_bytes() == written + pattern(DISK_BYTES)[len(written):]


@pytest.mark.parametrize("kind", ["virtio-blk-pci", "scsi-hd"])
def test_a_read_only_disk_is_not_written(booted, image, kind):
    machine = booted("", cdrom=ISO, options=disk(kind, raw(image) + ",readonly=on"))
    wait_disk(machine)
    assert "      kind disk, read-only" in machine.command("devices -v disk0")
    assert machine.command(f"cat /System/Book/index.md > {DISK}") == [
        f"spindle: {DISK}: Read-only file system"]
    assert image.read_bytes() == pattern(DISK_BYTES)


@pytest.mark.parametrize("kind", ["virtio-blk-pci", "scsi-hd"])
def test_an_unreadable_block_concerns_only_itself(booted, image, kind):
    machine = booted("", cdrom=ISO, options=disk(kind, blkdebug(image, "read_aio", 5000)))
    wait_disk(machine)
    assert machine.command(f"cat {DISK} > /copy") == [f"cat: {DISK}: Input/output error"]
    assert machine.command(f"hexdump {DISK} 0x200000 16")[0].startswith("00200000  ")
    assert machine.command("echo alive") == ["alive"]


@pytest.mark.parametrize("kind", ["virtio-blk-pci", "scsi-hd"])
def test_a_failed_write_is_reported(booted, image, kind):
    machine = booted("", cdrom=ISO, options=disk(kind, blkdebug(image, "write_aio", 8)))
    wait_disk(machine)
    machine.wait_command(f"cat /System/boot/spindle.elf > {DISK}",
                         lambda lines: any("Input/output error" in line for line in lines))
    assert machine.status() == 1
    assert machine.command(f"hexdump {DISK} 0x400000 16")[0].startswith("00400000  ")


@pytest.mark.parametrize("kind", ["virtio-blk-pci", "scsi-hd"])
def test_a_failed_flush_is_reported(booted, image, kind):
    drive = blkdebug(image, "flush_to_disk", -1).replace("file.inject-error.0.sector=-1,", "")
    machine = booted("", cdrom=ISO, options=disk(kind, drive))
    wait_disk(machine)
    machine.wait_command(f"cp /System/Book/index.md {DISK}",
                         lambda lines: f"cp: {DISK}: Input/output error" in lines)
    assert machine.status() == 1
    assert machine.command("echo alive") == ["alive"]


def test_discard_and_zero(booted, image):
    options = disk("virtio-blk-pci", raw(image) + ",discard=unmap")
    machine = booted("", cdrom=ISO, options=options)
    wait_disk(machine)
    machine.wait_command("discard -y disk0 1M 2M && echo done", lambda lines: lines == ["done"])
    assert machine.command("discard -yz disk0 4M 64K; echo $?") == ["0"]

    # QEMU deallocates what is discarded in a raw file, so that it reads as zeroes, too.
    was, now = bytearray(pattern(DISK_BYTES)), image.read_bytes()
    was[1 << 20:3 << 20] = bytes(2 << 20)
    was[4 << 20:(4 << 20) + 65536] = bytes(65536)
    assert now == bytes(was)

    # What is on the disk is reported once when it arrives, and after each of the two commands.
    assert machine.command("log | grep -c 'disk0: no file system'") == ["3"]


def test_another_size_is_another_medium(booted, image):
    machine = booted("", cdrom=ISO, options=disk("virtio-blk-pci", raw(image)))
    wait_disk(machine)
    machine.qmp("block_resize", device="disk", size=DISK_BYTES * 2)
    machine.wait_command("devices -v disk0", lambda lines: any(
        str(DISK_BYTES * 2) in line for line in lines))
    expected = pattern(DISK_BYTES) + bytes(DISK_BYTES)
    assert machine.command(f"sha256sum {DISK}") == digest(expected)


@pytest.mark.parametrize("chipset", CHIPSETS)
def test_disks_are_plugged_in_and_out(booted, image, chipset):
    machine = booted("", cdrom=ISO, options=["-M", chipset, *controller()])
    for _ in range(3):
        machine.qmp("blockdev-add", node_name="hot", driver="raw",
                    file={"driver": "file", "filename": str(image)})
        machine.qmp("device_add", driver="scsi-hd", id="plugged", bus="scsi.0", drive="hot",
                    **{"scsi_id": 7, "lun": 0})
        wait_disk(machine)
        assert machine.command(f"sha256sum {DISK}") == digest(pattern(DISK_BYTES))
        machine.qmp("device_del", id="plugged")
        machine.wait_command("ls /System/Devices/Classes", lambda lines: lines == ["cdrom0"])
        machine.wait_command("echo", lambda lines: try_delete(machine))


def try_delete(machine):
    """The node is free when QEMU has finished the removal, which it does by itself."""
    try:
        machine.qmp("blockdev-del", node_name="hot")
    except AssertionError:
        return False
    return True


def test_a_disk_is_plugged_out_while_it_is_written(booted, tmp_path):
    """What was never written is reported, to `cp` as well, and nothing waits for the disk."""
    volume = make_volume(tmp_path / "volume", 16)
    machine = booted("", cdrom=ISO, options=[
        *controller(), "-object", "throttle-group,id=slow,x-bps-write=500000"])
    machine.qmp("blockdev-add", node_name="hot", driver="throttle", throttle_group="slow",
                file={"driver": "file", "filename": str(volume)})
    machine.qmp("device_add", driver="scsi-hd", id="plugged", bus="scsi.0", drive="hot",
                **{"scsi_id": 7, "lun": 0})
    machine.wait_command("mount", lambda lines: any("/Drives/disk0" in line for line in lines))
    machine.command("mount -o rw disk0; head -c 2000000 /System/Devices/zero > /big")
    machine.command("touch /Drives/disk0/empty; cp /big /Drives/disk0/file & sleep 0.2")
    machine.qmp("device_del", id="plugged")
    said = machine.command("wait; sync; mount; log")
    assert "cp: /Drives/disk0/file: not every byte is on the disk: no such device" in said
    lost = [line for line in said if "were never written" in line]
    assert len(set(line.split("] ", 1)[1] for line in lost)) == 1
    assert "bytes of /Drives/disk0/file were never written" in lost[0]
    assert not any(line.startswith("/Drives/disk0") for line in said)


CD = [*controller(), "-drive", f"if=none,id=disc,format=raw,media=cdrom,readonly=on,file={ISO}",
      "-device", "scsi-cd,id=cdrom0,drive=disc,bus=scsi.0,bootindex=0"]


def test_discs_are_changed(booted):
    """The drivers are in memory: GRUB has brought them."""
    machine = booted(None, options=CD)
    machine.wait_command("ls /System", lambda lines: "Book" in lines)
    machine.eject()
    machine.wait_command("ls /System", lambda lines: lines == ["Devices"])
    disc = debian_disc("ipxe")
    machine.insert(disc)
    machine.wait_command("mount", lambda lines: any("/Drives/cdrom0" in line for line in lines))
    assert machine.manifest("/Drives/cdrom0") == decoder.manifest(disc)


@pytest.mark.parametrize("firmware", [[], OVMF], ids=["BIOS", "UEFI"])
@pytest.mark.parametrize("chipset", CHIPSETS)
def test_the_cd_boots(booted, chipset, firmware):
    machine = booted(None, memory="128M", options=["-M", chipset, *firmware, *CD])
    assert machine.manifest("/System") == decoder.manifest(ISO)
    assert any("virtio-scsi" in line for line in machine.command("drivers"))
