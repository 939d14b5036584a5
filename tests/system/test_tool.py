"""Promise: build/host/spindle-sh, the same shell on the host, follows the conventions of
commands."""
import os
import subprocess

import pytest

from conftest import make_disc
from qemu import BUILD, ISO

TOOL = os.path.join(BUILD, "host", "spindle-sh")


def run(*words, stdin=b""):
    done = subprocess.run([TOOL, *words], input=stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize("words", [["--help"], ["-h"], [ISO, "--help"]])
def test_help(words):
    status, out, err = run(*words)
    assert status == 0 and err == ""
    assert out.startswith("usage: spindle-sh [-i IMAGE]") and "/System" in out


@pytest.mark.parametrize("words", [[], [ISO, "-c"], [ISO, "x"], [ISO, "-c", "true", "x"],
                                   ["--write-host", ISO], ["-i", ISO]])
def test_wrong_usage(words):
    status, out, err = run(*words)
    assert status == 2 and out == ""
    assert err.startswith("usage: spindle-sh [-i IMAGE]")


def test_help_of_a_command():
    status, out, _ = run(ISO, "-c", "--help")
    assert status == 127 and out == ""
    assert run(ISO, "-c", "pwd --help")[1].startswith("usage: pwd")


def test_invalid_images(tmp_path):
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    assert run(tmp_path, "-c", "echo no") == (
        125, "", f"spindle-sh: {tmp_path}: is a directory, not an image\n")
    assert run(empty) == (125, "", f"spindle-sh: {empty}: smaller than one sector\n")
    status, out, err = run(tmp_path / "none")
    assert status == 125 and out == "" and err.endswith("/none: No such file or directory\n")


def test_links_are_copied_or_followed(tmp_path):
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "f").write_text("text\n")
    for name, target in (("to-file", "d/f"), ("to-directory", "d"), ("to-nothing", "none"),
                         ("under-file", "d/f/x"), ("round", "round")):
        (tree / name).symlink_to(target)
    disc = tmp_path / "links.iso"
    make_disc(tree, disc)
    status, out, err = run(disc, "-c", "cp -r /System /copy; echo $?; find /copy -type l; cat /copy/to-file; "
                           "cp -rL /System /two; echo $?; find /two -type f; cat /two/to-file; "
                           "cp /System/to-nothing /three")
    assert status == 1
    assert out.splitlines() == ["0", "/copy/round", "/copy/to-directory", "/copy/to-file", "/copy/to-nothing",
                                "/copy/under-file", "text", "1", "/two/d/f", "/two/to-directory/f", "/two/to-file", "text"]
    assert sorted(err.splitlines()) == [
        "cp: /System/round: Too many levels of symbolic links",
        "cp: /System/to-nothing: dangling symbolic link, skipped",
        "cp: /System/under-file: dangling symbolic link, skipped",
        "cp: cannot stat '/System/to-nothing': No such file or directory"]


def test_a_mount_is_named_by_its_device():
    status, out, err = run(ISO, "-c", "df virtual0 | tail -n 1; umount virtual0; umount virtual0")
    assert out.startswith("virtual0 ") and out.endswith("100% /System\n")
    assert status == 1 and err == "umount: virtual0: not mounted\n"


def test_several_images(tmp_path):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "f").write_text("other\n")
    make_disc(tmp_path / "tree", tmp_path / "other.iso")
    assert run(ISO, "-i", tmp_path / "other.iso", "-i", ISO, "-c",
               "cat /Drives/virtual1/f; ls -d /Drives/virtual2/boot") == (
                   0, "other\n/Drives/virtual2/boot\n", "")
    status, out, err = run(ISO, "-i", tmp_path / "none.iso", "-c", "echo no")
    assert (status, out) == (125, "") and err.endswith("none.iso: No such file or directory\n")


@pytest.fixture(name="directory")
def fixture_directory(tmp_path):
    directory = tmp_path / "directory"
    (directory / "d" / "e").mkdir(parents=True)
    (directory / "d" / "f").write_text("text\n")
    (directory / "link").symlink_to("d/f")
    (directory / "out").symlink_to("/etc/passwd")
    return directory


def test_a_directory_of_the_host(directory):
    status, out, err = run("--host", directory, ISO, "-c",
                           "find /Host; cat /Host/link; cat /Host/out; echo x > /Host/new")
    assert status == 2
    assert sorted(out.splitlines()) == sorted([
        "/Host", "/Host/d", "/Host/d/e", "/Host/d/f", "/Host/link", "/Host/out", "text"])
    assert err == ("cat: /Host/out: No such file or directory\n"
                   "spindle: /Host/new: Read-only file system\n")
    assert run("--host", directory / "none", ISO)[0] == 125
    assert run("--host", directory / "d" / "f", ISO)[2].endswith("d/f: Not a directory\n")


def test_a_host_file_is_opened_while_it_is_closed(directory):
    """Two threads of a pipe: one frees the last use of a file when the other looks it up."""
    (directory / "d" / "script").write_text("cat >/dev/null\n")
    assert run("--host", directory, ISO, "-c",
               "i=0; while [ $i -lt 5000 ]; do cat /Host/d/f | source /Host/d/script; "
               "i=$((i+1)); done; echo $i") == (0, "5000\n", "")


def test_a_host_directory_is_moved_while_it_is_in_use(directory):
    status, out, err = run("--host", directory, "--write-host", ISO, "-c",
                           "mkdir /Host/to; cd /Host/d; exec 3<f; mv ../d ../to/d2; pwd; ls; cat f; "
                           "echo new > g; mv /Host/to /Host/t; cat <&3; cat g; cd ..; pwd; ls")
    assert (status, err) == (0, "")
    assert out.split() == ["/Host/to/d2", "e", "f", "text", "text", "new", "/Host/t", "d2"]
    assert (directory / "t" / "d2" / "g").read_text() == "new\n"


def test_copying_out_of_an_image(directory):
    status, _, err = run("--host", directory, "--write-host", ISO, "-c",
                         "cp -r -p /System/Book /Host; mv /Host/d /Host/moved; rm /Host/link; "
                         "mkdir /Host/made; echo a > /Host/made/f; echo b >> /Host/made/f; "
                         "cp /System/Book/index.md /Host/moved/f; rm -r /Host/moved/e")
    assert (status, err) == (0, "")
    assert (directory / "made" / "f").read_text() == "a\nb\n"
    assert sorted(path.name for path in directory.iterdir()) == ["Book", "made", "moved", "out"]
    assert [path.name for path in (directory / "moved").iterdir()] == ["f"]
    index = (directory / "Book" / "index.md")
    assert index.read_bytes() == (directory / "moved" / "f").read_bytes()
    digest = subprocess.run(["sha256sum", index], capture_output=True, text=True, timeout=60,
                            check=True).stdout.split()[0]
    assert digest in run(ISO, "-c", "manifest /System/Book/index.md")[1]
