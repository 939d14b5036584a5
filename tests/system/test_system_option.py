"""Promise: system= on the command line selects which of two CD drives becomes /System."""
import pytest

from conftest import debian_disc
from qemu import ISO

OTHER = ["-drive", "if=none,id=other,media=cdrom,format=raw,file={}",
         "-device", "ide-cd,bus=ide.1,unit=1,drive=other"]


@pytest.fixture
def two_discs(booted):
    """Boots with our disc as cdrom0 and another as cdrom1."""
    def start(append):
        path = debian_disc("ipxe")
        return booted(append, cdrom=ISO, options=[word.format(path) for word in OTHER])
    return start


def mounts(machine):
    return {line.split()[0]: line.split()[1] for line in machine.command("mount")}


def warnings(machine):
    return [line.split("] ", 1)[1] for line in machine.command("log") if " system=" in line]


def test_c19_system_names_the_drive(two_discs):
    """C19: even though the other disc is the boot CD."""
    machine = two_discs("system=cdrom1")
    assert mounts(machine)["/System"] == "cdrom1"
    assert mounts(machine)["/Drives/cdrom0"] == "cdrom0"
    assert not warnings(machine)


def test_c19_without_it_our_disc_is_system(two_discs):
    machine = two_discs("")
    assert mounts(machine)["/System"] == "cdrom0"
    assert mounts(machine)["/Drives/cdrom1"] == "cdrom1"


def test_c19_unknown_name(two_discs):
    """C19: a warning, and the disc is chosen as without the option."""
    machine = two_discs("system=cdrom7")
    assert mounts(machine)["/System"] == "cdrom0"
    assert warnings(machine) == [
        "monitor: system=cdrom7: no such drive; /System is chosen without it"]
