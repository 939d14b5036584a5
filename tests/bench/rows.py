"""The rows of the table, and the commands that measure them.

The same commands are typed at the prompts of Spindle and of busybox, except for the words in WORDS.
The bare program (bare/main.c) prints the names of the rows of the CD.
"""
from collections import namedtuple

Row = namedtuple("Row", "name title unit limit aim", defaults=(None, None))

DISKS = ("ahci", "virtio", "nvme")
BARE_DISKS = ("ide", "ahci", "virtio")  # the bare program's


def disk_rows(kind, title):
    """Returns the rows of a disk. The limit of the first is the bare program's loop, if it has a
    driver; of the others, it is the same work by qemu-img on the disk's image: what QEMU's own
    threads can read without a controller and without a guest."""
    sequential = f"bare_{kind}_read" if kind in BARE_DISKS else "image_1m"
    return [Row(f"{kind}_1m", f"{title}, 1 MiB in sequence", "MiB/s", sequential, ("linux", 1)),
            Row(f"{kind}_1m_q32", f"{title}, the same, 32 in flight", "MiB/s", "image_1m_q32",
                ("linux", 1)),
            Row(f"{kind}_4k", f"{title}, 4 KiB at random", "reads/s", "image_4k", ("linux", 1)),
            Row(f"{kind}_4k_q32", f"{title}, the same, 32 in flight", "reads/s", "image_4k_q32",
                ("linux", 1))]


# The volumes that are written: (the disk's controller, the program that makes it). The others are
# FAT32.
WRITTEN = {"ide": ("ide", "mkfs.fat", "-F", "32"), "ahci": ("ahci", "mkfs.fat", "-F", "32"),
           "virtio": ("virtio", "mkfs.fat", "-F", "32"), "exfat": ("virtio", "mkfs.exfat")}


def write_rows(kind, title):
    """Returns the rows of a volume on a disk. The limit of the first is the bare program's loop,
    and that of the second is qemu-img's, which writes to the image and syncs it."""
    limit = f"bare_{WRITTEN[kind][0]}_write"
    return [Row(f"write_{kind}_seq", f"{title}: write 128 MiB, sync", "MiB/s", limit,
                ("limit", 0.7)),
            Row(f"write_{kind}_4k", f"{title}: 10,000 random overwrites, sync", "writes/s",
                "image_write_4k", ("linux", 3)),
            Row(f"write_{kind}_create", f"{title}: create 20,000 files of 2 KiB, sync", "files/s",
                None, ("linux", 3)),
            Row(f"write_{kind}_cp", f"{title}: cp -r of 20,000 files, sync", "files/s", None,
                ("linux", 3)),
            Row(f"write_{kind}_rm", f"{title}: rm -r of 20,000 files, sync", "files/s", None,
                ("linux", 3))]


def language_rows(shell, title):
    """Returns the rows of Spindle's shell beside one of Linux's."""
    return [Row(f"language_{shell}_count", f"count to 100,000 in a loop; {title}", "loops/s", None,
                ("linux", 1)),
            Row(f"language_{shell}_subst", f"10,000 command substitutions; {title}", "1/s", None,
                ("linux", 1)),
            Row(f"language_{shell}_read", f"while read, 100,000 lines; {title}", "lines/s", None,
                ("linux", 1))]


# limit: the bare program's row that bounds this one. aim: (kind, number, ...), see report.py.
ROWS = [
    Row("raw_1m", "raw sequential read, 1 MiB a request", "MiB/s", "raw_1m", ("limit", 0.7)),
    Row("raw_64k", "raw sequential read, 64 KiB", "MiB/s", "raw_64k"),
    Row("random_raw", "4 KiB at random, raw", "reads/s", "random_raw", ("limit", 0.5)),
    Row("file_cold", "file of 128 MiB, cold", "MiB/s", "file_cold", ("limit", 0.7)),
    Row("file_warm", "file of 128 MiB, warm", "MiB/s", "file_warm", ("linux", 1.2)),
    Row("random_file", "4 KiB at random in a file, cold", "reads/s", "random_raw",
        ("limit", 0.5)),
    Row("inner_cold", "file in an image in the CD, cold", "MiB/s", "file_cold",
        ("row", 0.9, "file_cold")),
    Row("walk_cold", "tree of 20,400 entries, cold", "entries/s", "walk_cold", ("least", 200000)),
    Row("walk_warm", "tree of 20,400 entries, warm", "entries/s"),
    Row("stat_1k_cold", "stat each of 1,000 in a directory, cold", "entries/s", "stat_1k_cold"),
    Row("stat_1k_warm", "stat each of 1,000, warm", "entries/s"),
    Row("stat_10k_cold", "stat each of 10,000, cold", "entries/s", "stat_10k_cold",
        ("least", 200000)),
    Row("stat_10k_warm", "stat each of 10,000, warm", "entries/s"),
    Row("stat_100k_cold", "stat each of 100,000, cold", "entries/s", "stat_100k_cold",
        ("least", 200000)),
    Row("absent", "names that are not among 10,000", "names/s", None, ("least", 100000)),
    Row("small_cold", "20,000 small files, cold", "files/s", "small_cold", ("least", 60000)),
    Row("small_warm", "20,000 small files, warm", "files/s"),
    Row("ram_create", "create 10,000 files in memory", "files/s"),
    Row("ram_stat", "list 10,000 in memory, stat each", "entries/s"),
    Row("ram_remove", "remove 10,000 from memory", "files/s"),
    Row("ram_100k_create", "create 100,000 files in memory", "files/s"),
    Row("ram_100k_stat", "list 100,000 in memory, stat each", "entries/s"),
    Row("ram_100k_remove", "remove 100,000 from memory", "files/s"),
    *disk_rows("ahci", "AHCI disk"),
    *disk_rows("virtio", "virtio-blk disk"),
    *disk_rows("nvme", "NVMe disk"),
    *write_rows("ide", "FAT32, IDE"),
    *write_rows("ahci", "FAT32, AHCI"),
    *write_rows("virtio", "FAT32, virtio-blk"),
    *write_rows("exfat", "exFAT, virtio-blk"),
    Row("mount_full", "mount a full FAT32 volume of 32 GiB, rw", "s", None, ("most", 0.1)),
    *language_rows("ash", "busybox ash"),
    *language_rows("dash", "dash"),
    Row("handover", "GRUB's hand-over to the prompt", "s", None, ("most", 0.1)),
    Row("memory", "least memory, from the boot CD to its manifest", "MiB", None, ("most", 8)),
    Row("image", "the kernel's image", "KiB"),
]

# (rows that a command measures, one per repetition; whether to mount the disc again; the command).
STEPS = [
    (["raw_1m"], False, "bench -n 128 raw {device}"),
    (["raw_64k"], False, "bench -s 65536 -n 2048 raw {device}"),
    (["random_raw"], False, "bench random {device}"),
    (["file_cold", "file_warm"], True, "bench -r 2 file /disc/big"),
    (["random_file"], True, "bench random /disc/big"),
    (["inner_cold"], True, "bench file /inner/big"),
    (["walk_cold", "walk_warm"], True, "bench -r 2 walk /disc/tree"),
    (["stat_1k_cold", "stat_1k_warm"], True, "bench -r 2 stat /disc/d1k"),
    (["stat_10k_cold", "stat_10k_warm"], True, "bench -r 2{some} stat /disc/d10k"),
    (["stat_100k_cold"], True, "bench{few} stat /disc/d100k"),
    (["absent"], True, "bench{few_absent} absent /disc/d10k"),
    (["small_cold", "small_warm"], True, "bench -r 2 small /disc/tree"),
    (["ram_create", "ram_stat", "ram_remove"], False,
     "bench create /ram; bench stat /ram; bench remove /ram"),
    (["ram_100k_create", "ram_100k_stat", "ram_100k_remove"], False,
     "bench -n 100000 create /ram; bench stat /ram; bench remove /ram"),
]

# The same for each disk of DISKS, in a machine that has them all; and for qemu-img, which has no
# random offsets but a stride: an odd number of blocks, so that it passes over the whole image.
DiskStep = namedtuple("DiskStep", "name kind reads depth bytes stride")
DISK_STEPS = [
    DiskStep("1m", "raw", 512, 1, 1 << 20, 1 << 20),
    DiskStep("1m_q32", "raw", 512, 32, 1 << 20, 1 << 20),
    DiskStep("4k", "random", 10000, 1, 4096, 257 * 4096),
    DiskStep("4k_q32", "random", 20000, 32, 4096, 257 * 4096),
]


# The work of write_rows(), in order; `files`: measured by the host's clock, and divided by it.
# `needs`: the step whose files it works on.
WriteStep = namedtuple("WriteStep", "name command files needs")
WRITE_STEPS = [
    WriteStep("seq", "bench write {volume}/big", 0, None),
    WriteStep("4k", "bench overwrite {volume}/big", 0, "seq"),
    WriteStep("create", "mkdir {volume}/made; cd {volume}/made; for i in $(seq 40); do mkdir $i; "
              "bench -n 500 -s 2048 create $i >/made.log || echo failed; done; cd /; sync", 20000,
              None),
    WriteStep("cp", "cp -r {tree} {volume}/; sync", 20000, None),
    WriteStep("rm", "rm -r {volume}/tree; sync", 20000, "cp"),
]

# The work of language_rows(): scripts for a new shell (Linux) or the running one. Measured by the
# host's clock.
LanguageStep = namedtuple("LanguageStep", "name script loops")
LANGUAGE_STEPS = [
    LanguageStep("count", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done", 100000),
    LanguageStep("subst", "i=0; while [ $i -lt 10000 ]; do i=$(echo $((i+1))); done", 10000),
    LanguageStep("read", "while read -r line; do :; done </lines", 100000),
]


def disk_command(step, disk):
    return f"bench -s {step.bytes} -n {step.reads} -q {step.depth} {step.kind} {disk}"


def image_command(step, image):
    return ["qemu-img", "bench", "-f", "raw", "-c", str(step.reads), "-d", str(step.depth),
            "-s", str(step.bytes), "-S", str(step.stride), image]


# Linux searches a directory from its start for each name: in large ones, a sample is measured.
WORDS = {
    "spindle": {"device": "cdrom0", "some": "", "few": "", "few_absent": "",
                "mount": "mount cdrom0 /disc", "umount": "umount /disc",
                "mount_inner": "mount /disc/inner.iso /inner", "mount_ram": "mkdir /ram"},
    "linux": {"device": "/dev/sr0", "some": " -n 200", "few": " -n 20", "few_absent": " -n 50",
              "mount": "mount -r -t iso9660 /dev/sr0 /disc",
              "umount": "umount /disc; echo 3 >/proc/sys/vm/drop_caches",
              "mount_inner": "mount -r -o loop /disc/inner.iso /inner",
              "mount_ram": "mkdir /ram; mount -t tmpfs -o nr_inodes=0 tmpfs /ram"},
}


def chosen(words):
    """Returns the names of the rows that begin with one of the words; all rows if there are
    none."""
    wanted = words.replace(",", " ").split()
    names = [row.name for row in ROWS]
    for word in wanted:
        if not any(name.startswith(word) for name in names):
            raise SystemExit(f"BENCH_ROWS: {word}: no such row; the rows are " + " ".join(names))
    return [name for name in names if not wanted or name.startswith(tuple(wanted))]
