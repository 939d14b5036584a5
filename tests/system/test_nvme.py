"""Promise: NVMe disks are read and written, with blocks of 512 and 4096 bytes; errors of the medium are reported, and
the disc that is /System may be one.

The host's image files show what reached the disk.
"""
import pytest

from qemu import ISO

SECTOR = 512
DISK_BYTES = 4 << 20
DISK = "/System/Devices/Classes/disk0"
OTHER = "/System/Devices/Classes/disk1"


def pattern(number):
    """A sector that no other sector is equal to."""
    return (b"%08x" % number) * (SECTOR // 8)


@pytest.fixture
def image(tmp_path):
    """image(NAME): the path of an image whose sectors are all different; with empty=True, of zeroes."""
    def make(name, empty=False):
        with open(tmp_path / name, "wb") as file:
            file.write(bytes(DISK_BYTES) if empty else b"".join(pattern(n) for n in range(DISK_BYTES // SECTOR)))
        return str(tmp_path / name)
    return make


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def namespace(number, path, device="", broken=""):
    """Options for a namespace of the controller `nvme0`; `broken`: what blkdebug injects."""
    source = f"format=raw,file={path}"
    if broken:
        source = (f"format=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename={path},"
                  f"file.inject-error.0.errno=5,{broken}")
    return ["-drive", f"if=none,id=drive{number},{source}",
            "-device", f"nvme-ns,drive=drive{number},bus=nvme0,nsid={number}{device}"]


def controller(kind="pc"):
    return ["-M", kind, "-device", "nvme,serial=abc,id=nvme0"]


def await_idle(machine, *aliases):
    """Waits until these disks are there and were probed: their driver is loaded on demand, after start-up."""
    for alias in aliases:
        machine.wait_command(f"devices -v {alias}", lambda lines: any("open 0" in line for line in lines))


@pytest.fixture
def started(booted):
    """started(OPTIONS...): a machine with Spindle's CD and these namespaces; waits until they are idle."""
    def start(*options, kind="pc", idle=True):
        drive = ["-drive", f"if=none,id=cd,media=cdrom,format=raw,readonly=on,file={ISO}",
                 "-device", "ide-cd,drive=cd"]
        machine = booted("", options=controller(kind) + drive + [word for each in options for word in each])
        if idle:
            await_idle(machine, *(f"disk{number}" for number in range(len(options))))
        return machine
    return start


@pytest.mark.parametrize("kind", ["pc", "q35"])
@pytest.mark.parametrize("block_bytes", [512, 4096])
def test_copy(started, image, kind, block_bytes):
    """One namespace is copied onto another, with blocks of either size."""
    source, target = image("source"), image("target", empty=True)
    blocks = f",logical_block_size={block_bytes},physical_block_size={block_bytes}"
    machine = started(namespace(1, source), namespace(7, target, blocks), kind=kind)
    assert any(f"{DISK_BYTES // block_bytes} blocks of {block_bytes}" in line
               for line in machine.command("devices -v disk1"))

    assert machine.command(f"cat {DISK} >{OTHER}; cmp {DISK} {OTHER}") == []
    machine.type("poweroff\r")
    machine.wait_exit()
    assert contents(target) == contents(source)


def test_system_on_a_disk(booted):
    """The firmware and GRUB start Spindle from an NVMe disk, which is then /System: its driver is a boot module."""
    options = ["-drive", f"if=none,id=d,format=raw,readonly=on,file={ISO}",
               "-device", "nvme,serial=abc,drive=d,bootindex=0"]
    machine = booted(None, options=options)
    assert any(line.split() == ["disk0", *line.split()[1:5], "/System"] for line in machine.command("df"))
    assert b"EIO" not in machine.command_bytes("manifest /System")
    assert machine.status() == 0


def test_read_error(started, image):
    """A sector that cannot be read fails alone, and the log names it."""
    bad = namespace(1, image("bad"), broken="file.inject-error.0.event=read_aio,file.inject-error.0.sector=1000")
    machine = started(bad)
    machine.command(f"cat {DISK} >/System/Devices/null")
    assert machine.status() == 1
    assert any("disk0: block 1000: unrecovered read error" in line for line in machine.command("log"))
    assert machine.command(f"hexdump -n 8 {DISK} {999 * SECTOR}")[0].endswith("|000003e7|")
    assert machine.command(f"hexdump -n 8 {DISK} {1001 * SECTOR}")[0].endswith("|000003e9|")


def test_write_error(started, image):
    """A sector that cannot be written is an error of the command, and the disk works on."""
    source, target = image("source"), image("bad", empty=True)
    bad = namespace(2, target, broken="file.inject-error.0.event=write_aio,file.inject-error.0.sector=1000")
    machine = started(namespace(1, source), bad)
    machine.command(f"cat {DISK} >{OTHER}")
    assert machine.status() != 0
    assert machine.command(f"head -c 65536 {DISK} >{OTHER}") == [] and machine.status() == 0
    machine.type("poweroff\r")
    machine.wait_exit()
    assert contents(target)[:65536] == contents(source)[:65536]


def test_flush_error(started, image):
    path = image("disk.img")
    machine = started(namespace(1, path, broken="file.inject-error.0.event=flush_to_disk"))
    printed = machine.command(f"cp /System/Book/index.md {DISK}; echo status $?", seconds=60)

    # QEMU's own messages about the failing file may precede the first line.
    assert printed[-2].endswith(f"cp: {DISK}: Input/output error") and printed[-1] == "status 1", printed
    assert machine.command("echo alive") == ["alive"]


def test_discard_and_zero(started, image):
    path = image("disk.img")
    was = bytearray(contents(path))
    machine = started(namespace(1, path))
    assert machine.command("discard -yz disk0 64K 1M; echo $?") == ["0"]
    was[65536:65536 + (1 << 20)] = bytes(1 << 20)
    assert contents(path) == bytes(was)
    assert machine.command("discard -y disk0; echo $?") == ["0"]


def test_load_and_unload(started, image):
    """The driver is unloaded by force while its disk is idle, and loaded by hand."""
    machine = started(namespace(1, image("disk")))
    assert machine.command("unload -f nvme; drivers | grep -c nvme") == ["0"]
    assert machine.command("devices | grep -c disk0") == ["0"]

    assert machine.command("load nvme") == []
    await_idle(machine, "disk0")
    assert machine.command(f"hexdump -n 8 {DISK} 0x200")[0].endswith("|00000001|")

    # The controller is served although no program has the disk open.
    assert machine.command("unload nvme")[0].endswith("uses it") and machine.status() == 1
    assert machine.command(f"hexdump -n 8 {DISK} 0x200")[0].endswith("|00000001|")


def test_unload_while_in_use(started):
    """A disk in use leaves with its driver: what is open returns errors, and the code is freed after the last use."""
    machine = started(["-drive", f"if=none,id=d,format=raw,readonly=on,file={ISO}",
                       "-device", "nvme-ns,drive=d,bus=nvme0,nsid=1"], idle=False)
    machine.wait_command("df", lambda lines: any("/Drives/disk0" in line for line in lines))
    machine.command("cd /Drives/disk0")

    # A log line about the drive may follow either command.
    assert machine.command("unload -f nvme")[0].endswith("still uses it; its drivers are unregistered")
    assert machine.command("ls")[0].endswith("No such device")
    machine.command("cd /; unload nvme; load nvme")
    assert machine.status() == 0
    machine.wait_command("df", lambda lines: any("/Drives/disk0" in line for line in lines))
    assert machine.command("cmp /System/boot/spindle.elf /Drives/disk0/boot/spindle.elf") == []
