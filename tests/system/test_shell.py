"""Promise: the shell at the serial port sends plain text until it recognizes a terminal, is a line
editor on one, and ^C stops a command within a second."""
import re
import subprocess
import time

import pytest

from conftest import make_disc
from qemu import ISO, slow_drive
from terminal import DELETE, END, HOME, LEFT, RIGHT, UP, Terminal

PROMPT = "spindle:/$ "


# ---- a plain terminal


def transcript(machine, keys, end):
    """Types keys at the first prompt. Returns the output from then on, up to `end`."""
    machine.wait_prompt()
    start = len(machine.all_output)
    machine.process.stdin.write(keys)
    machine.wait_text(re.escape(end) + rb"\Z")
    return machine.all_output[start:]


@pytest.mark.parametrize("keys, sent", [
    (b"echo a\r", b"echo a\r\na\r\nspindle:/$ "),
    (b"echo a\n", b"echo a\r\na\r\nspindle:/$ "),
    (b"echo a\r\necho b\r\n", b"echo a\r\na\r\nspindle:/$ echo b\r\nb\r\nspindle:/$ "),
    (b"ecx\bho \xc3\xa9\b\xc3\xa8\r",
     b"ecx\b \bho \xc3\xa9\b \b\xc3\xa8\r\n\xc3\xa8\r\nspindle:/$ "),
    (b"echo a\x03echo b\r", b"echo a^C\r\nspindle:/$ echo b\r\nb\r\nspindle:/$ "),
    (b"\x04echo\x04 a\r", b"echo a\r\na\r\nspindle:/$ "),
    (b"cat\rone\rtw\bwo\r\x04echo $?\r",
     b"cat\r\none\r\none\r\ntw\b \bwo\r\ntwo\r\nspindle:/$ echo $?\r\n0\r\nspindle:/$ "),
    (b"cat | wc -l\ra\rb\r\x04", b"cat | wc -l\r\na\r\nb\r\n2\r\nspindle:/$ "),
], ids=["cr", "lf", "crlf", "bs", "^C", "^D", "cat", "pipe"])
def test_plain_transcript(machine, keys, sent):
    assert transcript(machine(""), keys, sent[-20:]) == sent


def test_plain_long_line(booted):
    machine = booted("")
    text = "x" * (4095 - len("echo "))
    assert machine.command("echo " + text) == [text]
    machine.type("echo " + text + "x\r")
    assert machine.wait_prompt().endswith(b"spindle: line too long: it exceeds 4095 bytes\r\n")
    assert machine.status() == 2
    assert b"\x1b" not in machine.all_output


# ---- ^C


def wait_gone(machine, command, milliseconds=1000):
    """Types ^C and waits for the prompt, which must appear within `milliseconds`."""
    start = time.monotonic()
    machine.type("\x03")
    machine.wait_prompt()
    passed = (time.monotonic() - start) * 1000
    assert passed < milliseconds, (command, passed)


@pytest.fixture(scope="module")
def big_disc(tmp_path_factory):
    """A disc with a file of 4 MiB and a directory of 300 entries."""
    folder = tmp_path_factory.mktemp("big")
    tree = folder / "tree"
    (tree / "many").mkdir(parents=True)
    (tree / "big").write_bytes(bytes(range(256)) * 16384)
    for number in range(300):
        (tree / "many" / f"file{number}").write_bytes(b"x" * 3000)
    make_disc(tree, folder / "big.iso", "BIG")
    return folder / "big.iso"


def resources(machine):
    """Returns the memory in use and the names of the threads."""
    return machine.memory(), sorted(line.split()[1] for line in machine.command("ps")[1:])


@pytest.mark.parametrize("command", [
    "sha256sum /System/big",
    "hexdump /System/Devices/Classes/cdrom0 0x200000 0x80000",
    "cat /System/big | sha256sum",
    "cat /System/big | cat /System/big | sleep 1000",
    "manifest /System",
])
def test_interrupt_while_the_disc_is_slow(booted, big_disc, command):
    machine = booted("", options=slow_drive(big_disc, 40000))
    before = resources(machine)
    machine.type(command + "\r")
    machine.wait_text(rb"\r\n")
    time.sleep(0.3)
    assert not machine.output.endswith(b"$ "), machine.output
    wait_gone(machine, command)
    assert machine.command("echo $?") == ["126"]
    # Transfers in flight end later; then all memory is free again.
    deadline = time.monotonic() + 60
    while (now := resources(machine)) != before:
        assert time.monotonic() < deadline, (before, now)


@pytest.mark.parametrize("command", [
    "sleep 1000", "sleep 1000 | sleep 1000", "sleep 1000; echo not reached",
    "sleep 1000 || echo not reached", "cat", "cat | cat | wc"])
def test_interrupt(booted, command):
    machine = booted("")
    before = resources(machine)
    machine.type(command + "\r")
    machine.wait_text(rb"\r\n")
    time.sleep(0.2)
    wait_gone(machine, command)
    assert machine.command("echo $?") == ["126"]
    assert b"not reached\r\n" not in machine.all_output.replace(command.encode() + b"\r\n", b"")
    assert resources(machine) == before


def test_text_typed_around_an_interrupt_is_kept(booted):
    machine = booted("")
    machine.type("sleep 1000\r")
    machine.wait_text(rb"\r\n")
    machine.type("echo before; ")
    time.sleep(0.2)
    machine.type("\x03echo after\r")
    machine.wait_text(rb"\nbefore\r\nafter\r\nspindle:/\$ \Z")
    assert machine.all_output.count(b"^C") == 1


def test_interrupt_typed_ahead_is_for_the_line_before_it(booted):
    machine = booted("")
    machine.type("sleep 1000\r\x03echo next\r")
    machine.wait_text(rb"\nnext\r\nspindle:/\$ \Z", 10)


def test_interrupt_of_run_commands(machine):
    started = machine('run="echo begun; sleep 1000; echo not reached"')
    started.wait_text(rb"begun\r\n")
    time.sleep(0.2)
    started.type("\x03")
    started.wait_prompt()
    assert b"not reached" not in started.all_output


# ---- the start-up script


def with_script(folder, lines):
    """Returns a copy of the boot CD with these lines as /etc/startup."""
    script = folder / "startup"
    script.write_text(lines)
    disc = folder / "script.iso"
    subprocess.run(["xorriso", "-indev", ISO, "-outdev", disc, "-boot_image", "any", "keep",
                    "-map", script, "/etc/startup"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return disc


def test_start_up_script_runs_first(machine, tmp_path):
    disc = with_script(tmp_path, "# comment\nNAME=value\necho from the script\nnothere\ncd /System\n")
    started = machine('run="echo from run: $NAME $?"', cdrom=disc)
    started.wait_prompt()
    lines = [line for line in started.lines() if not line.startswith("[")]
    assert lines == ["from the script",
                     "spindle: /System/etc/startup:4: nothere: command not found; `help` lists the commands",
                     "from run: value 0", "spindle:/System$ "]


def test_start_up_script_can_be_stopped(machine, tmp_path):
    disc = with_script(tmp_path, "echo begun\nsleep 1000\necho not reached\n")
    started = machine('run="echo run"', cdrom=disc)
    started.wait_text(rb"begun\r\n")
    time.sleep(0.2)
    started.type("\x03")
    started.wait_prompt()
    lines = started.lines()
    assert "run" in lines and "not reached" not in lines


# ---- a terminal


@pytest.fixture
def terminal():
    """terminal(columns=..., rows=..., cdrom=...): starts a machine and waits for its prompt."""
    started = []

    def start(**options):
        started.append(Terminal(**options).__enter__())
        started[-1].wait_shell()
        return started[-1]

    yield start
    for each in started:
        each.__exit__()


def test_keys_of_a_terminal(terminal):
    t = terminal()
    t.expect("echo one two" + LEFT * 3 + "x", PROMPT + "echo one xtwo", 21)
    t.expect(HOME + RIGHT + DELETE + "C" + END, PROMPT + "eCho one xtwo", 24)
    t.expect("\x01\x06\x04c\x05\x17\x19\x19", PROMPT + "echo one xtwoxtwo", 28)
    t.expect("\x1b[1;5D\x1b[1;5D\x0b", PROMPT + "echo", 16)
    t.expect("\x01\x05\x15\x19", PROMPT + "echo", 16)
    t.expect("\r", "spindle:/$", 11)


def test_history_on_a_terminal(terminal):
    t = terminal()
    t.press("echo first\recho second\r")
    t.expect(UP, PROMPT + "echo second", 22)
    t.expect(UP, PROMPT + "echo first", 21)
    t.expect("\x0e\x0e", "spindle:/$", 11)
    t.expect("\x12fir", "(reverse-i-search)`fir': echo first", 30)
    t.expect("\x12", "(failed reverse-i-search)`fir': echo first")
    t.press("\r")
    t.wait_screen(lambda rows: rows[-3:] == [PROMPT + "echo first", "first", "spindle:/$"])
    t.press("history 3\r")
    t.wait_screen(lambda rows: rows[-4:-1] == ["    2  echo second", "    3  echo first",
                                               "    4  history 3"])


def test_completion_on_a_terminal(terminal):
    t = terminal(cdrom=ISO)
    t.expect("cat /System/bo\t", PROMPT + "cat /System/boot", 27)
    t.press("\t\t")
    t.wait_screen(lambda rows: rows[-3:] == [PROMPT + "cat /System/boot",
                                             "boot          boot.catalog",
                                             PROMPT + "cat /System/boot"])
    t.expect("/spindle.i\t\r", "spindle:/$")
    t.expect("mount cd\t", PROMPT + "mount cdrom0", 24)
    t.expect("\x15hist\t", PROMPT + "history", 19)


def test_wide_and_combining_characters(terminal):
    t = terminal()
    t.expect("echo \u6f22\u5b57 e\u0301x" + LEFT, PROMPT + "echo \u6f22\u5b57 \u00e9x", 22)
    t.expect("\x7f" + LEFT + "\x7f.", PROMPT + "echo \u6f22. x", 19)


@pytest.mark.parametrize("columns, rows", [(80, 24), (37, 9)])
def test_line_wraps(terminal, columns, rows):
    t = terminal(columns=columns, rows=rows)
    t.press("\x0c")
    t.wait_shell()
    text = "echo " + "".join(chr(97 + i % 26) for i in range(3 * columns - 16))
    whole = PROMPT + text
    assert len(whole) == 3 * columns
    wanted = [whole[i:i + columns] for i in range(0, len(whole), columns)]
    t.press(text)
    t.wait_screen(lambda shown: shown == wanted)
    assert t.cursor() == (3, 0)
    t.press("\x7f")
    t.wait_screen(lambda shown: shown == wanted[:2] + [wanted[2][:-1]])
    assert t.cursor() == (2, columns - 1)
    t.press("\x01X")
    whole = PROMPT + "X" + text[:-1]
    t.wait_screen(lambda shown: shown == [whole[i:i + columns]
                                          for i in range(0, len(whole), columns)])
    assert t.cursor() == (0, len(PROMPT) + 1)
    t.press("\x15" + END + "\x15")
    t.wait_screen(lambda shown: shown == ["spindle:/$"])


def test_line_longer_than_the_screen(terminal):
    t = terminal(columns=20, rows=6)
    t.press("\x0c")
    t.wait_shell()
    text = "echo " + "".join(chr(97 + i % 26) for i in range(300))
    whole = PROMPT + text
    rows = [whole[i:i + 20] for i in range(0, len(whole), 20)]
    t.press(text)
    t.wait_screen(lambda shown: shown == rows[-5:])
    assert t.cursor() == (4, len(whole) % 20)
    t.press(HOME)
    t.wait_screen(lambda shown: shown == rows[:5])
    assert t.cursor() == (0, len(PROMPT))
    t.press(END + "\x15echo ok\r")
    t.wait_screen(lambda shown: shown[-2:] == ["ok", "spindle:/$"])


def test_terminal_size_changes(terminal):
    """The size of the terminal is requested again at each prompt."""
    t = terminal(columns=40, rows=12)
    t.press("\x0c")
    t.wait_shell()
    t.screen.resize(12, 60)
    t.press("\r")
    t.wait_screen(lambda rows: len(rows) == 2)
    text = "echo " + "y" * 60
    t.press(text + LEFT)
    whole = PROMPT + text
    t.wait_screen(lambda rows: rows[1:] == [whole[:60], whole[60:]])
    assert t.cursor() == (2, len(whole) - 61)


def test_clear(terminal):
    t = terminal()
    t.press("\x01echo a\rclear\r")
    t.wait_screen(lambda rows: rows == ["spindle:/$"])
    t.press("clear; echo b | cat\r")
    t.wait_screen(lambda rows: rows == ["b", "spindle:/$"])
    t.press("clear | cat\r")
    t.wait_screen(lambda rows: rows == ["b", PROMPT + "clear | cat", "spindle:/$"])


def test_pasted_lines_are_all_run(terminal):
    t = terminal(rows=50)
    t.press("\x0c")
    t.wait_shell()
    t.press("".join(f"echo number {i}\r" for i in range(15)))
    t.wait_screen(lambda rows: [row for row in rows if row.startswith("number")] ==
                  [f"number {i}" for i in range(15)] and rows[-1] == "spindle:/$")


def test_no_escape_sequence_before_a_terminal_is_recognized(booted):
    machine = booted("")
    machine.command("echo a")
    assert b"\x1b" not in machine.all_output
    machine.type("\x01")
    machine.wait_text(rb"\x1b\[6n")
