"""Promise: the host tool and the decoder agree on every edge case of tests/images/cases_*.py,
within limits of time and memory."""
import os
import subprocess

import pytest

import decoder
import edge
from test_manifest import SHELL, run_shell, status_of

SECONDS, MEMORY_KIB = 10, 256 << 10
POOL_MIB = 100  # the tool's page pool; on the host it takes twice as much memory

CASES = {case.__name__: case for case in edge.cases()}


@pytest.fixture(scope="module")
def image_of(tmp_path_factory):
    """image_of(name): returns (disc, path of its image) of a case. The last image is kept."""
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
    """Runs commands on an image and checks the limits. Returns (status, output)."""
    out = folder / "out"
    with open(out, "wb") as stdout:
        process = subprocess.Popen(["timeout", str(SECONDS), SHELL, image, "-c", commands],
                                   stdin=subprocess.DEVNULL, stdout=stdout,
                                   stderr=subprocess.DEVNULL,
                                   env=dict(os.environ, SPINDLE_MEMORY=str(POOL_MIB)))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode != 124, f"{commands}: more than {SECONDS} s"
    assert process.returncode in (0, 1, 2, 125), process.returncode  # ls has 2
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
    for options, shown in getattr(disc, "mounts", ()):
        done = run_shell(image, f"umount /System && mount -o {options} virtual0 /System && "
                                "manifest /System")
        assert (done.stdout, done.returncode) == (shown or b"", int(shown is None)), options
        assert shown is not None or f"no such session or name tree: {options}" in \
            done.stderr.decode()
