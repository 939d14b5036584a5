"""Runs the measurements in Spindle, in Linux and in the bare program, each in the same QEMU
machine. """
import array
import os
import random
import re
import struct
import subprocess
import time

import linux
from qemu import (BUILD, ELF, ISO, Machine, base_command, cdrom_options, pvh_options,
                  qemu_status)
from rows import (DISKS, DISK_STEPS, LANGUAGE_STEPS, STEPS, WORDS, WRITE_STEPS, WRITTEN,
                  disk_command, image_command)

FOLDER = os.path.join(BUILD, "bench")
DISC = os.path.join(FOLDER, "bench.iso")
BARE = os.path.join(FOLDER, "bare.elf")
DISK = os.path.join(FOLDER, "disk.img")
DISK_MIB = 512
MEMORY = "256M"
BOOT_SECONDS, STEP_SECONDS, BARE_SECONDS = 120, 300, 120
LINE = re.compile(r"BENCH (\w+) ([\d.]+) (\S+)\Z")
TIME = re.compile(r"BENCH \w+\.time ([\d.]+) s\Z")
LISTS_FIRST = re.compile(r" -n \d+ stat ")  # the time of listing is not included
HANDOVER = "handing over"
PROMPT_AFTER_GRUB = re.compile(rb"[\n\r](?:spindle|linux):([^\r\n]*)\$ \Z")


def machine(system, options=(), disks=False, **others):
    """Starts a machine with one of the two kernels. The caller waits for the prompt."""
    if system == "spindle":
        return Machine("log=warn", options=options, **others)
    kernel, initrd = linux.prepared(disks)
    return Machine(linux.APPEND, kernel=kernel, prompt=linux.PROMPT,
                   options=["-initrd", initrd, *options], **others)


def from_disc(disc, memory):
    return Machine(None, cdrom=disc, memory=memory, prompt=PROMPT_AFTER_GRUB)


def must(guest, text):
    """Runs a command that prints nothing on success."""
    if printed := guest.command(text, STEP_SECONDS):
        guest.fail(f"{text!r} printed {printed}")


def remount(guest, words, inner):
    must(guest, words["umount"])
    must(guest, words["mount"])
    if inner:
        must(guest, words["mount_inner"])


def step(guest, names, text, clocks):
    """Runs a command. Returns {row: value}, and adds (guest's time, host's time) to clocks."""
    begun = time.monotonic()
    lines = guest.command(text, STEP_SECONDS)
    host = time.monotonic() - begun
    values = [float(match[2]) for match in map(LINE.match, lines) if match]
    times = [float(match[1]) for match in map(TIME.match, lines) if match]
    if len(values) != len(names) or len(times) != len(names):
        guest.fail(f"{text!r} printed {lines}")
    if not LISTS_FIRST.search(text):
        clocks.append((sum(times), host))
    return dict(zip(names, values))


def measure_guest(system, wanted, clocks):
    """Runs all steps for the wanted rows in a new machine. Yields {row: value}."""
    words = WORDS[system]
    with machine(system, cdrom=DISC, memory=MEMORY) as guest:
        guest.wait_prompt(BOOT_SECONDS)
        if system == "spindle":
            must(guest, "mkdir /disc /inner; umount /System; mount cdrom0 /disc")
        must(guest, words["mount_ram"])
        for names, fresh, text in STEPS:
            if not set(names) & set(wanted):
                continue
            inner = "/inner" in text
            if fresh:
                remount(guest, words, inner)
            yield step(guest, names, text.format(**words), clocks)
            if inner:
                must(guest, "umount /inner")


def bare_values(words, options):
    """Runs the bare program. Returns {row: value}."""
    command = base_command(MEMORY) + pvh_options(words, BARE) + options
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=BARE_SECONDS, check=False)
    values = {match[1]: float(match[2])
              for match in map(LINE.match, done.stdout.splitlines()) if match}
    if done.returncode != qemu_status(0) or not values:
        raise SystemExit(f"the bare program failed: {done.stdout}{done.stderr}")
    return values


def measure_bare():
    return bare_values("", cdrom_options(DISC))


# ---------------------------------------------------------------- disks

DISK_DEVICES = {"ahci": "ide-hd,bus=ide.0", "virtio": "virtio-blk-pci", "nvme": "nvme,serial=1"}
LINUX_DISKS = {"ahci": "/dev/sda", "virtio": "/dev/vda", "nvme": "/dev/nvme0n1"}
SPINDLE_DISKS = {"ahci": "QEMU HARDDISK", "virtio": "virtio-blk", "nvme": "QEMU NVMe"}


def make_disk():
    """Creates the disks' image: data in which no system finds partitions or a file system."""
    with open(DISK, "wb") as image:
        for number in range(DISK_MIB):
            image.write(random.Random(number).randbytes(1 << 20))


def disk_machine_options():
    """Returns options for a machine with a disk on each controller. All have the same image, which
    nothing writes to."""
    options = ["-M", "q35"]
    for kind in DISKS:
        options += ["-drive", f"if=none,id={kind},format=raw,file={DISK},file.locking=off",
                    "-device", f"{DISK_DEVICES[kind]},drive={kind}"]
    return options


def find_disks(guest, system):
    """Waits until all disks are found. Returns {kind: name}."""
    if system == "linux":
        must(guest, "until [ -b %s ] && [ -b %s ] && [ -b %s ]; do usleep 10000; done"
             % tuple(LINUX_DISKS.values()))
        return LINUX_DISKS
    patterns = {kind: re.compile(rf" (disk\d+) +{text}") for kind, text in SPINDLE_DISKS.items()}

    def found(lines):
        return {kind: match[1] for kind, pattern in patterns.items()
                if (match := pattern.search("\n".join(lines)))}

    return found(guest.wait_command("devices", lambda lines: len(found(lines)) == len(DISKS)))


def measure_disks(system, wanted, clocks):
    """Runs the steps of the wanted rows of disks in a new machine. Yields {row: value}. Spindle loads
    drivers from its CD, so both systems have that."""
    with machine(system, disk_machine_options(), disks=True, cdrom=ISO, memory=MEMORY) as guest:
        guest.wait_prompt(BOOT_SECONDS)
        disks = find_disks(guest, system)
        for kind in DISKS:
            for work in DISK_STEPS:
                row = f"{kind}_{work.name}"
                if row in wanted:
                    yield step(guest, [row], disk_command(work, disks[kind]), clocks)


def measure_image():
    """Returns the speed of the disks' steps by qemu-img, without a controller and without a guest."""
    values = {}
    for work in DISK_STEPS:
        done = subprocess.run(image_command(work, DISK), capture_output=True, text=True,
                              timeout=BARE_SECONDS, check=True)
        seconds = float(re.search(r"completed in ([\d.]+) seconds", done.stdout)[1])
        amount = work.reads * work.bytes >> 20 if work.kind == "raw" else work.reads
        values[f"image_{work.name}"] = amount / max(seconds, 0.001)
    return values


# ---------------------------------------------------------------- writing

VOLUME = os.path.join(FOLDER, "volume.img")
IMAGE = os.path.join(FOLDER, "written.img")
VOLUME_MIB = 2048  # sparse; exFAT's clusters are of 32 KiB
WRITE_DEVICES = {
    "ide": ["-device", "ide-hd,bus=ide.0,unit=0,drive=volume"],
    "ahci": ["-device", "ahci,id=sata", "-device", "ide-hd,bus=sata.0,drive=volume"],
    "virtio": ["-device", "virtio-blk-pci,drive=volume"],
}
TREE_DISC = ["-drive", f"if=none,id=tree,format=raw,readonly=on,file={DISC}",
             "-device", "ide-cd,bus=ide.1,unit=1,drive=tree"]


def make_image(path, mib):
    with open(path, "wb") as image:
        image.truncate(mib << 20)


def make_volume(kind="virtio", mib=VOLUME_MIB):
    make_image(VOLUME, mib)
    _, *command = WRITTEN[kind]
    subprocess.run([*command, VOLUME], check=True, capture_output=True)


def volume_options(controller):
    return ["-drive", f"if=none,id=volume,format=raw,file={VOLUME}", *WRITE_DEVICES[controller],
            *TREE_DISC]


def mount_volume(guest, system, kind):
    """Mounts the volume for writing and the disc of trees. Returns their paths."""
    controller, maker, *_ = WRITTEN[kind]
    if system == "spindle":
        guest.wait_command("mount", lambda lines: "/Drives/disk0" in "\n".join(lines) and
                           "/Drives/cdrom1" in "\n".join(lines))
        must(guest, "mount -o rw disk0")
        return {"volume": "/Drives/disk0", "tree": "/Drives/cdrom1/tree"}
    device = {"ide": "/dev/sda", "ahci": "/dev/sda", "virtio": "/dev/vda"}[controller]
    must(guest, f"until [ -b {device} ] && [ -b /dev/sr1 ]; do usleep 10000; done")
    must(guest, "mkdir /w; mount -r -t iso9660 /dev/sr1 /inner")
    must(guest, f"mount -t {'exfat' if maker == 'mkfs.exfat' else 'vfat'} {device} /w")
    return {"volume": "/w", "tree": "/inner/tree"}


def measure_writing(system, kind, wanted, clocks):
    """Runs the steps of the wanted rows, and those that they need, on a new volume in a new
    machine. Yields {row: value}."""
    names = {work.name for work in WRITE_STEPS if f"write_{kind}_{work.name}" in wanted}
    needed = names | {work.needs for work in WRITE_STEPS if work.name in names}
    make_volume(kind)
    options = volume_options(WRITTEN[kind][0])
    with machine(system, options, disks=True, cdrom=ISO, memory=MEMORY) as guest:
        guest.wait_prompt(BOOT_SECONDS)
        places = mount_volume(guest, system, kind)
        for work in WRITE_STEPS:
            if work.name not in needed:
                continue
            row, command = f"write_{kind}_{work.name}", work.command.format(**places)
            if work.files:
                values = {row: work.files / timed(guest, command)}
            else:
                values = step(guest, [row], command, clocks)
            yield values if work.name in names else {}


def timed(guest, command):
    """Runs a command that prints nothing. Returns its time in seconds, by the host's clock."""
    begun = time.monotonic()
    must(guest, command)
    return time.monotonic() - begun


def measure_bare_disk(controller, work):
    """Returns the speed of one of the bare program's loops, "write" or "read", over a disk whose
    image is empty."""
    make_image(VOLUME, VOLUME_MIB)
    values = bare_values(f"disk={controller}", volume_options(controller))
    return {f"bare_{controller}_{work}": values[f"disk_{work}"]}


def image_seconds(*options):
    """Returns how long qemu-img takes to write to an image, and to sync it at the end."""
    done = subprocess.run(["qemu-img", "bench", "-w", "-f", "raw", *options, IMAGE],
                          capture_output=True, text=True, timeout=BARE_SECONDS, check=True)
    return max(float(re.search(r"completed in ([\d.]+) seconds", done.stdout)[1]), 0.001)


def measure_image_write():
    """Returns the speed of writing to an image at random places by qemu-img."""
    make_image(IMAGE, 128)
    return {"image_write_4k": 10000 / image_seconds("-c", "10000", "-d", "32", "-s", "4096", "-S",
                                                    str(257 * 4096), "--flush-interval=10000")}


# ---------------------------------------------------------------- a full volume

FULL_MIB = 32 << 10
FULL_FILES = 9  # of a little less than 4 GiB each


def make_full_volume():
    """Creates a sparse FAT32 volume whose clusters are all in use, by files of zeroes."""
    make_volume(mib=FULL_MIB)
    with open(VOLUME, "r+b") as volume:
        boot = volume.read(512)
        sector, per_cluster, reserved, fats = struct.unpack_from("<HBHB", boot, 11)
        sectors, fat_sectors = struct.unpack_from("<II", boot, 32)
        cluster = sector * per_cluster
        data = reserved + fats * fat_sectors
        count = (sectors - data) // per_cluster

        # Cluster 2 is the root directory; each file is a chain of the clusters that follow.
        links = array.array("I", [0x0FFFFFF8, 0x0FFFFFFF, 0x0FFFFFFF])
        links.extend(range(4, count + 3))
        share, entries = -(-(count - 1) // FULL_FILES), b""
        for number in range(FULL_FILES):
            first = 3 + number * share
            last = min(first + share, count + 2) - 1
            links[last] = 0x0FFFFFFF
            entries += struct.pack("<11sB8xH4xHI", b"FILE%d      " % number, 0x20, first >> 16,
                                   first & 0xFFFF, (last - first + 1) * cluster)
        for fat in range(fats):
            volume.seek((reserved + fat * fat_sectors) * sector)
            volume.write(links.tobytes())
        volume.seek(data * sector)
        volume.write(entries)
        information, = struct.unpack_from("<H", boot, 48)
        volume.seek(information * sector + 488)
        volume.write(struct.pack("<II", 0, count + 1))


def measure_full_mount(system):
    """Mounts it for writing, in a new machine. Returns the seconds, by the host's clock."""
    with machine(system, volume_options("virtio"), disks=True, cdrom=ISO, memory=MEMORY) as guest:
        guest.wait_prompt(BOOT_SECONDS)
        mount_volume(guest, system, "virtio")
        if system == "linux":
            must(guest, "umount /w; echo 3 >/proc/sys/vm/drop_caches")
            yield {"mount_full": timed(guest, "mount -t vfat /dev/vda /w")}
        else:
            must(guest, "umount /Drives/disk0; mkdir /w")
            yield {"mount_full": timed(guest, "mount -o rw disk0 /w")}


# ---------------------------------------------------------------- the shell

LINUX_SHELLS = {"ash": "/bin/busybox ash", "dash": "/usr/bin/dash"}


def measure_language(system, wanted):
    """Runs the scripts of the wanted rows in a new machine; on Linux by each of its shells."""
    with machine(system, disks=True, cdrom=ISO, memory=MEMORY) as guest:
        guest.wait_prompt(BOOT_SECONDS)
        must(guest, "seq 100000 >/lines")
        for work in LANGUAGE_STEPS:
            rows = {f"language_{shell}_{work.name}": program
                    for shell, program in LINUX_SHELLS.items()}
            rows = {row: program for row, program in rows.items() if row in wanted}
            if system == "spindle" and rows:
                yield dict.fromkeys(rows, work.loops / timed(guest, work.script))
                continue
            for row, program in rows.items():
                yield {row: work.loops / timed(guest, f"{program} -c '{work.script}'")}


# ---------------------------------------------------------------- from GRUB to the prompt

GRUB_CONFIG = """serial --unit=0
terminal_output serial
set timeout=0
menuentry boot {
    %s
    echo %s
    boot
}
"""
GRUB_MODULES = "normal multiboot2 linux serial terminal echo"
GRUB_LOADS = {
    "spindle": "multiboot2 /boot/spindle.elf log=warn",
    "linux": f"linux /boot/vmlinuz {linux.APPEND}\n    initrd /boot/initrd.gz",
}


def boot_files(system):
    if system == "spindle":
        return [(ELF, "spindle.elf"), (os.path.join(BUILD, "spindle.id"), "spindle.id")]
    kernel, initrd = linux.prepared()
    return [(kernel, "vmlinuz"), (initrd, "initrd.gz")]


def make_boot_disc(system):
    """Creates a CD whose GRUB prints HANDOVER before it starts the kernel. Returns its path."""
    path = os.path.join(FOLDER, f"boot-{system}.iso")
    config = os.path.join(FOLDER, f"grub-{system}.cfg")
    with open(config, "w", encoding="ascii") as text:
        text.write(GRUB_CONFIG % (GRUB_LOADS[system], HANDOVER))
    grafts = [f"/boot/grub/grub.cfg={config}"]
    grafts += [f"/boot/{name}={source}" for source, name in boot_files(system)]
    subprocess.run(["grub-mkrescue", "--fonts=", "--locales=", "--themes=", "-d",
                    "/usr/lib/grub/i386-pc", f"--install-modules={GRUB_MODULES}", "-o", path,
                    *grafts], check=True, capture_output=True)
    return path


def measure_handover(disc):
    """Returns the seconds from GRUB's handover to the prompt, by the host's clock."""
    with from_disc(disc, MEMORY) as guest:
        guest.wait_text(HANDOVER.encode(), BOOT_SECONDS)
        begun = time.monotonic()
        guest.wait_prompt(BOOT_SECONDS)
        return time.monotonic() - begun


# ---------------------------------------------------------------- the least memory

DIGESTS = {"spindle": "manifest /System",
           "linux": "cd /disc && find . -type f | sort | xargs sha256sum; cd /"}


def digests(system, disc, memory, seconds):
    """Boots with this much memory and computes the digests of the boot CD's files. Returns the
    lines, or None if the machine fails."""
    try:
        with from_disc(disc, memory) as guest:
            guest.wait_prompt(seconds)
            return guest.command(DIGESTS[system], seconds)
    except (AssertionError, BrokenPipeError):
        return None


def least_memory(system, disc):
    """Returns the least memory in MiB for the digests of the disc; for Linux in steps of 4."""
    grain, low, high, seconds = (1, 1, 64, 20) if system == "spindle" else (4, 32, 256, 180)
    whole = digests(system, disc, f"{high}M", BOOT_SECONDS)
    if not whole:
        raise SystemExit(f"{system}: cannot list {disc} with {high} MiB")
    while high - low > grain:
        middle = (low + high) // 2 // grain * grain
        if digests(system, disc, f"{middle}M", seconds) == whole:
            high = middle
        else:
            low = middle
    return high


def memory_disc(system):
    return ISO if system == "spindle" else make_boot_disc("linux")


def image_kib(system):
    return os.path.getsize(boot_files(system)[0][0]) / 1024
