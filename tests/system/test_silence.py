"""Promise: a machine that lacks something works without it, or says what is missing."""
import pytest

from screen import Screen

HALTED = "poweroff: this machine cannot turn itself off; halted"


def microvm(options):
    return ["-machine", "microvm" + options, "-vga", "none"]


@pytest.mark.parametrize("options", ["", ",acpi=off", ",pic=off", ",rtc=on"])
def test_microvm_has_a_prompt_and_takes_input(booted, options):
    """Without the 8259s the serial port is polled. The firmware sets up no local APIC."""
    machine = booted("", options=microvm(options), debug_exit=False)
    assert machine.command("echo typed") == ["typed"]
    machine.type("poweroff\r")
    if options == ",acpi=off":
        machine.wait_text(HALTED.encode())
    else:
        assert machine.wait_exit() == 0  # by ACPI's sleep control register


@pytest.mark.parametrize("options", [",pit=off", ",pit=off,pic=off"])
@pytest.mark.parametrize("cpu", ["qemu64", "max,-tsc"])
def test_acpi_timer_replaces_the_pit(booted, options, cpu):
    machine = booted("", options=["-machine", "q35" + options, "-cpu", cpu])
    assert machine.command("sleep 0.1; echo slept") == ["slept"]


@pytest.mark.parametrize("options, problem", [
    (microvm(",pit=off"), "clock: neither the PIT nor ACPI's timer counts, so there is no time"),
    (["-machine", "q35,pit=off", "-cpu", "qemu64,-apic"],
     "alarm: neither the local APIC's timer nor the PIT can be used")])
def test_machine_without_time_panics(machine, options, problem):
    started = machine("", options=options)
    assert started.wait_exit() == 255
    assert "panic: " + problem in started.lines()


def test_poweroff_without_acpi_is_shown_on_every_console(booted):
    machine = booted("", options=["-machine", "pc,acpi=off"], debug_exit=False)
    machine.type("poweroff\r")
    machine.wait_text(HALTED.encode())
    Screen(machine).wait(lambda lines: HALTED in lines)


def test_machine_without_a_keyboard_says_so_on_the_screen(booted):
    machine = booted("", options=["-machine", "pc,i8042=off"])
    Screen(machine).wait(lambda lines: any(
        line.endswith("keyboard: no PS/2 keyboard; type at the serial port") for line in lines))
    assert machine.command("echo typed") == ["typed"]
