"""Promise: Spindle runs on BIOS and UEFI, with various chipsets, memory sizes and drives, and with
screen and keyboard."""
import os
import re
import subprocess

import pytest

import builder
import decoder
import qemu
from qemu import ISO, qemu_status
from screen import CURSOR, Screen

OVMF = ["-bios", "/usr/share/ovmf/OVMF.fd"]
UEFI_SECONDS = 120
Q35 = ["-machine", "q35"]
ISO_BYTES_MAX = 12 << 20


PROMPT_LINE = "spindle:/$ " + CURSOR


def ends_with(*expected):
    """Returns a predicate for Screen.wait(): these are the last lines before the prompt."""
    return lambda lines: lines[-len(expected) - 1:] == [*expected, PROMPT_LINE]


def wrapped(lines, columns=80):
    """Returns lines divided as on a screen of `columns`."""
    return [line[i:i + columns].rstrip() for line in lines
            for i in range(0, max(len(line), 1), columns)]


# ---------------------------------------------------------------- firmware

@pytest.fixture(scope="module")
def uefi():
    with qemu.Machine(append=None, cdrom=ISO, options=OVMF, debug_exit=False) as machine:
        machine.wait_prompt(UEFI_SECONDS)
        yield machine


def test_uefi_boots_the_same_disc_with_the_same_result(uefi, build_id):
    assert uefi.command("cat /System/boot/spindle.id") == [build_id]
    assert uefi.manifest("/System") == decoder.manifest(ISO)


def test_uefi_shows_the_shell_in_a_framebuffer(uefi):
    uefi.command("echo pixels of UEFI")
    Screen(uefi).wait(ends_with("spindle:/$ echo pixels of UEFI", "pixels of UEFI"))


def shutdown_reason(machine, command):
    """Types a command that ends the machine. Returns QEMU's reason for the shutdown."""
    machine.qmp("query-status")
    machine.type(command + "\r")
    assert machine.wait_exit() == 0
    while True:
        event = machine.qmp_line()
        if event.get("event") == "SHUTDOWN":
            return event["data"]["reason"]


def test_uefi_console_colours_are_reset(uefi):
    """The firmware's console writes to the serial port; the last sequence is ours."""
    sequences = list(re.finditer(rb"\x1b\[[0-9;=]*[a-zA-Z]", uefi.all_output))
    assert sequences[-2].group() == b"\x1b[40m" and sequences[-1].group() == b"\x1b[0m"
    assert uefi.all_output[sequences[-1].end():].startswith(b"[ ")


def test_uefi_poweroff_by_acpi(uefi):
    """Ends the shared machine, so it is the last test that uses it."""
    assert shutdown_reason(uefi, "poweroff") == "guest-shutdown"


def test_iso_is_small():
    assert os.path.getsize(ISO) < ISO_BYTES_MAX


@pytest.mark.parametrize("options", [[], Q35], ids=["pc", "q35"])
@pytest.mark.parametrize("command, reason", [("poweroff", "guest-shutdown"),
                                             ("reboot", "guest-reset")])
def test_poweroff_and_reboot_without_debug_exit(machine, options, command, reason):
    started = machine("", options=options, debug_exit=False)
    started.wait_prompt()
    assert shutdown_reason(started, command) == reason


@pytest.mark.parametrize("options", [[], Q35], ids=["pc", "q35"])
def test_poweroff_with_debug_exit(booted, options):
    machine = booted("", options=options)
    machine.type("poweroff 9\r")
    assert machine.wait_exit() == qemu_status(9)


# ---------------------------------------------------------------- machines

@pytest.mark.parametrize("memory", ["5M", "6M", "33M", "3584M", "4G", "6G"])
def test_memory_sizes_from_the_disc(booted, build_id, memory):
    machine = booted(None, cdrom=ISO, memory=memory)
    assert machine.command("cat /System/boot/spindle.id") == [build_id]


@pytest.mark.parametrize("options, memory", [
    (Q35, "2049M"), (Q35, "6G"), (["-cpu", "qemu64"], "64M"), (["-smp", "2"], "64M"),
    (["-vga", "none"], "64M"), (["-vga", "cirrus"], "64M"), (Q35 + ["-smp", "4"], "64M")],
    ids=["q35 2049M", "q35 6G", "qemu64", "smp 2", "no screen", "cirrus", "q35 smp 4"])
def test_other_machines(booted, options, memory):
    machine = booted("", options=options, memory=memory)
    assert machine.command("echo alive") == ["alive"]


def test_memory_above_a_hole_is_used(booted):
    small, large = (booted("", memory=size).command("mem") for size in ("3G", "6G"))
    pages = [int(re.search(r"\d+", lines[0]).group()) for lines in (small, large)]
    assert pages[1] - pages[0] > (3 << 30) // 4096 * 0.97, (small, large)


def test_q35_with_an_old_controller(booted, build_id):
    options = Q35 + ["-device", "piix3-ide,id=old", "-device", "ide-cd,bus=old.1,drive=d",
                     "-drive", f"if=none,id=d,format=raw,media=cdrom,file={ISO}"]
    machine = booted("", options=options)
    assert machine.command("cat /System/boot/spindle.id") == [build_id]


def test_second_controller_at_the_same_ports_is_ignored(booted):
    machine = booted("", options=["-device", "piix4-ide,id=more"])
    assert len([line for line in machine.lines() if "ports already in use" in line]) == 2
    assert machine.command("echo alive") == ["alive"]


# ---------------------------------------------------------------- drives

CASES = ["plain_two_sector_directory", "rock_ridge_everything", "joliet_only",
         "sizes_around_a_sector", "multi_extent_not_contiguous", "dates"]


def drives(folder, count, line=11):
    """Returns options for drives and their manifests. The first four drives are on the machine's
    own channels, the others on an ISA card."""
    options = ["-device", f"isa-ide,id=card,iobase=0x1e8,iobase2=0x3ee,irq={line}"]
    expected = []
    for i in range(count):
        case = next(c for c in builder.CASES if c.__name__ == CASES[i])
        image = builder.write_case(case, folder)
        bus = f"ide.{i // 2}" if i < 4 else "card.0"
        options += ["-drive", f"if=none,id=d{i},media=cdrom,format=raw,file={image}",
                    "-device", f"ide-cd,bus={bus},unit={i % 2},drive=d{i}"]
        expected.append(case().manifest())
    return options, expected


def check_drives(machine, expected):
    for i, manifest in enumerate(expected):
        path = "/System" if i == 0 else f"/Drives/cdrom{i}"
        assert machine.manifest(path) == manifest, path


@pytest.mark.parametrize("count", [4, 6], ids=["four drives", "six on two controllers"])
def test_many_drives_master_and_slave(booted, tmp_path, count):
    options, expected = drives(tmp_path, count)
    machine = booted("", options=options)
    check_drives(machine, expected)
    assert [line for line in machine.command("devices") if "polled" in line] == []


def test_drive_with_a_wrong_interrupt_line_is_polled(booted, tmp_path):
    options, expected = drives(tmp_path, 6, line=5)
    machine = booted("", options=options)
    check_drives(machine, expected)
    assert len([line for line in machine.command("devices") if "polled" in line]) == 1


# ---------------------------------------------------------------- the clock

@pytest.mark.parametrize("date", ["1999-12-31T23:59:00", "2031-05-06T07:08:09"])
def test_new_files_have_the_date_of_the_machine(booted, date):
    machine = booted("", options=["-rtc", f"base={date},clock=vm"])
    machine.command("echo x > /file")
    stamp = machine.command_bytes("manifest /file").decode().split("\t")[3]
    assert date[:15] <= stamp < date[:10] + "T24", stamp


# ---------------------------------------------------------------- the screen

@pytest.fixture(params=["text", "framebuffer"])
def with_screen(request, booted):
    """A machine in text mode (PVH), and one with a framebuffer (GRUB)."""
    return booted("" if request.param == "text" else None, cdrom=ISO)


def test_screen_and_serial_show_the_same(with_screen):
    with_screen.command("devices")
    with_screen.command("echo The quick brown fox, 0123456789!")
    start = with_screen.all_output.index(b"memory: ")
    serial = wrapped(with_screen.all_output[start:].decode().split("\r\n"))[1:-1]
    assert len(serial) > 15
    Screen(with_screen).wait(ends_with(*serial))


@pytest.fixture
def painted(tmp_path):
    """A disc with text files: many characters, colors, cursor movements, many lines."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "words").write_text("Gr\u00fc\u00dfe, \u041f\u0440\u0438\u0432\u0435\u0442, "
                                "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1 \u2500\u2502 \u4e2d\U0001f600.\n",
                                encoding="utf-8")
    (tree / "colours").write_text("\033[31mred\033[0m \033[7minverse\033[0m \033[42mgreen\033[0m\n")
    (tree / "moves").write_text("\033[2J\033[5;10Hfive\033[1;1Hone\033[Kand\033[10;1H")
    (tree / "numbers").write_text("".join(f"line {i}\n" for i in range(300)))
    image = tmp_path / "painted.iso"
    subprocess.run(["xorrisofs", "-quiet", "-R", "-o", image, tree], check=True, timeout=60)
    return image


def test_characters_beyond_ascii(booted, painted):
    machine = booted("", cdrom=painted)
    machine.command_bytes("cat /System/words")
    expected = "Gr\u00fc\u00dfe, \u041f\u0440\u0438\u0432\u0435\u0442, " \
               "\u0395\u03bb\u03bb\u03ac\u03b4\u03b1 \u2500\u2502 ??."
    pictures = Screen(machine).by_picture
    same = {name: names[0] for names in pictures.values() for name in names}
    # Letters of equal shape share a glyph.
    Screen(machine).wait(ends_with("".join(same[c] for c in expected)))


def colour_name(pixel):
    """Returns the name of a color. The VGA stores six bits per component: aa is read back as a8."""
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 0): "black", (1, 1, 1): "grey"}
    assert set(pixel) <= {0, 0xa8, 0xaa}, pixel
    return names[tuple(int(part > 0) for part in pixel)]


def test_escape_sequences_on_the_screen(booted, painted):
    machine = booted("", cdrom=painted)
    machine.command_bytes("cat /System/colours")
    screen = Screen(machine)
    lines = screen.wait(ends_with("red inverse green"))
    row = screen.cells()[len(lines) - 2]
    assert [colour_name(row[i][1]) for i in (0, 4, 12)] == ["red", "black", "grey"]
    assert [colour_name(row[i][2]) for i in (0, 4, 12)] == ["black", "grey", "green"]
    machine.command_bytes("cat /System/moves")
    lines = screen.wait(lambda lines: lines[:1] == ["oneand"])
    assert lines[4] == " " * 9 + "five" and lines[1:4] == [""] * 3


# ---------------------------------------------------------------- the keyboard

KEYS = {" ": "spc", "\r": "ret", "-": "minus", "/": "slash", ".": "dot", ",": "comma",
        ";": "semicolon", "'": "apostrophe", "=": "equal"}
SHIFTED = {"_": "minus", "?": "slash", ":": "semicolon", '"': "apostrophe", "!": "1", "&": "7",
           "|": "backslash", ">": "dot", "$": "4"}


def press(machine, *keys):
    machine.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in keys], hold_time=1)


def type_keys(machine, text):
    """Types a text on the keyboard, and waits for the echo after each key."""
    for count, c in enumerate(text, 1):
        if c in SHIFTED or c.isupper():
            press(machine, "shift", SHIFTED.get(c, c.lower()))
        else:
            press(machine, KEYS.get(c, c))
        machine.wait_text(re.escape(text[:count].replace("\r", "\r\n").encode()))


@pytest.mark.parametrize("options", [[], Q35], ids=["pc", "q35"])
def test_keyboard_types_at_the_same_shell(booted, options):
    machine = booted("", options=options)
    type_keys(machine, 'echo "Hello, World: a_b?"\r')
    printed = machine.wait_prompt().replace(b"\r\n", b"\n")
    assert printed == b'echo "Hello, World: a_b?"\nHello, World: a_b?\n'
    Screen(machine).wait(ends_with("Hello, World: a_b?"))


def test_control_c_and_caps_lock(booted):
    machine = booted("")
    type_keys(machine, "rubbish")
    press(machine, "ctrl", "c")
    machine.wait_prompt()
    press(machine, "caps_lock")
    for key in ("e", "1", "shift-e"):
        press(machine, *key.split("-"))
    machine.wait_text(b"E1e")


def test_scroll_back(booted, painted):
    machine = booted("", cdrom=painted)
    machine.command_bytes("cat /System/numbers")
    screen = Screen(machine)
    last = screen.wait(ends_with("line 299"))
    half = len(screen.cells()) // 2
    first = int(last[0].split()[1])
    press(machine, "shift", "pgup")
    screen.wait(lambda lines: lines[0] == f"line {first - half}" and lines[half:] == last[:-half])
    for _ in range(2):
        press(machine, "shift", "pgdn")
    screen.wait(lambda lines: lines == last)


def test_control_alt_delete_starts_again(booted):
    machine = booted("")
    machine.qmp("query-status")
    press(machine, "ctrl", "alt", "delete")
    assert machine.wait_exit() == 0
