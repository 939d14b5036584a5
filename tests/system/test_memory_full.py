"""Promise: the machine remains usable when files and drives have taken all memory that they may."""
import pytest

from qemu import EMPTY

DRIVE = "/System/Devices/Classes/virtual4"
ZERO = "/System/Devices/zero"


def succeed(machine, line):
    lines = machine.command(line, 60)
    assert machine.status() == 0, f"{line}: {lines}"
    return lines


def refused(machine, line):
    lines = machine.command(line, 60)
    assert machine.status() == 1 and "No space" in "\n".join(lines), f"{line}: {lines}"


@pytest.mark.parametrize("memory", ["8M", "14M", "16M"])
def test_usable_when_full(machine, memory):
    full = machine("", cdrom=EMPTY, memory=memory)
    full.wait_prompt()
    for size in ("256G", "256G", "1T", "64G", "64M"):
        succeed(full, f"vdrive new {size}")
    succeed(full, "mkdir /d; head -c 500000 " + ZERO + " > /d/small")
    refused(full, f"cp {ZERO} {DRIVE}")
    refused(full, f"cat {ZERO} > /d/rest")

    assert succeed(full, "echo hi | cat") == ["hi"]
    assert succeed(full, "ls / | cat | cat | head -n 1") == ["Drives"]
    succeed(full, "ls -l /d; mount; df; ls -R / | cat | wc -l; vdrive list")

    succeed(full, "rm /d/rest; rm -r /d; ls /")
    succeed(full, "vdrive rm 4; mkdir /e; echo again > /e/f")
    assert succeed(full, "cat /e/f | cat") == ["again"]
    succeed(full, "mount -t ramfs '' /e; ls /e; umount /e; cat /e/f")


def test_drives_leave_an_eighth(machine):
    """Blank drives need memory as well, until they are refused; pipes and removal still work."""
    full = machine("", cdrom=EMPTY, memory="8M")
    full.wait_prompt()
    many = "; ".join(["vdrive new 1T"] * 20)
    lines = []
    for _ in range(300):
        lines = full.command(many, 60)
        if full.status():
            break
    assert "not enough memory" in "\n".join(lines)
    assert succeed(full, "echo hi | cat | cat") == ["hi"]
    succeed(full, "vdrive list | wc -l; ls -l /System/Devices/Classes | tail -n 1; vdrive rm 0")


def test_large_directory(machine):
    """100,000 files are created, listed and removed; then every page of theirs is free again."""
    large = machine("", cdrom=EMPTY)
    large.wait_prompt()
    before = large.memory()
    succeed(large, "mkdir /large; bench -n 100000 create /large; mv /large /moved")
    assert succeed(large, "ls -l /moved | wc -l") == ["100000"]
    assert succeed(large, "ls /moved | grep -c ^file-7777") == ["11"]
    succeed(large, "rm -r /moved")
    assert large.memory() == before
