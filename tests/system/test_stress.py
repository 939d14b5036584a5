"""Promise: commands that create, mount, change and remove drives at the same time neither panic nor
hang the machine, on the real scheduler. tests/host/shell/test_stress.c tries every pair on a
host."""
import random
import time

import qemu
from conftest import debian_disc

SECONDS = 30
LINE_SECONDS = 20
DISC = "/System/Devices/Classes"
COMMANDS = [
    "vdrive add --cd /image", "vdrive add --overlay --rw /image2", "vdrive add --ram /image",
    "vdrive add --into 0 /image", "vdrive new 64K", "vdrive rm 0", "vdrive rm --lazy 0",
    "vdrive rm --now 0", "vdrive rm --now 1", "vdrive info 0", "vdrive list", "vdrive diff 0",
    "vdrive save 0 /saved", "vdrive commit 0", "vdrive discard 0", "vdrive fault 0 bad 3",
    "vdrive fault 0 delay 1", "vdrive fault 0 attention", "vdrive fault 0 swap /image",
    "vdrive fault 0 clear", "mount virtual0 /m", "mount /image /m", "mount", "umount /m",
    "umount virtual0", "toram /Drives/virtual0", "eject", "mount cdrom0 /m", "df", "devices",
    "volinfo virtual0", "ls -lR /m", f"cat {DISC}/virtual0", f"cat {DISC}/cdrom0"]


def race(machine, count):
    line = " | ".join(random.choices(COMMANDS, k=count))
    machine.command_bytes(f"{line} > /System/Devices/null", LINE_SECONDS)


def test_commands_that_race_for_drives(machine):
    random.seed(1)
    running = machine("", cdrom=debian_disc("ipxe"))
    running.wait_prompt()
    running.command(f"cp {DISC}/cdrom0 /image; cp /image /image2; mkdir /m", 60)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        race(running, random.choice([2, 2, 3, 5]))

    # All remaining drives can be removed, and the shell still works.
    running.command("umount /m; vdrive rm --now 0; vdrive rm --now 1; vdrive rm --now 2")
    assert running.command("echo alive | cat") == ["alive"]
    assert b"panic" not in running.all_output
    running.type("poweroff 5\r")
    assert running.wait_exit() == qemu.qemu_status(5)
