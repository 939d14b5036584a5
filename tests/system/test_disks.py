"""Promise: disks on IDE controllers are read and written; nothing is written unasked; errors of the
disk reach the reader and the log."""
import hashlib
import os

import pytest

import qemu

DISK = "/System/Devices/Classes/disk0"
MIB = 1 << 20
BYTES = 8 * MIB


def pattern(count, seed=0):
    """Returns bytes of which no two sectors are equal."""
    out = bytearray()
    for sector in range(count // 512):
        out += hashlib.sha512(f"{seed} {sector}".encode()).digest() * 8
    return bytes(out)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "disk.img"
    path.write_bytes(pattern(BYTES))
    return path


def ide_disk(image, bus="ide.0", unit=0, more="", drive=None):
    """Returns options for a disk on an IDE channel."""
    name = f"d{bus[-1]}{unit}"
    source = drive or f"format=raw,file={image}"
    return ["-drive", f"if=none,id={name},{source}",
            "-device", f"ide-hd,bus={bus},unit={unit},drive={name}{more}"]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def sum_of(machine, path):
    return machine.command(f"sha256sum {path}", seconds=60)[0].split()[0]


# ---------------------------------------------------------------- reading and writing

@pytest.mark.parametrize("bus,unit", [("ide.0", 0), ("ide.0", 1), ("ide.1", 1)],
                         ids=["master", "slave", "slave of the CD's channel"])
def test_a_disk_is_read_and_not_written(booted, image, build_id, bus, unit):
    machine = booted("", cdrom=qemu.ISO, options=ide_disk(image, bus, unit))
    assert sum_of(machine, DISK) == digest(pattern(BYTES))
    assert machine.command("cat /System/boot/spindle.id") == [build_id]
    machine.type("poweroff\n")
    machine.wait_exit()
    assert image.read_bytes() == pattern(BYTES)


@pytest.mark.parametrize("more,shown", [
    ("", "sectors of 512 bytes"),
    (",logical_block_size=512,physical_block_size=4096", "sectors of 512 of 4096 bytes")])
def test_a_disk_is_written(booted, image, more, shown):
    machine = booted("", cdrom=qemu.ISO, options=ide_disk(image, more=more))
    [line] = [line for line in machine.command("devices") if "disk0" in line]
    assert f"QEMU HARDDISK, firmware 2.5+, {BYTES // 1024} KiB, {shown}, write cache" in line

    # The kernel's file, twice, the second time not at the beginning of a track of the cache.
    kernel = "/System/boot/spindle.elf"
    with open(os.path.join(qemu.BUILD, "spindle.elf"), "rb") as file:
        content = file.read()
    machine.command(f"cp {kernel} {DISK}", seconds=60)
    assert machine.command(f"head -c {len(content)} {DISK} | sha256sum",
                           seconds=60)[0].split()[0] == digest(content)
    machine.type("poweroff\n")
    machine.wait_exit()
    data = image.read_bytes()
    assert data[:len(content)] == content
    rest = -(-len(content) // 512) * 512
    assert data[rest:] == pattern(BYTES)[rest:]


def test_sectors_beyond_28_bits(booted, tmp_path):
    image = tmp_path / "large.img"
    with open(image, "wb") as file:
        file.truncate(200 << 30)
        for offset in ((128 << 30) - 512, 128 << 30, (200 << 30) - 512):
            file.seek(offset)
            file.write(pattern(512, seed=offset))
    machine = booted("", options=ide_disk(image))
    for offset in ((128 << 30) - 512, 128 << 30, (200 << 30) - 512):
        expected = pattern(512, seed=offset)[:16].hex(" ")
        shown = machine.command(f"hexdump -C -s {offset} -n 16 {DISK}")[0]
        assert shown.split("  ", 1)[1].split("  |")[0].replace("  ", " ") == expected


def test_a_disk_on_an_isa_card(booted, image):
    options = ["-device", "isa-ide,id=card,iobase=0x1e8,iobase2=0x3ee,irq=11"]
    machine = booted("", options=options + ide_disk(image, bus="card.0"))
    assert sum_of(machine, DISK) == digest(pattern(BYTES))


# ---------------------------------------------------------------- errors

BAD_SECTOR = 4321


def blkdebug(image, folder, event, sector=None):
    """Returns a drive of which each event fails: of one sector, or any."""
    rules = folder / "rules"
    rules.write_text(f'[inject-error]\nevent = "{event}"\nerrno = "5"\nonce = "off"\n' +
                     (f'sector = "{sector}"\n' if sector else ""))
    return f"format=raw,file=blkdebug:{rules}:{image},rerror=report,werror=report"


def test_a_bad_sector(booted, image, tmp_path):
    drive = blkdebug(image, tmp_path, "read_aio", BAD_SECTOR)
    machine = booted("log=info", options=ide_disk(image, drive=drive))
    good = BAD_SECTOR * 512
    assert machine.command(f"head -c {good} {DISK} | sha256sum", seconds=60)[0].split()[0] == \
        digest(pattern(BYTES)[:good])
    printed = machine.command(f"cat {DISK} | sha256sum", seconds=60)
    assert any("Input/output error" in line for line in printed), printed

    # QEMU's disk does not name the sector: it was found by smaller and smaller pieces.
    [line] = [line for line in machine.command("log") if f"block {BAD_SECTOR}:" in line]
    assert line.endswith(f"disk0: block {BAD_SECTOR}: command aborted")

    # The sectors after it can be read.
    rest = good + 512
    assert machine.command(f"tail -c {BYTES - rest} {DISK} | sha256sum",
                           seconds=60)[0].split()[0] == digest(pattern(BYTES)[rest:])


def test_writes_that_fail(booted, image, tmp_path):
    drive = blkdebug(image, tmp_path, "write_aio")
    machine = booted("", cdrom=qemu.ISO, options=ide_disk(image, drive=drive))
    printed = machine.command(f"cp /System/boot/spindle.elf {DISK}; echo status $?", seconds=60)
    assert printed[:2] == [f"cp: {DISK}: Input/output error", "status 1"], printed
    assert not any("PIO" in line for line in machine.lines())
    assert machine.command("echo alive") == ["alive"]


@pytest.mark.parametrize("command", ["cp /System/MANIFEST.sha256 " + DISK,
                                     "cat /System/MANIFEST.sha256 >" + DISK])
def test_a_flush_that_fails(booted, image, tmp_path, command):
    drive = blkdebug(image, tmp_path, "flush_to_disk")
    machine = booted("", cdrom=qemu.ISO, options=ide_disk(image, drive=drive))
    printed = machine.command(f"{command}; echo status $?", seconds=60)
    who = "cp" if command.startswith("cp") else "spindle"
    assert printed[:2] == [f"{who}: {DISK}: Input/output error", "status 1"], printed
    assert any("disk0: cache not written: command aborted" in line for line in printed), printed
    assert machine.command("echo alive") == ["alive"]
