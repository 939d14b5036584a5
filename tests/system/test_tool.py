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
    assert out.startswith("usage: spindle-sh IMAGE [-c") and "/System" in out


@pytest.mark.parametrize("words", [[], [ISO, "-c"], [ISO, "x"], [ISO, "-c", "true", "x"]])
def test_wrong_usage(words):
    status, out, err = run(*words)
    assert status == 2 and out == ""
    assert err.startswith("usage: spindle-sh IMAGE")


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


def test_links_are_copied_as_files_or_named(tmp_path):
    tree = tmp_path / "tree"
    (tree / "d").mkdir(parents=True)
    (tree / "d" / "f").write_text("text\n")
    for name, target in (("to-file", "d/f"), ("to-directory", "d"), ("to-nothing", "none"),
                         ("under-file", "d/f/x"), ("round", "round")):
        (tree / name).symlink_to(target)
    disc = tmp_path / "links.iso"
    make_disc(tree, disc)
    status, out, err = run(disc, "-c", "cp -r /System /copy; echo $?; find /copy -type f; "
                           "find /copy -type d; cat /copy/to-file; cp /System/to-file /one; cat /one; "
                           "cp /System/to-nothing /two")
    assert status == 1
    assert out.splitlines() == ["1", "/copy/d/f", "/copy/to-file", "/copy", "/copy/d", "text", "text"]
    assert sorted(err.splitlines()) == [
        "cp: /System/round: too many levels of symbolic links",
        "cp: /System/to-directory: symbolic link to a directory, skipped",
        "cp: /System/to-nothing: dangling symbolic link, skipped",
        "cp: /System/to-nothing: no such file or directory",
        "cp: /System/under-file: dangling symbolic link, skipped"]


def test_a_mount_is_named_by_its_device():
    status, out, err = run(ISO, "-c", "df virtual0 | tail -n 1; umount virtual0; umount virtual0")
    assert out.startswith("virtual0 ") and out.endswith("100% /System\n")
    assert status == 1 and err == "umount: virtual0: not mounted\n"
