"""Promise: `manifest` prints the same as an independent decoder, in the machine and by the host
tool."""
import hashlib
import json
import lzma
import os
import subprocess

import pytest

import builder
import decoder
import qemu
from conftest import DEBIAN_DISCS, cut_in_the_middle, debian_disc
from qemu import ISO

SHELL = os.path.join(qemu.BUILD, "host", "spindle-sh")
CORPORA = os.environ.get("SPINDLE_CORPORA", os.path.join(qemu.TOP, "..", "shared", "corpora"))
VIEWS = ("rr", "joliet", "iso")  # default views to compare
LATER = ()  # cases that the file system does not support yet


def run_shell(image, commands="manifest /System"):
    return subprocess.run([SHELL, os.fspath(image), "-c", commands], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120, check=False)


def check_host(image, expected):
    done = run_shell(image)
    assert done.stdout == expected, done.stderr.decode()
    assert done.returncode == status_of(expected), done.stderr.decode()


def check_machine(machine, expected):
    assert machine.manifest("/System") == expected
    assert machine.status() == status_of(expected)


def status_of(expected):
    """Returns the expected status: 0 only if no digest is the name of an error."""
    digests = [line.split(b"\t")[2] for line in expected.splitlines()]
    return 1 if any(digest.startswith(b"E") for digest in digests) else 0


# ---------------------------------------------------------------- the machine

@pytest.mark.parametrize("append", [None, ""], ids=["iso", "pvh"])
def test_boot_disc(booted, append):
    check_machine(booted(append, cdrom=ISO), decoder.manifest(ISO))


@pytest.mark.parametrize("name", DEBIAN_DISCS)
def test_debian_disc(booted, name):
    disc = debian_disc(name)
    check_machine(booted("", cdrom=disc), decoder.manifest(disc))


@pytest.mark.parametrize("name", ["boot disc", "grub-rescue"])
def test_disc_cut_in_the_middle(booted, tmp_path, name):
    disc = cut_in_the_middle(ISO if name == "boot disc" else debian_disc(name), tmp_path)
    expected = decoder.manifest(disc)
    assert b"\tEIO\t" in expected
    check_machine(booted("", cdrom=disc), expected)


def test_blank_disc_is_reported_and_the_shell_works(machine, tmp_path):
    blank = tmp_path / "blank.iso"
    blank.write_bytes(bytes(2 << 20))
    started = machine("", cdrom=blank)
    printed = started.wait_prompt().decode().splitlines()
    assert len([line for line in printed if "/System" in line]) == 1, printed
    assert started.command("echo alive") == ["alive"]
    started.command("cat /System/boot/spindle.id")
    assert started.status() == 1


# ---------------------------------------------------------------- the host's tool

def test_host_boot_disc():
    check_host(ISO, decoder.manifest(ISO))


@pytest.mark.parametrize("name", DEBIAN_DISCS)
def test_host_debian_disc(name):
    disc = debian_disc(name)
    check_host(disc, decoder.manifest(disc))


@pytest.mark.parametrize("name", ["boot disc", "grub-rescue"])
def test_host_disc_cut_in_the_middle(tmp_path, name):
    disc = cut_in_the_middle(ISO if name == "boot disc" else debian_disc(name), tmp_path)
    check_host(disc, decoder.manifest(disc))


def fill_tree(top):
    """Writes a tree twelve levels deep, with links, long names and a directory of 300 entries."""
    deep = top.joinpath(*(f"level{i}" for i in range(12)))
    deep.mkdir(parents=True)
    (deep / "bottom").write_text("bottom\n")
    (top / "link").symlink_to("level0/../level0/./level1")
    (top / "absolute").symlink_to("/System/link")
    (top / ("n" * 200)).write_bytes(bytes(5000))
    (top / "blanks and \u00fcml\u00e4uts").write_text("x")
    (top / "many").mkdir()
    for i in range(300):
        (top / "many" / f"file number {i}").write_text(str(i))


@pytest.mark.parametrize("writer", ["genisoimage", "xorrisofs"])
@pytest.mark.parametrize("options", ["-R", "-r -J", "-l"])
def test_host_disc_of_a_writer(tmp_path, writer, options):
    fill_tree(tmp_path / "tree")
    image = tmp_path / "disc.iso"
    done = subprocess.run([writer, "-quiet", *options.split(), "-o", image, tmp_path / "tree"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    expected = decoder.manifest(image)
    assert len(expected.splitlines()) > 300
    check_host(image, expected)


def check_refused(image):
    done = run_shell(image, "echo ran")
    assert (done.returncode, done.stdout) == (125, b"")
    assert done.stderr


def test_host_refuses_a_blank_disc(tmp_path):
    blank = tmp_path / "blank.iso"
    blank.write_bytes(bytes(2 << 20))
    check_refused(blank)


def test_host_shell_reads_stdin():
    done = subprocess.run([SHELL, ISO], input=b"echo one\ncat /nothing\n", capture_output=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stdout) == (1, b"one\n")
    assert done.stderr


def test_host_poweroff_code():
    assert run_shell(ISO, "poweroff 9; echo no").returncode == 9


@pytest.mark.parametrize("case", [c for c in builder.CASES if c.__name__ not in LATER],
                         ids=lambda case: case.__name__)
def test_host_built_image(tmp_path, case):
    disc = case()
    image = builder.write_case(case, tmp_path)
    if disc.expect == "refuse":
        check_refused(image)
    else:
        check_host(image, disc.manifest())


@pytest.mark.parametrize("case", [c for c in builder.CASES if c().expect != "refuse"],
                         ids=lambda case: case.__name__)
def test_decoder_agrees_with_the_builder(tmp_path, case):
    """Decoder and builder were written independently and check each other."""
    assert decoder.manifest(builder.write_case(case, tmp_path)) == case().manifest()


# ---------------------------------------------------------------- discs from elsewhere

def corpora(*expect):
    """Returns the names of the real discs whose `expect` is one of these; [] without the folder."""
    if not os.path.isdir(CORPORA):
        return []
    names = []
    for name in sorted(os.listdir(CORPORA)):
        if name.endswith(".json"):
            with open(os.path.join(CORPORA, name), encoding="utf-8") as text:
                truth = json.load(text)
            if truth["expect"] in expect and truth["default_view"] in (*VIEWS, None):
                names.append(truth["image"])
    return names


def unpack(name, folder):
    image = folder / name
    with lzma.open(os.path.join(CORPORA, name + ".xz")) as packed:
        image.write_bytes(packed.read())
    return image


@pytest.mark.parametrize("name", corpora("mount"))
def test_host_real_disc(tmp_path, name):
    image = unpack(name, tmp_path)
    check_host(image, decoder.manifest(image))


# Volumes of FAT among the images that a CD file system refuses.
FAT_VOLUMES = [name for name in corpora("refuse") if "vfat_" in name]


@pytest.mark.parametrize("name", [name for name in corpora("refuse") if name not in FAT_VOLUMES])
def test_host_refuses_other_images(tmp_path, name):
    check_refused(unpack(name, tmp_path))


@pytest.mark.parametrize("name", FAT_VOLUMES)
def test_host_fat_volumes(tmp_path, name):
    """mtools lists the same names and contents."""
    image = unpack(name, tmp_path)

    def mtools(*words):
        return subprocess.run([words[0], "-i", image, *words[1:]], capture_output=True, timeout=60,
                              env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}, check=True).stdout
    shown = {line.split(b"\t")[4].decode(): line.split(b"\t")[2].decode()
             for line in run_shell(image).stdout.splitlines()}
    listed = mtools("mdir", "-/", "-b", "::").decode().split()
    assert sorted(shown) == sorted(path[3:].rstrip("/") for path in listed)
    for path, digest in shown.items():
        if digest != "-":
            assert hashlib.sha256(mtools("mtype", f"::/{path}")).hexdigest() == digest
