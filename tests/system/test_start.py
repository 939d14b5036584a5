"""Promise: a machine that cannot read its disc says why, and the boot loader's copy of the disc stays
in memory only as long as it is needed."""
import re

from qemu import ISO

STICK = ["-drive", f"if=none,id=stick,format=raw,snapshot=on,file={ISO}"]
USB = [*STICK, "-device", "usb-ehci", "-device", "usb-storage,drive=stick,bootindex=0"]
AHCI = ["-M", "q35", *STICK, "-device", "ide-hd,bus=ide.0,drive=stick,bootindex=0"]


def mounts(machine):
    return {line.split()[0]: line.split()[1] for line in machine.command("mount")}


def test_a_stick_without_a_driver_is_copied(booted, build_id):
    machine = booted(None, options=USB)
    assert mounts(machine)["/System"] == "virtual0"
    assert machine.command("cat /System/boot/spindle.id") == [build_id]


def test_a_stick_that_does_not_fit_into_memory_is_reported(machine):
    started = machine(None, memory="8M", options=USB)
    text = started.wait_prompt().decode()
    assert "boot: this disc does not fit into memory; " in text
    assert "nothing is mounted at /System: " in text
    assert re.search(r"usb: EHCI at 00:\w\w\.0 is not driven", text), text
    assert started.command("echo alive") == ["alive"]


def test_the_copy_of_a_stick_with_a_driver_is_released(booted, build_id):
    machine = booted(None, options=AHCI)
    assert mounts(machine)["/System"] == "disk0"
    assert machine.command("cat /System/boot/spindle.id") == [build_id]
    assert not any("virtual0" in line for line in machine.command("devices"))
    released = [line for line in machine.command("log") if "copy in memory is not needed" in line]
    assert len(released) == 1, released
    free_pages = machine.memory()[0]
    assert free_pages * 4096 > 52 << 20, free_pages  # of 64 MiB; the copy has more than 5 MiB


def test_a_drive_that_appears_later_replaces_the_copy(booted):
    """The copy is the module of QEMU's own loader here; the driver is loaded from it."""
    machine = booted("", options=["-M", "q35", "-initrd", ISO, "-device",
                                  "virtio-scsi-pci,id=scsi"])
    assert mounts(machine)["/System"] == "virtual0"
    machine.qmp("blockdev-add", node_name="disc", driver="raw", read_only=True,
                file={"driver": "file", "filename": ISO})
    machine.qmp("device_add", driver="scsi-cd", id="late", bus="scsi.0", drive="disc")
    machine.wait_command("mount", lambda lines: any(
        line.split()[:2] == ["/System", "cdrom0"] for line in lines))
    machine.wait_command("devices", lambda lines: not any("virtual0" in line for line in lines))


def test_controllers_without_a_driver_are_named(machine):
    started = machine("", options=["-M", "q35", "-device", "qemu-xhci"])
    text = started.wait_prompt().decode()
    assert "monitor: nothing is mounted at /System: there is no drive" in text
    assert re.search(r"usb: xHCI at 00:\w\w\.0 is not driven", text), text
    assert re.search(r"ahci: AHCI controller at 00:1f\.2 is driven by ahci", text), text
    listed = started.command("devices")
    assert any(line.endswith("USB controller, not driven") for line in listed), listed
    assert any(line.endswith("SATA controller") for line in listed), listed

