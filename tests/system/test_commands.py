"""Promise: the commands work as typed on a machine with its boot CD, whose list of digests holds in
Spindle and on Linux, and which contains the Book."""
import hashlib
import os
import re
import subprocess

import pytest

from qemu import ISO, TOP

BOOK = os.path.join(TOP, "iso", "Book")


@pytest.fixture(scope="module")
def shell():
    """A machine for the tests that leave it unchanged."""
    import qemu
    with qemu.Machine("", cdrom=ISO) as machine:
        machine.wait_prompt()
        yield machine


def both(shell, line):
    """Returns the output of a line and its status."""
    printed = shell.command(line)
    return printed, shell.status()


def extract(folder):
    subprocess.run(["xorriso", "-osirrox", "on", "-indev", ISO, "-extract", "/", folder],
                   capture_output=True, check=True)


# ---- /MANIFEST.sha256

def test_the_disc_is_checked_in_spindle(shell):
    printed, status = both(shell, "cd /System && sha256sum -c MANIFEST.sha256")
    shell.command("cd /")
    assert status == 0
    assert len(printed) > 50 and all(line.endswith(": OK") for line in printed)
    assert "boot/spindle.elf: OK" in printed


def test_the_disc_is_checked_on_linux(tmp_path):
    folder = tmp_path / "disc"
    extract(folder)
    done = subprocess.run(["sha256sum", "-c", "--strict", "MANIFEST.sha256"], cwd=folder,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_list_names_every_file_except_itself_in_order(tmp_path):
    folder = tmp_path / "disc"
    extract(folder)
    listed = [line.split("  ", 1)[1] for line in
              (folder / "MANIFEST.sha256").read_text(encoding="utf-8").splitlines()]
    found = sorted(str(path.relative_to(folder)).encode() for path in folder.rglob("*")
                   if path.is_file())
    assert [name.encode() for name in listed] == [name for name in found
                                                  if name != b"MANIFEST.sha256"]


def test_a_wrong_digest_is_found(shell):
    shell.command("head -n 3 /System/MANIFEST.sha256 > /list")
    shell.command("echo 'not a digest' >> /list")
    shell.command("echo %s '*boot/spindle.id' >> /list" % ("0" * 64))
    printed, status = both(shell, "cd /System && sha256sum -c /list")
    shell.command("cd /; rm /list")
    assert status == 1
    assert sum(line.endswith(": OK") for line in printed) == 3
    assert "boot/spindle.id: FAILED" in printed
    assert "sha256sum: WARNING: 1 line is improperly formatted" in printed
    assert "sha256sum: WARNING: 1 computed checksum did NOT match" in printed


# ---- the Book

def test_book_lists_its_chapters(shell):
    printed = shell.command("book")
    titles = [open(os.path.join(BOOK, name), encoding="utf-8").readline()[2:].strip()
              for name in sorted((name for name in os.listdir(BOOK) if name != "index.md"),
                              key=lambda name: int(name.split("-")[0]))]
    assert len(titles) >= 10
    for number, title in enumerate(titles, 1):
        assert any(re.match(rf" +{number}  \w+ +{re.escape(title)}$", line) for line in printed)


@pytest.mark.parametrize("word, name", [("0", "index.md"), ("index", "index.md"),
                                        ("4", "4-driver.md"), ("fsd", "5-fsd.md"),
                                        ("1", "1-start.md"), ("10", "10-bus.md"), ("bus", "10-bus.md")])
def test_book_shows_a_chapter(shell, word, name):
    with open(os.path.join(BOOK, name), encoding="utf-8") as text:
        assert shell.command(f"book {word}") == text.read().splitlines()


def test_book_without_such_a_chapter(shell):
    printed, status = both(shell, "book 99")
    assert status == 1 and printed == ["book: 99: no such chapter; `book` lists them"]


def test_the_book_fits_the_console():
    for name in os.listdir(BOOK):
        with open(os.path.join(BOOK, name), encoding="utf-8") as text:
            assert all(len(line.rstrip("\n")) <= 80 for line in text), name


# ---- files

def test_a_tree_is_copied_whole(shell):
    assert both(shell, "cp -r /System/boot /copy") == ([], 0)
    shell.command("cd /System/boot")
    original = shell.command("find . -type f")
    shell.command("cd /copy")
    assert shell.command("find . -type f") == original
    shell.command("cd /")
    for path in original[:5] + ["./spindle.elf"]:
        assert both(shell, f"cmp /System/boot/{path} /copy/{path}") == ([], 0)
    assert both(shell, "rm -r /copy; ls /copy") == (["ls: cannot access '/copy': No such file or directory"], 2)


def test_reading_agrees_with_linux(shell, tmp_path):
    folder = tmp_path / "disc"
    extract(folder)
    text = (folder / "MANIFEST.sha256").read_text(encoding="utf-8")
    lines = text.splitlines()
    place = "/System/MANIFEST.sha256"
    assert shell.command(f"head -n 4 {place}") == lines[:4]
    assert shell.command(f"tail -n 4 {place}") == lines[-4:]
    assert shell.command(f"tail -n +200 {place}") == lines[199:]
    assert shell.command(f"wc -l {place}") == [f"{len(lines)} {place}"]
    assert shell.command(f"sort {place}") == sorted(lines)
    assert shell.command(f"grep i386-pc/a {place}") == [line for line in lines
                                                        if "i386-pc/a" in line]
    assert shell.command(f"grep -c '^[0-4].*mod$' {place}") == [
        str(sum(bool(re.search("^[0-4].*mod$", line)) for line in lines))]
    assert shell.command(f"sha256sum {place}") == [
        hashlib.sha256(text.encode()).hexdigest() + "  " + place]


def test_ls_shows_sizes_as_linux_sees_them(shell, tmp_path):
    folder = tmp_path / "disc"
    extract(folder)
    for line in shell.command("ls -l /System/boot"):
        mode, size, date, clock, name = line.split()
        path = folder / "boot" / name
        assert re.fullmatch(r"[d-]([r-][w-][x-]){3}", mode), line
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", f"{date} {clock}"), line
        if path.is_file():
            assert int(size) == path.stat().st_size


def test_find_and_du_stay_on_their_mount(shell):
    printed = shell.command("find /")
    assert "/System" in printed and not any(line.startswith("/System/") for line in printed)
    assert shell.command("find /System -name spindle.elf -size +100k") == [
        "/System/boot/spindle.elf"]
    assert shell.command("du -s /") == ["0\t/"]


# ---- options and words

def test_every_command_has_help(shell):
    printed = shell.command("help")
    names = [line.split()[0] for line in printed if line.startswith("  ")]
    assert len(names) >= 40
    for name in set(names) - {":", "[", "test"}:  # these have no options: POSIX
        shown, status = both(shell, f"{name} --help")
        assert status == 0 and shown[0].startswith(f"usage: {name}")
        assert shell.command(f"help {name}") == shown


def test_every_command_is_in_the_book_and_the_readme(shell):
    with open(os.path.join(BOOK, "8-shell.md"), encoding="utf-8") as text:
        book = re.split(r"[\s,]+", text.read().replace("[-", "- "))
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as text:
        readme = re.findall("`([a-z0-9.:[]+)`", text.read())
    names = [line.split()[0] for line in shell.command("help") if line.startswith("  ")]
    assert [name for name in names if name not in book] == []
    assert [name for name in names if name not in readme] == []


@pytest.mark.parametrize("line", ["ls -z", "cp -r", "head -n x /System/MANIFEST.sha256",
                                  "find / -type q", "rm", "df --what", "prof -n 1"])
def test_wrong_usage_is_one_line_and_status_2(shell, line):
    printed, status = both(shell, line)
    assert status == 2 and len(printed) == 1


def test_free_and_df(shell):
    header, numbers = shell.command("free")
    assert header.split()[:3] == ["total", "used", "free"]
    assert 32000 < int(numbers.split()[1]) < 65536
    assert any(line.startswith("cdrom0") and line.endswith("100% /System")
               for line in shell.command("df"))


def test_prof_names_the_function_that_computes_digests(shell):
    printed = shell.command("prof -i 200 -n 3 sha256sum /System/boot/spindle.elf /System/efi.img")
    header = [line for line in printed if re.fullmatch(r"\d+ samples, of which idle +\d+\.\d %",
                                                       line)]
    assert len(header) == 1 and int(header[0].split()[0]) > 20
    at = printed.index(header[0])
    assert printed[at + 1].split() == ["self", "total", "function"]
    assert len(printed) == at + 5 and printed[at + 2].endswith("  sha256_add_block")
    assert shell.command("prof -c sha256_add_block -n 1 sha256sum /System/efi.img")[-1].endswith(
        "  digest_update")


def test_time_and_date(shell):
    printed = shell.command("time echo done")
    assert printed[0] == "done" and re.fullmatch(r"real \d+\.\d{3}s", printed[1])
    assert re.fullmatch(r"\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC 20\d\d",
                        shell.command("date")[0])
