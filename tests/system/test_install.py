"""Promise: `make install` and `make deb` put programs, man pages and completion where a system
expects them, and what they install works."""
import glob
import os
import re
import subprocess

import pytest

from qemu import BUILD, ISO

TOP = os.path.dirname(BUILD)


def run(*words, **options):
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=300,
                          check=True, **options).stdout


def page_text(page):
    """The page as plain text: a terminal's bold is a character printed twice."""
    return re.sub(".\b", "", run("mandoc", "-T", "utf8", page))


def make(*words):
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    return run("make", "-C", TOP, *words, env=environment)


@pytest.fixture(name="root", scope="module")
def fixture_root(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    make("do-install", f"DESTDIR={root}", "PREFIX=/usr")
    return root


def test_what_is_installed(root):
    files = sorted(os.path.relpath(os.path.join(where, name), root)
                   for where, _, names in os.walk(root) for name in names)
    share = "usr/share"
    completions = f"{share}/bash-completion/completions"
    assert files == sorted([
        "sbin/mount.spindle", "usr/bin/spindle-mount", "usr/bin/spindle-sh",
        f"{completions}/mount.spindle", f"{completions}/spindle-mount", f"{completions}/spindle-sh",
        f"{share}/man/man1/spindle-mount.1", f"{share}/man/man1/spindle-sh.1",
        f"{share}/man/man7/spindle.7"])
    assert os.readlink(root / "sbin" / "mount.spindle") == "/usr/bin/spindle-mount"
    assert "spindle.id" in run(root / "usr/bin/spindle-sh", ISO, "-c", "ls /System/boot")


def test_man_pages(root):
    for page in glob.glob(f"{root}/usr/share/man/*/*"):
        assert run("mandoc", "-T", "lint", "-W", "warning", page) == ""
        for program in ("spindle-mount", "spindle-sh"):
            assert program in page_text(page)


def test_man_pages_name_every_option(root):
    for program in ("spindle-mount", "spindle-sh"):
        page = page_text(root / "usr/share/man/man1" / f"{program}.1")
        words = run(root / "usr/bin" / program, "--help").replace(",", " ").split()
        for word in words:
            word = word.strip("[].:")
            if word.startswith("-") or "=" in word and not word.startswith("SPINDLE"):
                assert word.split("=")[0] in page, (program, word)


@pytest.mark.parametrize("line, expected", [
    ("spindle-mount --v", ["--version"]),
    ("spindle-mount -o names=e", ["names=enhanced"]),
    ("spindle-mount -o ro,case=f", ["ro,case=fold"]),
    ("spindle-sh --w", ["--write-host"]),
])
def test_completion(root, line, expected):
    program = line.split()[0]
    script = f"""
        . /usr/share/bash-completion/bash_completion
        . {root}/usr/share/bash-completion/completions/{program}
        compopt() {{ :; }}
        COMP_LINE='{line}' COMP_POINT={len(line)} COMP_TYPE=9 COMP_WORDS=({line})
        COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
        $(complete -p {program} | sed 's/.*-F \\([^ ]*\\).*/\\1/') {program}
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert [word.strip() for word in run("bash", "-c", script).splitlines()] == expected


def test_debian_package(tmp_path):
    make("do-deb")
    packages = glob.glob(f"{BUILD}/deb/*.deb")
    assert len(packages) == 1
    root = [] if os.geteuid() else ["--allow-root"]
    run("lintian", *root, "--fail-on", "error", packages[0])
    run("dpkg-deb", "--extract", packages[0], tmp_path)
    assert "usage: spindle-mount" in run(tmp_path / "usr/bin/spindle-mount", "--help")
    assert "fuse3" in run("dpkg-deb", "--field", packages[0], "Depends")
