"""Promise: a disk is unchanged to the bit until it is asked for; what was written to it then is there
after poweroff, for the programs of other systems too."""
import hashlib
import struct
import subprocess

import pytest

import qemu
from exfat_reader import Reader
from test_fat import fill, make_volume, run
from test_mount_write import check, make
from test_tool import TOOL
from test_tool import run as run_shell

CD = "/System/Book"


def drive(image, name):
    return ["-drive", f"if=none,id={name},format=raw,file={image}"]


def ide(image, name="d"):
    return drive(image, name) + ["-device", f"ide-hd,bus=ide.0,unit=0,drive={name}"]


def ahci(image, name="d"):
    return drive(image, name) + ["-device", "ahci,id=sata",
                                 "-device", f"ide-hd,bus=sata.0,drive={name}"]


def virtio(image, name="d"):
    return drive(image, name) + ["-device", f"virtio-blk-pci,drive={name}"]


def nvme(image, name="d"):
    return drive(image, name) + ["-device", f"nvme,serial=1,drive={name}"]


BUSES = {"ide": ide, "ahci": ahci, "virtio": virtio}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def tree(machine, path):
    """Returns the lines of a manifest without the times, which a copy does not keep."""
    lines = machine.manifest(path, seconds=120).decode().splitlines()
    return [line.split("\t")[:3] + line.split("\t")[4:] for line in lines]


def poweroff(machine):
    machine.type("poweroff\n")
    machine.wait_exit()


def shell_tree(volume, path):
    status, out, err = run_shell(volume, "-c", f"manifest {path}")
    assert (status, err) == (0, "")
    return [line.split("\t")[:3] + line.split("\t")[4:] for line in out.splitlines()]


def read_back(volume, kind, name, to):
    """Reads a file by another program; Spindle itself for exFAT, which has none like mtools."""
    if kind != "exfat":
        run("mcopy", "-i", volume, f"::/{name}", to)
        return to.read_bytes()
    done = subprocess.run([TOOL, str(volume), "-c", f"cat '/System/{name}'"], capture_output=True,
                          check=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize("bus", BUSES)
@pytest.mark.parametrize("kind", [16, 32, "exfat"])
def test_a_tree_is_copied_and_survives_poweroff(booted, tmp_path, bus, kind):
    volume = make(tmp_path / "volume", kind)
    machine = booted("", cdrom=qemu.ISO, options=BUSES[bus](volume))
    machine.command("mount -o rw disk0")
    machine.command(f"cp -r {CD} /Drives/disk0/", seconds=120)
    expected = tree(machine, CD)
    assert len(expected) > 5
    assert tree(machine, "/Drives/disk0/Book") == expected
    machine.command("echo one > /Drives/disk0/'A long name.txt'")
    machine.command("echo two >> /Drives/disk0/'A long name.txt'")
    machine.command("mkdir /Drives/disk0/new; mv /Drives/disk0/'A long name.txt' /Drives/disk0/new")
    machine.command("head -c 3000000 /System/boot/spindle.elf > /Drives/disk0/later")
    poweroff(machine)

    # for Spindle, for mtools, and for the checks of dosfstools and exfatprogs
    check(volume, kind)
    assert shell_tree(volume, "/System/Book") == expected
    assert read_back(volume, kind, "new/A long name.txt", tmp_path / "text") == b"one\ntwo\n"
    with open(qemu.ELF, "rb") as kernel:
        assert read_back(volume, kind, "later", tmp_path / "later") == kernel.read(3000000)


def on_a_partition(disk, volume):
    """Makes a disk with the volume as its only partition, at 1 MiB."""
    data = volume.read_bytes()
    entry = struct.pack("<8B2I", 0, 0, 0, 0, 0x0c, 0, 0, 0, 2048, len(data) // 512)
    disk.write_bytes((bytes(446) + entry).ljust(510, b"\0") + b"\x55\xaa" + bytes(2047 * 512) + data)
    return disk


def files_of_host(folder):
    """Returns what tree() does, of a directory of the host."""
    lines = []
    for path in folder.rglob("*"):
        if path.is_dir():
            lines.append(["d", "0", "-", str(path.relative_to(folder))])
        else:
            lines.append(["f", str(path.stat().st_size), digest(path), str(path.relative_to(folder))])
    return sorted(lines, key=lambda line: line[3].encode())


@pytest.mark.parametrize("kind", [32, "exfat"])
def test_the_whole_system_on_a_partition(booted, tmp_path, kind):
    """The same for Spindle and for a program that knows nothing of it."""
    volume = make(tmp_path / "volume", kind)
    disk = on_a_partition(tmp_path / "disk", volume)
    machine = booted("", cdrom=qemu.ISO, options=ide(disk))
    expected = tree(machine, "/System")
    assert machine.command("mount -o rw disk0p1; cp -r /System /Drives/disk0p1", seconds=120) == []
    poweroff(machine)

    volume.write_bytes(disk.read_bytes()[1 << 20:])
    check(volume, kind)
    assert shell_tree(volume, "/System/System") == expected
    copied = tmp_path / "copied"
    copied.mkdir()
    if kind == "exfat":
        for path, data in Reader(volume).tree().items():
            (copied / path).mkdir() if data is None else (copied / path).write_bytes(data)
    else:
        run("mcopy", "-s", "-n", "-i", f"{disk}@@1M", "::/System", copied)
    assert files_of_host(copied / "System") == expected


def test_disks_that_are_only_read_are_unchanged(booted, tmp_path):
    kinds = {"ide": 16, "ahci": 32, "virtio": "exfat", "nvme": 32}
    volumes = {bus: make(tmp_path / bus, kind) for bus, kind in kinds.items()}
    for bus, volume in volumes.items():
        if bus != "virtio":
            fill(volume, {"file": b"text\n", "dir": None})
    before = {bus: digest(volume) for bus, volume in volumes.items()}
    options = []
    for bus, volume in volumes.items():
        options += [*{**BUSES, "nvme": nvme}[bus](volume, bus)]
    machine = booted("", cdrom=qemu.ISO, options=options)
    disks = [f"disk{n}" for n in range(4)]
    for disk in disks:
        machine.wait_command("mount", lambda lines, disk=disk: any(disk in line for line in lines))
        machine.command(f"find /Drives/{disk}; ls -lR /Drives/{disk}; df; volinfo /Drives/{disk}")
        machine.command(f"manifest /Drives/{disk}; check {disk}; cat /Drives/{disk}/file")
        assert machine.status() == 0 or "file" not in machine.command(f"ls /Drives/{disk}")
    hint = "; `mount -o rw disk0` makes it writable"
    for command in ("echo x > /Drives/disk0/file", "rm /Drives/disk0/file",
                    "touch /Drives/disk0/new", "mkdir /Drives/disk0/dir/sub",
                    "cp /System/boot/spindle.id /Drives/disk0/", "mv /Drives/disk0/file /Drives/disk0/x",
                    "rmdir /Drives/disk0/dir", "echo x | tee /Drives/disk0/file > /null"):
        said = "\n".join(machine.command(command))
        assert "Read-only file system" in said and hint in said, (command, said)
    for disk in disks:
        machine.command(f"sync; umount {disk}; mkdir /Drives/{disk}; mount {disk} /Drives/{disk}")
    poweroff(machine)
    assert {bus: digest(volume) for bus, volume in volumes.items()} == before


def test_writable_and_back(booted, tmp_path):
    """`mount -o ro` ends it: everything is on the disk, and the disk is marked clean."""
    volume = make_volume(tmp_path / "volume", 16)
    machine = booted("", cdrom=qemu.ISO, options=ide(volume))
    machine.command("mount -o rw disk0; echo text > /Drives/disk0/file; mount -o ro disk0")
    check(volume, 16)
    assert b"text\n" in volume.read_bytes()
    assert "Read-only" in machine.command("rm /Drives/disk0/file")[0]
    before = volume.read_bytes()
    poweroff(machine)
    assert volume.read_bytes() == before


def bad_writes(volume, folder, sectors):
    """Returns options for a disk that fails to write these sectors; without any, all."""
    rule = '[inject-error]\nevent = "write_aio"\nerrno = "5"\nonce = "off"\n'
    rules = [rule + f'sector = "{sector}"\n' for sector in sectors] or [rule]
    (folder / "blkdebug").write_text("".join(rules))
    return ["-drive", f"if=none,id=d,format=raw,werror=report,"
            f"file=blkdebug:{folder / 'blkdebug'}:{volume}", "-device", "virtio-blk-pci,drive=d"]


def test_a_disk_that_cannot_be_written_stays_read_only(booted, tmp_path):
    volume = make_volume(tmp_path / "volume", 16)
    machine = booted("", cdrom=qemu.ISO, options=bad_writes(volume, tmp_path, []))
    assert "Input/output error" in machine.command("mount -o rw disk0")[0]
    assert "Read-only" in machine.command("touch /Drives/disk0/file")[0]
    poweroff(machine)


def test_poweroff_names_what_it_cannot_write(booted, tmp_path):
    volume = make_volume(tmp_path / "volume", 16)
    reserved, tables, entries = struct.unpack("<HBH", volume.read_bytes()[14:19])
    table, = struct.unpack("<H", volume.read_bytes()[22:24])
    data = reserved + tables * table + entries * 32 // 512
    machine = booted("", cdrom=qemu.ISO, options=bad_writes(volume, tmp_path, [data]))
    machine.command("mount -o rw disk0")
    said = machine.command("echo text > /Drives/disk0/file; echo status $?")
    assert "Input/output error" in said[0] and "status 1" in said
    assert machine.command("cat /Drives/disk0/file") == ["text"]

    machine.type("poweroff\n")
    machine.wait_text(rb"/Drives/disk0/file: 5 bytes not written[\s\S]*Continue\? \[y/N\] ")
    machine.type("n\n")
    machine.wait_prompt()
    machine.type("poweroff\n")
    machine.wait_text(rb"Continue\? \[y/N\] ")
    machine.type("y\n")
    machine.wait_exit()


def test_a_formatted_device_is_mounted(booted, tmp_path):
    """Under the same name as any disk; a drive in memory when it is asked for. What changes while it
    is read is not checked."""
    volume = tmp_path / "volume"
    with open(volume, "wb") as image:
        image.truncate(64 << 20)
    machine = booted("", cdrom=qemu.ISO, options=ide(volume))
    assert machine.command("format -y -n ONE disk0 fat") == ["disk0: FAT16, at /Drives/disk0"]
    assert machine.command("vdrive new 16M; format -y virtual0 exfat; mount -o rw virtual0") == [
        "virtual0: 32768 blocks of 512 bytes"]
    assert machine.command("echo text > /Drives/virtual0/a; cat /Drives/virtual0/a") == ["text"]
    assert machine.command("check virtual0") == [
        "check: virtual0: mounted on /Drives/virtual0; `mount -o ro virtual0` first"]
    assert machine.command("umount disk0; mount -o rw disk0; mkdir /Drives/disk0/d; "
                           "mount -o ro disk0; check disk0")[0].endswith("; 0 findings")
    assert machine.command("mount -o rw nosuch") == ["mount: nosuch: not mounted"]
    poweroff(machine)
    check(volume, 16)
