"""Promise: an idle machine halts, and devices interrupt it by messages where they can."""
import re

import pytest

from qemu import ISO

CD = ["-drive", f"if=none,id=cd,format=raw,media=cdrom,file={ISO}"]
IDE = [*CD, "-device", "ide-cd,bus=ide.1,drive=cd"]
AHCI = [*CD, "-device", "ich9-ahci,id=ahci", "-device", "ide-cd,bus=ahci.0,drive=cd"]
SECONDS = 10  # four polls of a drive: of a part of that time, one poll more or less would count


def irqs(machine, words=""):
    """Returns ({handlers: count}, the sum)."""
    *lines, last = machine.command(f"irqs {words}".strip(), SECONDS + 60)[1:]
    counts = {line.split(maxsplit=4)[4]: int(line.split()[2]) for line in lines}
    return counts, int(re.match(r"(\d+) interrupts?, ", last).group(1))


@pytest.mark.parametrize("options", [[], IDE, AHCI, ["-machine", "q35", *CD, "-device",
                                                     "ide-cd,bus=ide.0,drive=cd"]],
                         ids=["no drive", "IDE", "AHCI", "q35"])
def test_idle_machine_takes_two_interrupts_a_second(booted, options):
    """The timer, and what the poll of a drive costs."""
    machine = booted("", options=options)
    machine.command("sleep 1")
    counts, total = irqs(machine, str(SECONDS))
    assert total <= 2 * SECONDS, counts


def test_messages_arrive(booted):
    machine = booted("", options=AHCI)
    machine.command("cat /System/boot/spindle.id")
    counts, _ = irqs(machine)
    assert [name for name in counts if name.endswith("(ahci)") and counts[name] > 0], counts


@pytest.mark.parametrize("options", [IDE, AHCI], ids=["IDE", "AHCI"])
def test_processor_without_a_local_apic(booted, build_id, options):
    """Everything works on lines, and the timer is the PIT."""
    machine = booted("", options=["-cpu", "qemu64,-apic", *options])
    assert machine.command("cat /System/boot/spindle.id") == [build_id]
    counts, _ = irqs(machine)
    assert counts["PIT"] > 0
    assert not [line for line in machine.command("irqs") if line.startswith("message")]
