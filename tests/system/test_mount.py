"""Promise: build/host/spindle-mount shows a disc to the programs of the host as the shell shows it,
gives it back when asked, and explains in one line why it does not."""
import concurrent.futures
import contextlib
import errno
import filecmp
import hashlib
import lzma
import mmap
import os
import signal
import stat
import subprocess
import time

import pytest

import mount_load
from conftest import make_disc
from qemu import BUILD, ISO
from test_manifest import CORPORA
from test_tool import run as run_shell

MOUNT = os.path.join(BUILD, "host", "spindle-mount")
CHECKED = MOUNT + ".asan"  # the same under AddressSanitizer
IMAGES = os.path.join(BUILD, "images")
needs_fuse = pytest.mark.skipif(not os.access("/dev/fuse", os.R_OK | os.W_OK),
                                reason="/dev/fuse is missing or may not be used")


def run(*words):
    done = subprocess.run([MOUNT, *map(str, words)], capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def is_mounted(directory):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return any(line.split()[1] == str(directory) for line in mounts)


def unmount(directory):
    subprocess.run(["fusermount3", "-u", str(directory)], timeout=60, check=True)


@contextlib.contextmanager
def mounted(image, directory, *options, program=MOUNT):
    """Mounts in the foreground. At the end the program must find that nothing is in use."""
    directory.mkdir(exist_ok=True)
    with subprocess.Popen([program, "-f", *map(str, (*options, image, directory))],
                          stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not is_mounted(directory):
            assert process.poll() is None, process.stderr.read().decode()
            assert time.monotonic() < deadline
            time.sleep(0.01)
        try:
            yield directory
        finally:
            unmount(directory)
            error = process.communicate(timeout=60)[1].decode()
    assert (process.returncode, error) == (0, "")


@pytest.fixture(name="tree")
def fixture_tree(tmp_path):
    tree = tmp_path / "tree"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "empty").mkdir()
    (tree / "deep" / "er" / "large").write_bytes(os.urandom(3 << 20))
    (tree / "Name").write_text("text\n")
    (tree / "Name").chmod(0o640)
    (tree / "link").symlink_to("deep/er/large")
    os.link(tree / "Name", tree / "other")
    os.utime(tree / "Name", (1000000000, 1000000000))
    for i in range(500):
        (tree / "deep" / f"file{i}").write_text("x" * i)
    return tree


@pytest.fixture(name="disc")
def fixture_disc(tmp_path, tree):
    disc = tmp_path / "disc.iso"
    make_disc(tree, disc)
    return disc


# ---- programs --------------------------------------------------------------------------------


def same(left, right):
    compared = filecmp.dircmp(left, right, ignore=[], hide=[])
    assert not (compared.left_only or compared.right_only or compared.funny_files), compared
    assert filecmp.cmpfiles(left, right, compared.common_files, shallow=False)[1:] == ([], [])
    for name in compared.common_dirs:
        same(os.path.join(left, name), os.path.join(right, name))


@needs_fuse
def test_the_tree_is_the_one_on_the_disc(tmp_path, tree, disc):
    with mounted(disc, tmp_path / "mnt") as mnt:
        same(tree, mnt)
        assert os.readlink(mnt / "link") == "deep/er/large"
        assert (mnt / "link").stat().st_size == 3 << 20
        info = (mnt / "Name").stat()
        assert (info.st_mode, info.st_mtime) == (0o100640, 1000000000)
        with pytest.raises(FileNotFoundError):
            (mnt / "name").stat()


@needs_fuse
def test_inode_numbers_are_those_of_the_shell_and_stay(tmp_path, disc):
    numbers = []
    for _ in range(2):
        with mounted(disc, tmp_path / "mnt") as mnt:
            assert mnt.stat().st_ino == 1
            numbers.append((mnt / "deep" / "file7").stat().st_ino)
            entries = {entry.name: entry.inode() for entry in os.scandir(mnt / "deep")}
            assert entries["file7"] == numbers[-1]
    assert numbers[0] == numbers[1]
    assert f"id {numbers[0]:#x}\n" in run_shell(disc, "-c", "stat /System/deep/file7")[1]


@needs_fuse
def test_tools_see_the_same(tmp_path, tree, disc):
    with mounted(disc, tmp_path / "mnt") as mnt:
        def out(*words, cwd=mnt):
            return subprocess.run(words, cwd=cwd, capture_output=True, timeout=120, check=True).stdout
        assert out("tar", "c", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "deep") == out(
            "tar", "c", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "deep", cwd=tree)
        sums = out("sh", "-c", "find . -type f -exec sha256sum {} +", cwd=tree)
        check = subprocess.run(["sha256sum", "-c", "--quiet"], input=sums, cwd=mnt, timeout=120,
                               check=False)
        assert check.returncode == 0
        jobs = [subprocess.Popen(["sha256sum", mnt / "deep" / "er" / "large"],
                                 stdout=subprocess.PIPE) for _ in range(8)]
        assert len({job.communicate(timeout=60)[0] for job in jobs}) == 1


@needs_fuse
def test_attributes_explain_the_disc(tmp_path, disc):
    with mounted(disc, tmp_path / "mnt") as mnt:
        names = ["user.spindle.record", "user.spindle.extents", "user.spindle.session",
                 "user.spindle.ledger"]
        assert os.listxattr(mnt / "Name") == names
        value = {name: os.getxattr(mnt / "Name", name).decode() for name in names}
        assert "system use" in value[names[0]] and value[names[1]].startswith("  extent 0")
        assert value[names[2]].startswith("sessions: 1")
        assert value[names[3]] == "no anomalies found so far\n"
        with pytest.raises(OSError) as failure:
            os.getxattr(mnt / "Name", "user.other")
        assert failure.value.errno == errno.ENODATA


@needs_fuse
def test_nothing_can_be_changed(tmp_path, disc):
    with mounted(disc, tmp_path / "mnt") as mnt:
        for change in (lambda: (mnt / "new").write_text(""), lambda: (mnt / "Name").unlink(),
                       lambda: (mnt / "Name").write_text(""), (mnt / "new").mkdir,
                       lambda: (mnt / "Name").rename(mnt / "new")):
            with pytest.raises(OSError) as failure:
                change()
            assert failure.value.errno == errno.EROFS


# ---- discs -----------------------------------------------------------------------------------


def digest_of(path):
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError as error:
        return errno.errorcode[error.errno]


def entries_of(directory):
    """Returns the names that can be listed, and the error that ends the listing, or None."""
    names = []
    try:
        with os.scandir(directory) as listing:
            for entry in listing:
                names.append(entry.name)
    except OSError as error:
        return names, errno.errorcode[error.errno]
    return names, None


def line_of(full):
    """The first and the last part of a node's line in a manifest."""
    info = os.lstat(full)
    if stat.S_ISLNK(info.st_mode):
        target = os.readlink(full).encode("utf-8", "surrogateescape")
        return f"l\t{len(target)}\t-", " -> " + escaped(target)
    if stat.S_ISREG(info.st_mode):
        return f"f\t{info.st_size}\t{digest_of(full)}", ""
    return ("d" if stat.S_ISDIR(info.st_mode) else "o") + "\t0\t-", ""


def manifest_of(root):
    """Returns what `manifest` prints, made from what the host sees; without the times."""
    found, waiting = [], [""]
    while waiting:
        folder = waiting.pop()
        names, error = entries_of(os.path.join(root, folder))
        for name in names:
            path = os.path.join(folder, name)
            with contextlib.suppress(OSError):  # a directory that is its own parent
                head, tail = line_of(os.path.join(root, path))
                found.append([path.encode("utf-8", "surrogateescape"), head, tail])
                if head.startswith("d"):
                    waiting.append(path)
        for line in found if error else []:
            if line[0] == folder.encode("utf-8", "surrogateescape"):
                line[1] = f"d\t0\t{error}"
    return "".join(f"{head}\t{escaped(path)}{tail}\n" for path, head, tail in sorted(found))


def escaped(path):
    """As `manifest` escapes a path or a target (the Book, chapter 6)."""
    text = "".join(f"\\x{ord(c):02X}" if c < " " or c in "\x7f\\" else c
                   for c in path.decode("utf-8", "surrogateescape"))
    return text.replace(" -> ", " -\\x3E ")


def disc_images():
    made = sorted(name for name in os.listdir(IMAGES) if name.endswith(".iso"))
    found = [os.path.join(IMAGES, name) for name in made]
    if os.path.isdir(CORPORA):
        found += sorted(os.path.join(CORPORA, name) for name in os.listdir(CORPORA)
                        if name.endswith(".iso.xz"))
    return found


@needs_fuse
@pytest.mark.parametrize("image", disc_images(), ids=os.path.basename)
def test_each_disc_is_shown_as_by_the_shell(tmp_path, image):
    disc = image
    if image.endswith(".xz"):
        disc = tmp_path / "disc.iso"
        with lzma.open(image) as packed:
            disc.write_bytes(packed.read())
    printed = run_shell(disc, "-c", "manifest /System")
    if printed[0] == 125:
        assert run(disc, tmp_path / "mnt")[0] == 1
        return
    with mounted(disc, tmp_path / "mnt", program=CHECKED) as mnt:
        shown = manifest_of(mnt)
    lines = [line.split("\t") for line in printed[1].splitlines()]
    expected = "".join("\t".join(line[:3] + line[4:]) + "\n" for line in lines)

    # Linux follows a directory that leads back to another one until it meets the same node again.
    if "\tELOOP\t" in expected:
        kept = [line for line in expected.splitlines() if "\tELOOP\t" not in line]
        assert set(kept) <= set(shown.splitlines())
    else:
        assert shown == expected


@needs_fuse
def test_threads_while_the_kernel_forgets(tmp_path, disc):
    with mounted(disc, tmp_path / "mnt", program=CHECKED) as mnt:
        assert mount_load.load(mnt, 3) > 0


@needs_fuse
def test_unmounting_under_load(tmp_path, disc):
    """A busy mount is refused; a lazy one ends when its files are closed."""
    with mounted(disc, tmp_path / "mnt", program=CHECKED) as mnt:
        with open(mnt / "deep" / "er" / "large", "rb") as file:
            done = subprocess.run(["fusermount3", "-u", mnt], capture_output=True, timeout=60,
                                  check=False)
            assert done.returncode != 0 and is_mounted(mnt)
            assert len(file.read()) == 3 << 20


@needs_fuse
def test_a_close_costs_no_request(tmp_path, disc):
    """Where nothing is written, the kernel asks only once what a close has to report."""
    mnt = tmp_path / "mnt"
    mnt.mkdir()
    with subprocess.Popen([MOUNT, "-f", "-d", disc, mnt], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not is_mounted(mnt):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        for _ in range(3):
            (mnt / "Name").read_bytes()
        unmount(mnt)
        requests = process.communicate(timeout=60)[1].decode()
    assert requests.count("RELEASE (18)") == 3
    assert requests.count("FLUSH (25)") == 1


@needs_fuse
def test_a_close_right_before_the_unmount(tmp_path, disc):
    """The kernel does not wait for the answer to a close, and the unmount discards what was not yet sent."""
    mnt = tmp_path / "mnt"
    mnt.mkdir()
    with subprocess.Popen([CHECKED, "-f", disc, mnt], stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while not is_mounted(mnt):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        (mnt / "Name").read_bytes()  # after the first close, the kernel asks for no errors of others
        with open(mnt / "Name", "rb") as file:
            file.read()
            folder = os.open(mnt, os.O_RDONLY)
            os.listdir(folder)
            process.send_signal(signal.SIGSTOP)
        os.close(folder)
        unmount(mnt)
        process.send_signal(signal.SIGCONT)
        error = process.communicate(timeout=60)[1].decode()
    assert (process.returncode, error) == (0, "")


# ---- options ---------------------------------------------------------------------------------


@needs_fuse
def test_options(tmp_path, disc):
    with mounted(disc, tmp_path / "mnt", "-o", "uid=7,gid=8,fmask=0022,dmask=0077,case=fold") as mnt:
        info, directory = (mnt / "NAME").stat(), (mnt / "deep").stat()
        assert (info.st_uid, info.st_gid, info.st_mode) == (7, 8, 0o100640)
        assert directory.st_mode & 0o77 == 0
    with mounted(disc, tmp_path / "mnt", "-o", "names=iso,defaults,nofail,x-systemd.automount") as mnt:
        assert (mnt / "NAME").exists() and not (mnt / "Name").exists()


@needs_fuse
def test_an_image_in_an_image(tmp_path, tree, disc):
    (tmp_path / "outer").mkdir()
    disc.rename(tmp_path / "outer" / "inner.iso")
    make_disc(tmp_path / "outer", tmp_path / "outer.iso")
    with mounted(f"{tmp_path}/outer.iso!/inner.iso", tmp_path / "mnt") as mnt:
        same(tree, mnt)
    status, _, err = run(f"{tmp_path}/outer.iso!/none.iso", tmp_path / "mnt")
    assert status == 1 and err.endswith("none.iso: No such file or directory\n")


@needs_fuse
def test_a_part_of_an_image(tmp_path, tree, disc):
    (tmp_path / "padded").write_bytes(b"x" * 4096 + disc.read_bytes())
    with mounted(tmp_path / "padded", tmp_path / "mnt", "-o", "offset=4096") as mnt:
        same(tree, mnt)


@needs_fuse
def test_as_mount_calls_it(tmp_path, disc):
    helper = tmp_path / "mount.spindle"
    helper.symlink_to(MOUNT)
    (tmp_path / "mnt").mkdir()
    assert subprocess.run([helper, disc, tmp_path / "mnt", "-f"], timeout=60, check=False).returncode == 0
    assert not is_mounted(tmp_path / "mnt")
    subprocess.run([helper, disc, tmp_path / "mnt", "-n", "-o", "ro,noauto"], timeout=60, check=True)
    assert (tmp_path / "mnt" / "Name").exists()
    unmount(tmp_path / "mnt")


@needs_fuse
def test_the_words_that_mount_adds(tmp_path, disc):
    """mount(8) passes "rw" for "defaults", and words that mean nothing to a disc."""
    helper = tmp_path / "mount.spindle"
    helper.symlink_to(MOUNT)
    for words in ("rw", "rw,noatime,nodiratime,relatime,strictatime,lazytime", "rw,silent,mand"):
        with mounted(disc, tmp_path / "mnt", "-o", words) as mnt:
            assert os.statvfs(mnt).f_flag & os.ST_RDONLY
        subprocess.run([helper, disc, tmp_path / "mnt", "-o", words], timeout=60, check=True)
        unmount(tmp_path / "mnt")


def source_of(directory):
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return next(line.split()[0] for line in mounts if line.split()[1] == str(directory))


@needs_fuse
def test_the_source_is_the_image_or_the_name_that_is_given(tmp_path, disc):
    awkward = tmp_path / r"a\,b,c d.iso"
    os.link(disc, awkward)
    with mounted(awkward, tmp_path / "mnt") as mnt:
        assert source_of(mnt).endswith(r"/a\134,b,c\040d.iso")
    with mounted(disc, tmp_path / "mnt", "-o", r"fsname=one\,two,ro") as mnt:
        assert source_of(mnt) == "one,two"


@needs_fuse
def test_a_fat_volume(tmp_path, tree):
    """Its names match in any case, although the others match exactly by default."""
    volume = tmp_path / "fat.img"
    subprocess.run(["mkfs.fat", "-C", volume, "20000"], timeout=60, check=True, capture_output=True)
    subprocess.run(["mcopy", "-s", "-i", volume, tree / "deep", tree / "Name", "::"], timeout=60,
                   check=True, capture_output=True)
    for option in ("ro", "case=fold,tz=+01:00"):
        with mounted(volume, tmp_path / "mnt", "-o", option, program=CHECKED) as mnt:
            same(tree / "deep", mnt / "deep")
            assert (mnt / "NAME").read_text() == "text\n"
            assert mount_load.load(mnt, 1) > 0
    assert run("-o", "case=exact", volume, tmp_path / "mnt")[0] == 1


@needs_fuse
def test_closed_descriptors(tmp_path, disc):
    """The image must not take the number of one that the program replaces later."""
    (tmp_path / "mnt").mkdir()
    subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", MOUNT, disc, tmp_path / "mnt"],
                   timeout=60, check=True)
    assert (tmp_path / "mnt" / "Name").read_text() == "text\n"
    unmount(tmp_path / "mnt")


@needs_fuse
def test_many_large_reads_in_little_memory(tmp_path, tree, disc, monkeypatch):
    """64 threads ask for 1 MiB each, past the kernel's cache, from a program that has 4 MiB."""
    monkeypatch.setenv("SPINDLE_MEMORY", "4")
    expected = (tree / "deep" / "er" / "large").read_bytes()

    def read(fd, number):
        at = number % 3 << 20
        memory = mmap.mmap(-1, 1 << 20)
        assert os.preadv(fd, [memory], at) == 1 << 20
        assert memory[:] == expected[at:at + (1 << 20)]

    with mounted(disc, tmp_path / "mnt") as mnt:
        fd = os.open(mnt / "deep" / "er" / "large", os.O_RDONLY | os.O_DIRECT)
        with concurrent.futures.ThreadPoolExecutor(64) as pool:
            for done in [pool.submit(read, fd, number) for number in range(256)]:
                done.result(timeout=60)
        os.close(fd)


@needs_fuse
def test_many_nodes_in_little_memory(tmp_path, monkeypatch):
    """The kernel knows 20,000 nodes in 200 directories; the program, which has 4 MiB, keeps the
    paths of the last ones only, and finds the others again."""
    for number in range(200):
        folder = tmp_path / "many" / f"folder{number}"
        folder.mkdir(parents=True)
        for file in range(100):
            (folder / f"file{file}").touch()
    disc = tmp_path / "many.iso"
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", disc, tmp_path / "many"],
                   check=True, timeout=60, stderr=subprocess.DEVNULL)
    monkeypatch.setenv("SPINDLE_MEMORY", "4")
    with mounted(disc, tmp_path / "mnt") as mnt:
        for _ in range(2):
            names = [os.path.join(where, name) for where, _, files in os.walk(mnt)
                     for name in files]
            assert len(names) == 20000
            for name in names:
                assert os.stat(name).st_size == 0
                assert os.getxattr(name, "user.spindle.record")


# ---- errors ----------------------------------------------------------------------------------


def test_usage():
    assert run("--help")[1].startswith("usage: spindle-mount [-f]")
    for words in ([], [ISO], [ISO, "a", "b"], ["-x", ISO, "a"], ["-o", "uid=x", ISO, "a"],
                  ["-o", "fmask=8", ISO, "a"], ["-o"]):
        status, out, err = run(*words)
        assert status == 2 and not out and len(err.splitlines()) == 3, words
        assert err.startswith("spindle-mount: "), words


@needs_fuse
def test_errors_name_what_is_wrong(tmp_path, disc, monkeypatch):
    mnt = tmp_path / "mnt"
    assert run(disc, mnt) == (1, "", f"spindle-mount: {mnt}: No such file or directory\n")
    mnt.write_text("")
    assert run(disc, mnt) == (1, "", f"spindle-mount: {mnt}: not a directory\n")
    mnt.unlink()
    mnt.mkdir()
    assert run(tmp_path / "no.iso", mnt) == (
        1, "", f"spindle-mount: {tmp_path}/no.iso: No such file or directory\n")
    assert run(tmp_path, mnt)[2].endswith(": is a directory, not an image\n")
    (tmp_path / "text").write_text("no disc at all\n" * 1000)
    status, _, err = run(tmp_path / "text", mnt)
    assert status == 1 and err.startswith(f"spindle-mount: {tmp_path}/text: ")
    for option in ("names=klingon", "case=", "session=0"):
        assert run("-o", option, disc, mnt)[2].endswith(
            ": an option is not understood, or its value is invalid\n"), option
    assert run("-o", "nonsense", disc, mnt) == (
        1, "", "spindle-mount: fuse: unknown option(s): `-o nonsense'\n")
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", "/dev/zero"):
        assert run(name, mnt)[2] == f"spindle-mount: {name}: is neither a file nor a drive\n"
    for option in ("session=7", "names=joliet"):
        assert run("-o", option, disc, mnt)[2].endswith("no such session, or no such names\n")
    for memory in ("0", "x", "-1"):
        monkeypatch.setenv("SPINDLE_MEMORY", memory)
        assert "SPINDLE_MEMORY: must be a number" in run(disc, mnt)[2]
    assert not is_mounted(mnt)


@needs_fuse
def test_an_image_that_is_being_written_is_refused(tmp_path, disc):
    import fcntl
    with open(disc, "r+b") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        (tmp_path / "mnt").mkdir()
        status, _, err = run(disc, tmp_path / "mnt")
    assert status == 1 and "in use by a program that may write it" in err


@needs_fuse
def test_a_changed_image_is_stale(tmp_path, disc):
    with mounted(disc, tmp_path / "mnt") as mnt:
        assert (mnt / "Name").read_text() == "text\n"
        with open(disc, "r+b") as image:
            image.truncate(disc.stat().st_size // 2)
        with pytest.raises(OSError) as failure:
            (mnt / "deep" / "er" / "large").read_bytes()
        assert failure.value.errno in (errno.EIO, errno.ESTALE)


@needs_fuse
def test_signals_unmount_and_a_killed_mount_can_be_removed(tmp_path, disc):
    mnt = tmp_path / "mnt"
    mnt.mkdir()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
        with subprocess.Popen([MOUNT, "-f", disc, mnt]) as process:
            deadline = time.monotonic() + 30
            while not is_mounted(mnt):
                assert process.poll() is None and time.monotonic() < deadline
            assert (mnt / "Name").exists()
            process.send_signal(number)
            process.wait(timeout=30)
        if number != signal.SIGKILL:
            assert process.returncode == 0 and not is_mounted(mnt)
    assert f"fusermount3 -u {mnt}" in run(disc, mnt)[2]
    unmount(mnt)
    with mounted(disc, mnt):
        assert (mnt / "Name").exists()
