"""Prepares Debian's kernel and busybox for the benchmark, from the packages that `.ci/packages
bench` unpacked to build/bench/linux/root.

prepared() returns the kernel and an initial RAM disk, which contains busybox, the modules for a CD,
and linux_bench.c; for the rows of disks and of the shell, also the modules for disks, and dash. It is smaller than Debian's own and starts faster. Its init mounts the CD, then
reads commands from the serial line, with the prompt `linux:/$ `.
"""
import functools
import glob
import gzip
import os
import re
import shutil
import subprocess

from qemu import BUILD, TOP

FOLDER = os.path.join(BUILD, "bench", "linux")
MODULES = ["ata_piix", "sr_mod", "isofs", "loop"]
WRITE_MODULES = ["vfat", "nls_cp437", "nls_ascii", "exfat"]
DISK_MODULES = ["ata_piix", *WRITE_MODULES, "ahci", "sd_mod", "virtio_pci", "virtio_blk", "nvme", *MODULES[1:]]
CC_FLAGS = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-static"]
APPEND = "console=ttyS0 quiet panic=-1"
PROMPT = re.compile(rb"(?:\A|\n)linux:([^\r\n]*)\$ \Z")

INIT = """#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb mount -t devtmpfs dev /dev
for module in %s; do $bb insmod /modules/$module.ko; done
# The drive is found by a thread of the kernel's.
until $bb test -b /dev/sr0; do $bb usleep 10000; done
$bb mount -r -t iso9660 /dev/sr0 /disc
$bb --install -s /bin
export PATH=/bin
cd /
while printf 'linux:/$ ' && read -r line; do eval "$line"; status=$?; done
poweroff -f
"""


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


# ---------------------------------------------------------------- the kernel's package

def unpacked(pattern):
    found = sorted(glob.glob(os.path.join(FOLDER, "root", pattern)))
    return found[-1] if found else None


def depends_of(path):
    with open(path, "rb") as module:
        match = re.search(rb"\0depends=([\w,-]*)\0", module.read())
    return [name for name in match.group(1).decode().split(",") if name]


def modules_in_order(wanted):
    """Returns {name: path} of the wanted modules, each after its dependencies."""
    order = {}

    def add(name):
        if name in order:
            return
        pattern = f"lib/modules/*/kernel/**/{re.sub('[-_]', '[-_]', name)}.ko"
        path = glob.glob(os.path.join(FOLDER, "root", pattern), recursive=True)
        if not path:
            raise SystemExit(f"linux: {name}: no such module in the kernel package")
        for other in depends_of(path[0]):
            add(other)
        order[name] = path[0]

    for name in wanted:
        add(name)
    return order


# ---------------------------------------------------------------- the initial RAM disk

def cpio_entry(number, name, mode, data=b"", device=(0, 0)):
    """Returns a member in "newc" format: thirteen hexadecimal numbers, the name, the content."""
    numbers = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % value for value in numbers) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def archive(members):
    return b"".join(cpio_entry(number, *member) for number, member in enumerate(members, 1)) + \
        cpio_entry(0, "TRAILER!!!", 0)


def read_whole(path):
    with open(path, "rb") as source:
        return source.read()


def dash_members():
    """Returns the directories and files of Debian's dash, with the libraries that it is linked to."""
    paths = ["/usr/bin/dash"]
    paths += re.findall(r"(/\S+) \(0x", run("ldd", paths[0]))
    folders = {os.path.dirname(path[1:]) for path in paths}
    folders |= {os.path.dirname(folder) for folder in folders} - {""}
    members = [(folder, 0o040755) for folder in sorted(folders, key=len)]
    return members + [(path[1:], 0o100755, read_whole(path)) for path in paths]


def initrd(wanted, more=()):
    modules = modules_in_order(wanted)
    members = [(name, 0o040755) for name in
               ("bin", "dev", "disc", "inner", "modules", "proc", "sys")]
    members += [("dev/console", 0o020600, b"", (5, 1)),
                ("init", 0o100755, (INIT % " ".join(modules)).encode()),
                ("bin/busybox", 0o100755, read_whole(shutil.which("busybox"))),
                ("bin/bench", 0o100755, read_whole(os.path.join(FOLDER, "bench")))]
    members += [(f"modules/{name}.ko", 0o100644, read_whole(path))
                for name, path in modules.items()]
    members += more
    return gzip.compress(archive(members), mtime=0)


@functools.cache
def prepared(disks=False):
    """Returns the paths of the kernel and the RAM disk, which are created once. disks: with the
    modules for disks, and dash."""
    run("cc", *CC_FLAGS, "-o", os.path.join(FOLDER, "bench"),
        os.path.join(TOP, "tests", "bench", "linux_bench.c"))
    path = os.path.join(FOLDER, "initrd-disks.gz" if disks else "initrd.gz")
    with open(path, "wb") as image:
        image.write(initrd(DISK_MODULES, dash_members()) if disks else initrd(MODULES))
    return unpacked("boot/vmlinuz-*"), path


def release():
    """Returns the kernel's release, for example 6.1.0-50-amd64."""
    return os.path.basename(unpacked("boot/vmlinuz-*")).partition("-")[2]
