"""Promise: drivers built outside the tree with the kit alone are loaded from a disc, used, and unloaded.

C1 of the ancestors, DrvInit: a driver is a file that is found on a disc and loaded at run time.
"""
import os
import re
import shutil
import subprocess
import time

import pytest

import qemu
from conftest import make_disc
from qemu import ISO

TAINTED = "The kernel is tainted: it has loaded drivers that were not built with it."
SDK = os.path.join(qemu.BUILD, "sdk")
HERE = os.path.dirname(os.path.abspath(__file__))


def build(folder, name, source):
    """Makes NAME.drv in a folder outside the tree, with the three lines of a driver's Makefile."""
    os.makedirs(folder)
    kit = os.path.join(folder, "sdk")
    shutil.copytree(SDK, kit)
    with open(os.path.join(folder, f"{name}.c"), "w", encoding="utf-8") as file:
        file.write(source)
    with open(os.path.join(folder, "Makefile"), "w", encoding="utf-8") as file:
        file.write(f"DRIVER := {name}\nSDK := sdk\ninclude $(SDK)/driver.mk\n")
    made = subprocess.run(["make", "-C", folder], capture_output=True, text=True, timeout=120, check=False,
                          env={"PATH": os.environ["PATH"]})
    assert made.returncode == 0, made.stdout + made.stderr
    return os.path.join(folder, f"{name}.drv")


def book_example(chapter):
    """The C of a chapter, with a version of its own: the kernel does not know its digest."""
    path = os.path.join(qemu.TOP, "iso/Book", chapter)
    text = subprocess.run(["sh", os.path.join(qemu.TOP, "tests/book/extract"), path], capture_output=True,
                          text=True, check=True).stdout
    assert '"1.0"' in text
    return text.replace('"1.0"', '"1.1"', 1)


def source_of(name):
    with open(os.path.join(HERE, "drivers", f"{name}.c"), encoding="utf-8") as file:
        return file.read()


@pytest.fixture(scope="module")
def disc(tmp_path_factory):
    """A CD with drivers that were built outside the tree."""
    folder = tmp_path_factory.mktemp("drivers")
    os.mkdir(folder / "disc")
    for name, source in (("greeting", source_of("greeting")), ("trouble", source_of("trouble")),
                         ("onefile", book_example("5-fsd.md")), ("ramscsi", book_example("10-bus.md"))):
        shutil.copy(build(str(folder / name), name, source), folder / "disc")
    image = str(folder / "disc.iso")
    subprocess.run(["genisoimage", "-quiet", "-R", "-o", image, str(folder / "disc")], check=True, timeout=60,
                   capture_output=True)
    return image


def second_drive(disc):
    return ["-drive", f"if=ide,index=3,media=cdrom,readonly=on,file={disc}"]


def free_kib(machine):
    return int(machine.command("free")[1].split()[3])


def load_unknown(machine, path):
    """Answers the question of load --any."""
    machine.type(f"load --any {path}\n")
    machine.wait_text(rb"Load it\? \[y/N\]", 20)
    machine.type("y\n")
    machine.wait_prompt(20)


def use(machine):
    """Loads both drivers from the second CD, mounts one's file system on the other's device, and unloads both."""
    load_unknown(machine, "/Drives/cdrom1/greeting.drv")
    load_unknown(machine, "/Drives/cdrom1/onefile.drv")
    assert [line.split()[0] for line in machine.command("drivers")] == ["greeting", "onefile", "The"]
    assert machine.command("mount -t onefile disk0 /m; cat /m/greeting") == ["hello from outside the tree"]
    assert machine.command("unload onefile") == ["unload: onefile: mounted file system onefile uses it"]
    assert machine.command("unload greeting") == ["unload: greeting: device greeting uses it"]

    assert machine.command("umount /m; unload onefile; unload -f greeting; drivers") == [TAINTED]
    assert machine.command("ls /System/Devices/Classes | grep -c disk") == ["0"]


def test_c1_a_driver_and_a_file_system(booted, disc):
    """C1: memory is as before. The first use fills caches, and threads of the start-up end meanwhile."""
    machine = booted("", cdrom=ISO, options=second_drive(disc))
    refused = machine.command("mkdir /m; load /Drives/cdrom1/greeting.drv")
    assert "not built with this kernel" in refused[0] and machine.status() == 1

    use(machine)
    before = free_kib(machine)
    for _ in range(4):
        use(machine)
    assert free_kib(machine) >= before - 16


def onefile_image(folder):
    image = bytearray(8192)
    image[:8], image[8], image[16:20], image[4096:4100] = b"ONEFILE1", 4, b"file", b"text"
    path = str(folder / "onefile.img")
    with open(path, "wb") as file:
        file.write(image)
    return path


FIRMWARE = {"PVH": ("", []), "BIOS": (None, []), "UEFI": (None, ["-bios", "/usr/share/ovmf/OVMF.fd"])}


@pytest.mark.parametrize("firmware", FIRMWARE)
def test_drivers_are_loaded_on_demand(machine, tmp_path, firmware):
    """That of a disc's file system is found by its signature, and that of a device by its bus, in the index of
    the boot disc."""
    append, options = FIRMWARE[firmware]
    image = onefile_image(tmp_path)
    booted = machine(append, cdrom=ISO, options=[*options, *second_drive(image), "-device", "virtio-blk-pci,drive=v",
                                                 "-drive", f"if=none,id=v,format=raw,readonly=on,file={image}"])
    booted.wait_prompt(120)
    assert booted.command("cat /Drives/cdrom1/file; echo; cat /Drives/disk0/file; echo") == ["text", "text"]
    names = [line.split()[0] for line in booted.command("drivers")]
    assert {"onefile", "virtio", "virtio-blk"} <= set(names)


@pytest.mark.parametrize("kernel", [qemu.ELF, qemu.BUILTIN], ids=["loaded", "built in"])
def test_commands_are_loaded_on_demand(booted, kernel):
    """A command of a driver object is listed before it is loaded, loaded when it is typed, and works again after
    its object was unloaded. A kernel that contains it does not load it."""
    machine = booted("", cdrom=ISO, kernel=kernel)
    loaded = kernel == qemu.ELF
    assert "  tr         translate, squeeze or delete bytes" in machine.command("help")
    assert machine.command("drivers") == []
    for _ in range(2):
        assert machine.command("echo one two | tr a-z A-Z | cut -d ' ' -f 2") == ["TWO"]
        assert [line.split()[0] for line in machine.command("drivers")] == (["lines"] if loaded else [])
        assert machine.command("unload lines") == ([] if loaded else ["unload: lines: no such loaded driver"])


def test_a_command_whose_object_is_missing(booted):
    """Without the boot disc, a command of a driver object is reported to be there."""
    machine = booted("")
    assert machine.command("echo one | tr a-z A-Z") == [
        "spindle: tr: command not found; it is on the boot disc, in /System/drivers/"]


@pytest.mark.parametrize("kernel", [qemu.ELF, qemu.BUILTIN], ids=["loaded", "built in"])
def test_the_drivers_of_the_book(booted, tmp_path, kernel):
    """The same source behaves the same, as a driver object and in the kernel."""
    machine = booted("", cdrom=ISO, kernel=kernel, options=second_drive(onefile_image(tmp_path)))
    if kernel == qemu.BUILTIN:
        assert machine.command("load counter") == ["load: counter: a driver named counter is registered already"]
    else:
        machine.command("load counter")
    assert machine.command("hexdump /System/Devices/Classes/disk0 0xff8 16") == [
        "00000ff8  f8 0f 00 00 00 00 00 00  00 10 00 00 00 00 00 00  |................|", "00001008"]
    assert machine.command("cat /Drives/cdrom1/file; echo; ls /Drives/cdrom1") == ["text", "file"]
    assert len(machine.command("drivers")) == (0 if kernel == qemu.BUILTIN else 2)


@pytest.mark.parametrize("outside", [False, True], ids=["the disc's", "built outside the tree"])
def test_the_transport_of_the_book(booted, disc, outside):
    """The driver of SCSI disks works over it; what is written is read back."""
    machine = booted("", cdrom=ISO, options=second_drive(disc))
    disk = "/System/Devices/Classes/disk0"
    if outside:
        load_unknown(machine, "/Drives/cdrom1/ramscsi.drv")
    else:
        assert machine.command("load ramscsi") == []
    assert machine.command("devices | grep disk0")[0].split()[:2] == ["disk", "disk0"]
    assert machine.command(f"cat /System/Book/index.md >{disk}; head -c 23 {disk}") == ["# The Book of Spindle", ""]
    assert machine.command("drivers --why ramscsi/unit")[-1] == "ramscsi/unit: accepted by driver scsi-disk"
    assert machine.command("unload ramscsi") == ["unload: ramscsi: thread ramscsi uses it"]
    assert machine.command("unload -f ramscsi; drivers; ls /System/Devices/Classes") == [
        *([TAINTED] if outside else []), "cdrom0", "cdrom1"]


def test_many_cycles_leak_nothing(booted):
    machine = booted("", cdrom=ISO)
    cycles = "; ".join(["load counter onefile ramscsi; unload -f counter ramscsi; unload onefile"] * 20)
    free = []
    for _ in range(20):
        assert machine.command(cycles, 60) == []
        free.append(free_kib(machine))

    # A thread that polls may be there at the moment, with its stack; a leak would lower the maximum.
    assert max(free[15:]) >= max(free[5:10]), free


def test_a_driver_is_named_in_profiles_and_panics(booted, disc):
    machine = booted("", cdrom=ISO, options=second_drive(disc))
    assert len(machine.command("version")) == 2
    load_unknown(machine, "/Drives/cdrom1/trouble.drv")
    printed = machine.command("prof -n 2 compute")
    assert printed[0] == "done" and any(line.endswith("  trouble: compute_step") for line in printed), printed
    assert machine.command("version")[2] == "tainted: driver trouble was not built with this kernel"

    machine.type("crash\n")
    text = machine.wait_text(rb"(?s).*driver trouble: run_crash\+", 20).group()
    assert b"tainted: driver trouble was not built with this kernel" in text
    assert re.search(rb"driver trouble: crash_now[a-z0-9.]*\+", text)  # gcc's clones have a suffix


def test_why_a_device_has_its_driver(booted, disc):
    machine = booted("", cdrom=ISO, options=second_drive(disc))
    load_unknown(machine, "/Drives/cdrom1/greeting.drv")
    assert machine.command("drivers --why disk0") == ["disk0: published by driver greeting, which is loaded"]
    assert machine.command("drivers --why cdrom0") == ["cdrom0: published by driver cdrom"]
    assert machine.command("drivers --why pci/00:01.1") == ["pci/00:01.1: accepted by driver ide"]
    assert "no driver accepted it" in machine.command("drivers --why pci/00:02.0")[-1]


def test_what_a_driver_needs_is_loaded_first(booted):
    machine = booted("", cdrom=ISO)
    assert machine.command("load virtio-blk") == []
    assert [line.split()[0] for line in machine.command("drivers")] == ["virtio", "virtio-blk"]
    assert machine.command("unload virtio") == ["unload: virtio: driver virtio-blk needs it"]
    assert machine.command("unload virtio-blk virtio; drivers") == []


def test_unloading_under_load(booted, disc):
    """Each use is named; by force, devices go first, and the code with its last use."""
    machine = booted("", cdrom=ISO, options=second_drive(disc))
    for name in ("greeting", "onefile", "trouble"):
        load_unknown(machine, f"/Drives/cdrom1/{name}.drv")

    # A current directory in a mounted file system on the driver's device.
    machine.command("mkdir /m; mount -t onefile disk0 /m; cd /m")
    assert machine.command("unload -f greeting")[0] == \
        "unload: greeting: device greeting still uses it; its drivers are unregistered"
    assert machine.command("ls") == ["ls: cannot access '.': No such device"]
    assert machine.command("unload onefile") == ["unload: onefile: mounted file system onefile uses it"]
    assert machine.command("cd /; unload greeting onefile; drivers | grep -c use") == ["1"]

    # A command that runs meanwhile.
    assert machine.command("compute | unload trouble") == ["unload: trouble: command compute uses it"]
    assert machine.command("compute | unload -f trouble") == [
        "unload: trouble: command compute still uses it; its drivers are unregistered"]
    assert "(unregistered)" in machine.command("drivers")[0]
    assert machine.command("unload trouble; drivers") == [TAINTED]


def test_the_disc_is_ejected_while_a_driver_is_loaded(booted, tmp_path):
    """The driver's file is large and the disc slow, so that reading it takes seconds."""
    folder = tmp_path / "tree/drivers"
    os.makedirs(folder)
    with open(folder / "large.drv", "wb") as file:
        file.write(bytes(4 << 20))
    with open(folder / "index", "w", encoding="ascii") as file:
        file.write(f"large\tlarge.drv\t{64 * '0'}\tcommand large\n")
    make_disc(str(tmp_path / "tree"), str(tmp_path / "disc.iso"))
    machine = booted("", options=qemu.slow_drive(tmp_path / "disc.iso", 400000))

    def bytes_read():
        return machine.qmp("query-blockstats")[0]["stats"]["rd_bytes"]

    before, end = bytes_read(), time.monotonic() + 20
    machine.type("large\n")
    while bytes_read() < before + 200000:
        assert time.monotonic() < end
    machine.eject()
    assert b"large: cannot load its object from /System/drivers/: No medium" in machine.wait_prompt()
    assert machine.command("log | grep large.drv") != []
    machine.insert(ISO)
    machine.wait_command("load counter; drivers", lambda lines: lines[0].startswith("counter"))
