"""Promise: the disc boots, and /System is mounted from it, on every transport that Spindle drives,
as a CD and as written to a disk, from BIOS and UEFI; a disk there keeps what is written to it."""
import os

import pytest

import decoder
from qemu import BUILD, ISO

OVMF = ["-bios", "/usr/share/ovmf/OVMF.fd"]
PATTERN_BYTES = 512 << 10
PATTERN_FILE = "/System/boot/spindle.elf"

# For each transport: its controller, by machine (None: the machine has none that needs no option),
# and the devices of a CD and of a disk on it, by number. A missing one does not exist.
PLACES = {
    "IDE": ({"pc": []}, "ide-cd,bus=ide.{}", "ide-hd,bus=ide.{}"),
    "AHCI": ({"pc": ["-device", "ich9-ahci,id=ide"], "q35": []},
             "ide-cd,bus=ide.{}", "ide-hd,bus=ide.{}"),
    "virtio-blk": ({"pc": [], "q35": []}, None, "virtio-blk-pci"),
    "virtio-scsi": ({"pc": ["-device", "virtio-scsi-pci"], "q35": ["-device", "virtio-scsi-pci"]},
                    "scsi-cd", "scsi-hd"),
    "NVMe": ({"pc": [], "q35": []}, None, "nvme,serial=serial{}"),
}


def rows():
    """UEFI takes several times as long as BIOS: it is tried on the machine that people use it on,
    and where the drive is on IDE. SPINDLE_MATRIX=all tries it everywhere."""
    everywhere = os.environ.get("SPINDLE_MATRIX") == "all"
    for transport, (controllers, cd, disk) in PLACES.items():
        for machine in controllers:
            uefi = machine == "q35" or transport == "IDE" or everywhere
            firmwares = ["BIOS", "UEFI"] if uefi else ["BIOS"]
            for firmware in firmwares:
                for kind, device in (("CD", cd), ("disk", disk)):
                    if device:
                        yield pytest.param(machine, firmware, transport, kind,
                                           id=f"{machine}-{firmware}-{transport}-{kind}")


def drive(device, number, path, options):
    """A drive on the transport; writes to the disc itself stay in QEMU."""
    media = ",media=cdrom" if device.startswith(("ide-cd", "scsi-cd")) else options
    return ["-drive", f"if=none,id=drive{number},format=raw,file={path}{media}",
            "-device", device.format(number) + f",drive=drive{number}" +
            (",bootindex=0" if number == 0 else "")]


def mounted_at(machine, where):
    """Returns the device that is mounted there."""
    for line in machine.command("mount"):
        words = line.split()
        if words[0] == where:
            return words[1]
    return None


def write_pattern(machine, disk):
    """Writes the start of a file to the disk, and reads it back from the medium."""
    machine.command(f"head -c {PATTERN_BYTES} {PATTERN_FILE} > /System/Devices/Classes/{disk}")
    assert machine.status() == 0
    machine.command("mem --reclaim")
    machine.command(f"head -c {PATTERN_BYTES} {PATTERN_FILE} | cmp - /System/Devices/Classes/{disk}")
    assert machine.status() == 0


@pytest.fixture(scope="module")
def manifest():
    return decoder.manifest(ISO)


@pytest.mark.parametrize("name, firmware, transport, kind", rows())
def test_row(machine, tmp_path, build_id, manifest, name, firmware, transport, kind):
    controllers, cd, disk = PLACES[transport]
    pattern = tmp_path / "pattern.img"
    pattern.write_bytes(bytes(PATTERN_BYTES))
    options = ["-M", name, *controllers[name]]
    options += drive(cd if kind == "CD" else disk, 0, ISO, ",snapshot=on")
    options += drive(disk, 1, pattern, "")
    options += OVMF if firmware == "UEFI" else []

    started = machine(None, memory="128M", options=options, debug_exit=firmware == "BIOS")
    started.wait_prompt()
    assert started.command("cat /System/boot/spindle.id") == [build_id]
    assert started.manifest("/System") == manifest

    # Not the copy that GRUB makes of a disk: the drive itself, on this transport.
    system = mounted_at(started, "/System")
    assert system in (["cdrom0"] if kind == "CD" else ["disk0", "disk1"]), system
    write_pattern(started, "disk1" if system == "disk0" else "disk0")
    with open(os.path.join(BUILD, "spindle.elf"), "rb") as elf:
        assert pattern.read_bytes() == elf.read(PATTERN_BYTES)
