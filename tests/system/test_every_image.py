"""Promise: in the machine, `manifest` prints the expected lines for every image with known
contents.

The machine has no boot disc, so its kernel contains the commands of the driver objects. A few boots
suffice. A CD contains the images of a group; each is mounted as a file, read, and unmounted. Images
with holes are too large for a CD and are inserted into the machine's drive.
"""
import hashlib
import subprocess

import pytest

import builder
import cases_extents
import decoder
import edge
from conftest import DEBIAN_DISCS, cut_in_the_middle, debian_disc
from qemu import BUILTIN, EMPTY, bad_drive
from test_corpora import check_view, views
from raw_sectors import whole_sectors
from test_kinds import high_sierra
from test_manifest import corpora, fill_tree, run_shell, status_of, unpack

SECONDS = 60  # limit of a command, for every image
PLACE = "/image"
DRIVE = "/Drives/cdrom0"


@pytest.fixture
def carrying(booted, tmp_path):
    """carrying(folder): starts a machine with a CD that contains the folder's files."""
    def start(folder):
        image = tmp_path / "carrier.iso"
        subprocess.run(["xorrisofs", "-quiet", "-R", "-o", image, folder], check=True)
        machine = booted("", cdrom=image, kernel=BUILTIN)
        machine.command(f"mkdir {PLACE}")
        return machine
    return start


def mounted(machine, name, options=""):
    """Mounts an image that the CD contains. Returns the output, which is empty on success."""
    return machine.command(f"mount {options} /System/{name} {PLACE}", SECONDS)


def unmount(machine, name):
    assert machine.command(f"umount {PLACE}", SECONDS) == [], name


def check_expected(machine, name, expected, place=PLACE):
    """Checks the manifest and the status of `manifest`."""
    assert machine.manifest(place, SECONDS) == expected, name
    assert machine.status() == status_of(expected), name


def check_case(machine, name, disc, folder, place=PLACE):
    """Checks what a disc of the builder declares. The output for a hostile disc can be megabytes,
    so its digest is compared with that of the host tool's output; test_edge_cases.py checks
    that."""
    if disc.expect == "bounded":
        image = edge.write_image(disc, folder / "bounded.iso")
        wanted = hashlib.sha256(run_shell(image).stdout).hexdigest()
        assert machine.command(f"manifest {place} | sha256sum", SECONDS)[-1] == wanted + "  -", name
    else:
        check_expected(machine, name, disc.manifest(), place)
    described = machine.command(f"volinfo {place} | wc", SECONDS)
    assert len(described) == 1 and int(described[0].split()[0]) > 0, name
    for line, shown, code in getattr(disc, "checks", ()):
        printed = machine.command_bytes(line.replace("/System", place), SECONDS)
        if code == 0:  # the prompt always starts a new line
            assert printed.rstrip() == shown.rstrip().replace(b"\n", b"\r\n"), (name, line)
        assert machine.status() == code, (name, line)


def check_mounts(machine, name, disc):
    """Checks the other mount options that the disc declares."""
    for options, manifest in getattr(disc, "mounts", ()):
        printed = mounted(machine, name, "-o " + options)
        if manifest is None:
            assert len(printed) == 1 and printed[0].endswith(options), (name, printed)
            continue
        assert printed == [], (name, options)
        check_expected(machine, name, manifest)
        unmount(machine, name)


def is_far(disc):
    return bool(getattr(disc, "far", None))


def test_built_images(carrying, tmp_path):
    """The images of builder.py and cases_*.py, except those with holes."""
    folder, discs = tmp_path / "tree", {}
    folder.mkdir()
    for case in [*builder.CASES, *edge.cases()]:
        disc = case()
        if not is_far(disc):
            assert case.__name__ not in discs
            discs[case.__name__] = disc
            edge.write_image(disc, folder / case.__name__)
    machine = carrying(folder)
    for name, disc in discs.items():
        printed = mounted(machine, name)
        if disc.expect == "refuse" or (printed and disc.expect == "bounded"):
            assert len(printed) == 1 and machine.status() == 1, (name, printed)
            continue
        assert printed == [], name
        check_case(machine, name, disc, tmp_path)
        unmount(machine, name)
        check_mounts(machine, name, disc)


def test_images_with_holes(booted, tmp_path):
    """Inserted into the drive, one after the other. QEMU counts sectors in 31 bits and exits on a
    larger number; such discs are tested with the host tool only."""
    machine = booted("", cdrom=EMPTY, kernel=BUILTIN)
    for case in edge.cases():
        disc = case()
        if not is_far(disc) or disc.bytes > builder.SECTOR << 31:
            continue
        machine.insert(edge.write_image(disc, tmp_path / "disc.iso"))
        machine.wait_command("mount", lambda lines: any(DRIVE in line for line in lines))
        check_case(machine, case.__name__, disc, tmp_path, DRIVE)
        machine.eject()
        machine.wait_command("mount", lambda lines: not any(DRIVE in line for line in lines))


def test_bad_sector(booted, tmp_path):
    """The bytes before it are read, and so are other files."""
    disc = cases_extents.bad_sector_in_a_file()
    image = edge.write_image(disc, tmp_path / "disc.iso")
    machine = booted("", options=bad_drive(image, disc.bad))
    check_expected(machine, "bad sector", disc.manifest(), "/System")
    printed = machine.command("cat /System/BROKEN | sha256sum", SECONDS)
    assert printed[-1] == hashlib.sha256(disc.readable).hexdigest() + "  -", printed
    assert "Input/output error" in printed[0]


@pytest.mark.skipif(not corpora("mount"), reason="the folder of real discs is missing")
def test_real_discs(carrying, tmp_path):
    """The real discs, with default options and by each name tree; other images are refused."""
    good, bad = corpora("mount"), corpora("refuse")
    folder = tmp_path / "tree"
    folder.mkdir()
    expected = {name: decoder.manifest(unpack(name, folder)) for name in good}
    for name in {*bad, *(image for image, _, _ in views())} - set(good):
        unpack(name, folder)
    machine = carrying(folder)
    for name, text in expected.items():
        assert mounted(machine, name) == [], name
        check_expected(machine, name, text)
        unmount(machine, name)
    for name in bad:
        assert len(mounted(machine, name, "-t cdfs")) == 1 and machine.status() == 1, name
    for name, view, tree in views():
        assert mounted(machine, name, f"-o names={view}") == [], (name, view)
        check_view(view, tree, machine.manifest(PLACE, SECONDS))
        unmount(machine, name)


def write_discs(folder):
    """Writes images as various programs do. Returns {name: manifest}."""
    made, tree = {}, folder.parent / "source"
    tree.mkdir()
    fill_tree(tree)
    for writer in ("genisoimage", "xorrisofs"):
        for options in ("-R", "-r -J", "-l"):
            name = writer + options.replace(" ", "")
            subprocess.run([writer, "-quiet", *options.split(), "-o", folder / name, tree],
                           check=True, stderr=subprocess.DEVNULL)
            made[name] = decoder.manifest(folder / name)
    for name in DEBIAN_DISCS:
        disc = debian_disc(name)
        (folder / name).symlink_to(disc)
        made[name] = decoder.manifest(disc)
        made["cut-" + name] = decoder.manifest(cut_in_the_middle(folder / name, folder))
    with open(debian_disc("grub-rescue"), "rb") as image:
        data = image.read()
    for mode, bare in ((1, False), (2, False), (2, True)):
        name = f"sectors-of-mode-{mode}{'-bare' if bare else ''}"
        (folder / name).write_bytes(b"".join(whole_sectors(data, mode, bare)))
        made[name] = made["grub-rescue"]
    image, made["high-sierra"] = high_sierra()
    (folder / "high-sierra").write_bytes(image)
    return made


def test_discs_of_writers(booted, tmp_path):
    folder, image = tmp_path / "tree", tmp_path / "carrier.iso"
    folder.mkdir()
    made = write_discs(folder)
    subprocess.run(["xorrisofs", "-quiet", "-R", "-f", "-o", image, folder], check=True)
    machine = booted("", cdrom=image)
    machine.command(f"mkdir {PLACE}")
    for name, expected in made.items():
        assert mounted(machine, name) == [], name
        check_expected(machine, name, expected)
        unmount(machine, name)
