"""Shared by the system tests: checks of the build, discs, and fixtures that start machines."""
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import qemu  # noqa: E402

sys.path.insert(0, os.path.join(qemu.TOP, "tests", "images"))

# Discs in Debian packages: (package, end of the path).
DEBIAN_DISCS = {"grub-rescue": ("grub-rescue-pc", "/grub-rescue-cdrom.iso"),
                "ipxe": ("ipxe", "/ipxe.iso"),
                "memtest-ia32": ("memtest86+", "ia32.iso"),
                "memtest-x64": ("memtest86+", "x64.iso")}


def debian_disc(name):
    """Returns the path of a disc of DEBIAN_DISCS. Fails the test if its package is not
    installed."""
    package, ending = DEBIAN_DISCS[name]
    listed = subprocess.run(["dpkg", "-L", package], capture_output=True, text=True, check=False)
    for path in listed.stdout.splitlines():
        if path.endswith(ending) and os.path.isfile(path):
            return path
    return pytest.fail(f"no {ending} in package {package}: run .ci/packages test")


def make_disc(tree, path, label="DISC"):
    """Writes a tree to an image with Rock Ridge."""
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", label, "-o", path, tree],
                   check=True, stderr=subprocess.DEVNULL)


def cut_in_the_middle(path, folder):
    """Copies the first half of an image, rounded down to whole sectors. Returns the copy's path."""
    keep = os.path.getsize(path) // 4096 * 2048
    short = os.path.join(folder, "cut-" + os.path.basename(path))
    with open(path, "rb") as source, open(short, "wb") as target:
        target.write(source.read(keep))
    return short


@pytest.fixture(scope="session", autouse=True)
def built():
    for path in (qemu.ELF, qemu.ISO, os.path.join(qemu.BUILD, "spindle.id")):
        if not os.path.exists(path):
            pytest.exit(f"{path} is missing: run make", returncode=1)


@pytest.fixture
def machine():
    """machine(append=..., cdrom=...): starts a machine, which is ended after the test."""
    started = []

    def start(*args, **options):
        started.append(qemu.Machine(*args, **options).__enter__())
        return started[-1]

    yield start
    for each in started:
        each.__exit__()


@pytest.fixture
def booted(machine):
    """As machine(), and waits for the first prompt. Nothing is mounted unless cdrom is given."""
    def start(*args, **options):
        result = machine(*args, **options)
        result.wait_prompt()
        return result
    return start


@pytest.fixture(scope="session")
def build_id():
    with open(os.path.join(qemu.BUILD, "spindle.id"), encoding="ascii") as text:
        return text.read().strip()
