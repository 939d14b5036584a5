"""Promise: the machine boots to the prompt, by GRUB and by PVH, and powers off as documented."""
import os
import re
import subprocess

import pytest

import qemu
from qemu import EMPTY, ISO, qemu_status


def test_iso_boot_mounts_our_disc_as_system(booted, build_id):
    machine = booted(None, cdrom=ISO)
    assert machine.command("cat /System/boot/spindle.id") == [build_id]


def test_pvh_boot_finds_our_disc(booted, build_id):
    machine = booted("", cdrom=ISO)
    assert machine.command("cat /System/boot/spindle.id") == [build_id]


@pytest.mark.parametrize("cdrom", [None, EMPTY], ids=["no drive", "no disc"])
def test_boot_without_a_disc_is_reported_in_one_line(machine, cdrom):
    started = machine("", cdrom=cdrom)
    printed = started.wait_prompt().decode().splitlines()
    about = [line for line in printed if "/System" in line]
    assert len(about) == 1, printed
    assert started.command("echo alive") == ["alive"]


@pytest.mark.parametrize("code", [0, 3, 125])
def test_poweroff_code_arrives(machine, code):
    assert machine(f'run="poweroff {code}"').wait_exit() == qemu_status(code)


@pytest.mark.parametrize("append", ['run="echo a; poweroff"', '"run=echo a; poweroff"'])
def test_run_commands_then_poweroff(machine, append):
    started = machine(append)
    assert started.wait_exit() == qemu_status(0)
    assert "a" in started.lines()


def test_prompt_comes_after_run(booted):
    machine = booted('run="echo first; echo second"')
    lines = machine.lines()
    assert lines.index("first") < lines.index("second") < len(lines) - 1
    assert machine.command("echo third") == ["third"]


def test_poweroff_typed(booted):
    machine = booted("")
    machine.type("poweroff 4\r")
    assert machine.wait_exit() == qemu_status(4)


@pytest.mark.parametrize("boot", ["iso", "pvh"])
def test_lines_piped_into_the_serial_port(boot):
    options = ["-boot", "d"] if boot == "iso" else qemu.pvh_options("")
    command = qemu.base_command() + options + qemu.cdrom_options(ISO)
    done = subprocess.run(command, input=b"ls /System\npoweroff\n", stdout=subprocess.PIPE,
                          timeout=60, check=False)
    assert done.returncode == qemu_status(0)
    shown = done.stdout.decode().replace("\r\n", "\n").partition("$ ls /System\n")[2].split()
    assert "boot" in shown and "Devices" in shown, done.stdout.decode()


def test_typed_ahead_lines_are_kept(booted):
    machine = booted("")
    machine.type("".join(f"echo number {i}\r" for i in range(20)) + "echo the end\r")
    machine.wait_text(rb"\nthe end\r\n")
    lines = machine.lines()
    assert [line for line in lines if re.fullmatch(r"number \d+", line)] == \
        [f"number {i}" for i in range(20)]


@pytest.mark.parametrize("command, status", [
    ("echo x", 0), ("nosuchcommand", 127), ("cat /nothing/here", 1), ("ls /nothing", 2),
    ("manifest", 2), ("poweroff nonsense", 2)])
def test_status(booted, command, status):
    machine = booted("")
    machine.command(command)
    assert machine.status() == status


def test_self_tests_pass(machine):
    started = machine('selftest run="poweroff"')
    assert started.wait_exit(60) == qemu_status(0)
    lines = started.lines()
    total = [m for line in lines if (m := re.fullmatch(r"selftest: (\d+) passed, 0 failed", line))]
    assert len(total) == 1, lines
    passed = [line for line in lines if re.match(r"ok \S", line)]
    assert len(passed) == int(total[0].group(1)) > 0
    assert not [line for line in lines if line.startswith("not ok")]


def test_unknown_word_on_the_command_line_is_one_warning(booted):
    machine = booted("gibberish")
    assert len([line for line in machine.lines() if "gibberish" in line]) == 1


def test_five_mebibytes_are_enough(booted):
    machine = booted("", memory="5M")
    assert machine.command("echo small") == ["small"]


def test_reboot_resets_the_machine(booted):
    machine = booted("")
    machine.type("reboot\r")
    assert machine.wait_exit() == 0


def test_serial_output_is_plain(booted):
    machine = booted("", cdrom=ISO)
    machine.command("ls /System")
    printed = machine.all_output
    assert b"\x1b" not in printed
    assert not re.search(rb"(?<!\r)\n", printed)


def test_panic_reports_thread_registers_and_backtrace(booted):
    """An injected NMI is an exception that the kernel does not expect."""
    machine = booted("")
    machine.inject_nmi()
    assert machine.wait_exit() == 255
    lines = machine.lines()
    report = lines[lines.index("panic: non-maskable interrupt (vector 2, error 0)"):]
    assert re.fullmatch(r'  thread "\w+"', report[1]), report
    assert re.fullmatch(r"  rip [0-9a-f]{16}  rsp .*", report[2]), report
    assert max(map(len, report)) <= 80, report
    frames = [line for line in report if re.match(r"  #\d+ 0x[0-9a-f]+ \w+\+0x", line)]
    assert len(frames) >= 2, report


def test_a_driver_at_the_end_of_memory(booted):
    """QEMU puts -initrd right below its own tables, so a page of it may be only partly RAM."""
    driver = os.path.join(qemu.BUILD, "drivers", "nvme.drv")
    machine = booted("", options=["-M", "q35", "-m", "128", "-initrd", driver, "-drive",
                                  "if=none,id=nvme,format=raw,file.driver=null-co,file.size=1M",
                                  "-device", "nvme,serial=x,drive=nvme"])
    assert "disk0" in machine.command("ls /System/Devices/Classes")
