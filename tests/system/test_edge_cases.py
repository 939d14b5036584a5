"""Every edge case of tests/images/cases_*.py: by the host's tool, by the decoder, some in QEMU."""
import os
import subprocess

import pytest

import decoder
import edge
from test_manifest import SHELL, run_shell, status_of

SECONDS, MEMORY_KIB = 10, 256 << 10
POOL_MIB = 100  # of the tool's; its pages take twice as much of the host

CASES = {case.__name__: case for case in edge.cases()}


@pytest.fixture(scope="module")
def image_of(tmp_path_factory):
    """(the disc, the path of its image); made once for all tests of a case."""
    folder, made = tmp_path_factory.mktemp("edge"), {}

    def get(name):
        if name not in made:
            made.clear()
            disc = CASES[name]()
            for old in os.listdir(folder):
                os.remove(folder / old)
            made[name] = disc, edge.write_image(disc, folder / (name + ".iso"))
        return made[name]
    return get


def run_bounded(image, commands, folder):
    """(status, output), after checks of time and memory."""
    out = folder / "out"
    with open(out, "wb") as stdout:
        process = subprocess.Popen(["timeout", str(SECONDS), SHELL, image, "-c", commands],
                                   stdin=subprocess.DEVNULL, stdout=stdout,
                                   stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, SPINDLE_MEMORY=str(POOL_MIB)))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode != 124, f"{commands}: more than {SECONDS} s"
    assert process.returncode in (0, 1, 125), process.returncode
    assert usage.ru_maxrss < MEMORY_KIB, f"{commands}: {usage.ru_maxrss} KiB"
    return process.returncode, out.read_bytes()


@pytest.mark.parametrize("name", CASES)
def test_edge_case(image_of, tmp_path, name):
    disc, image = image_of(name)
    status, printed = run_bounded(image, "manifest /System", tmp_path)
    if disc.expect == "refuse":
        assert (status, printed) == (125, b"")
        return
    if disc.expect == "bounded":
        assert set(disc.manifest().splitlines()) <= set(printed.splitlines())
    else:
        assert printed == disc.manifest()
        assert status == status_of(printed)
        assert decoder.manifest(image) == printed
    for commands in ("ls -l -R /System", "volinfo /System"):
        run_bounded(image, commands, tmp_path)
    for line, shown, code in getattr(disc, "checks", ()):
        done = run_shell(image, line)
        assert (done.stdout, done.returncode) == (shown, code), (line, done.stderr)


# ---------------------------------------------------------------- the machine

MACHINE_BYTES = 400 << 10  # of each image that is carried to the machine


def carried():
    """The cases that the machine sees: those of small images that are shown."""
    for name, case in CASES.items():
        disc = case()
        if disc.expect != "refuse" and not getattr(disc, "far", None) and \
                len(disc.data) <= MACHINE_BYTES:
            yield name, disc


def test_edge_cases_in_the_machine(booted, tmp_path):
    """One CD carries the images; each is mounted as a file, and its manifest compared."""
    discs, tree = dict(carried()), tmp_path / "tree"
    tree.mkdir()
    for name, disc in discs.items():
        edge.write_image(disc, tree / (name + ".iso"))
    image = tmp_path / "carrier.iso"
    subprocess.run(["xorrisofs", "-quiet", "-R", "-o", image, tree], check=True)
    machine = booted("", cdrom=image)
    machine.command("mkdir /edge")
    for name, disc in discs.items():
        said = machine.command(f"mount /System/{name}.iso /edge")
        if said and disc.expect == "bounded":
            continue
        assert said == [], name
        shown = machine.manifest("/edge")
        if disc.expect == "bounded":
            assert set(disc.manifest().splitlines()) <= set(shown.splitlines()), name
        else:
            assert shown == disc.manifest(), name
        assert machine.command("umount /edge") == [], name
