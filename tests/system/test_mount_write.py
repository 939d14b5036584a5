"""Promise: with -o rw, build/host/spindle-mount lets the programs of the host write a FAT or exFAT volume
as they write the host's own file system."""
import os
import random
import resource
import shutil
import signal
import subprocess
import time

import pytest

import write_load
from test_fat import make_volume
from test_mount import (CHECKED, MOUNT, fixture_tree, is_mounted, mounted,  # noqa: F401
                        needs_fuse, run, same, unmount)

pytestmark = needs_fuse


KINDS = [12, 16, 32, "exfat"]


def make(path, kind):
    """Makes a volume of FAT with that many bits, or of exFAT."""
    if kind != "exfat":
        return make_volume(path, kind, "-s", "2")
    with open(path, "wb") as image:
        image.truncate(32 << 20)
    host("mkfs.exfat", "-c", "4096", path)
    return path


def check(volume, kind):
    program = "fsck.exfat" if kind == "exfat" else "fsck.fat"
    done = subprocess.run([program, "-n", str(volume)], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0 and b"irty" not in done.stdout, done.stdout.decode()


def host(*words, cwd=None):
    subprocess.run(list(map(str, words)), check=True, capture_output=True, timeout=120, cwd=cwd)


@pytest.fixture(name="files")
def fixture_files(tree):
    """The tree without what FAT cannot store."""
    (tree / "link").unlink()
    (tree / "other").unlink()  # a second name of a file
    return tree


@pytest.mark.parametrize("kind", KINDS)
def test_a_tree_by_tar(tmp_path, files, kind):
    """Written, read while it is mounted, and read again after the unmount."""
    shutil.rmtree(files / "deep" / "er")  # for FAT12, whose volume is small
    volume = make(tmp_path / "volume", kind)
    host("tar", "-cf", tmp_path / "tree.tar", ".", cwd=files)
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        host("tar", "-xf", tmp_path / "tree.tar", "--no-same-owner", cwd=mnt)
        same(files, mnt)
        host("chmod", "a-w", mnt / "Name")
        assert (mnt / "Name").stat().st_mtime == 1000000000
    check(volume, kind)
    with mounted(volume, tmp_path / "mnt") as mnt:
        same(files, mnt)
        assert (mnt / "Name").stat().st_mode & 0o777 == 0o444  # the read-only attribute
        with pytest.raises(OSError, match="Read-only"):
            (mnt / "new").write_text("x")


@pytest.mark.parametrize("kind", [32, "exfat"])
def test_git(tmp_path, files, kind):
    volume = make(tmp_path / "volume", kind)
    with mounted(volume, tmp_path / "mnt", "-o", "rw") as mnt:
        shutil.copytree(files, mnt / "work")
        for words in (["init", "-q"], ["add", "."],
                      ["-c", "user.name=a", "-c", "user.email=b", "commit", "-qm", "all"],
                      ["fsck", "--strict"], ["clone", "-q", ".", "../clone"]):
            host("git", *words, cwd=mnt / "work")
        shutil.rmtree(mnt / "clone" / ".git")
        shutil.rmtree(mnt / "work" / ".git")
        (mnt / "work" / "empty").rmdir()  # git does not keep it
        same(mnt / "work", mnt / "clone")
    check(volume, kind)


def small_files():
    """Makes writes past the first 8 MiB of a file fail, as a full disk does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 20, 8 << 20))


def test_close_returns_the_error_of_writing_back(tmp_path):
    volume, mnt = make(tmp_path / "volume", 16), tmp_path / "mnt"
    mnt.mkdir()
    # pylint: disable-next=subprocess-popen-preexec-fn
    with subprocess.Popen([MOUNT, "-f", "-o", "rw", volume, mnt], stderr=subprocess.PIPE,
                          preexec_fn=small_files) as process:
        while not is_mounted(mnt):
            assert process.poll() is None
            time.sleep(0.01)
        first, second = (os.open(mnt / "file", os.O_CREAT | os.O_RDWR) for _ in range(2))
        os.write(first, bytes(12 << 20))
        with pytest.raises(OSError, match="Input/output error"):
            os.fsync(second)
        with pytest.raises(OSError, match="Input/output error"):
            os.close(first)
        os.close(second)  # fsync() has returned it
        os.unlink(mnt / "file")
        unmount(mnt)
        assert b"/file: cannot be written to virtual0" in process.communicate(timeout=60)[1]


@pytest.mark.parametrize("kind", [16, "exfat"])
def test_names(tmp_path, kind):
    volume = make(tmp_path / "volume", kind)
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        (mnt / "a").write_text("first")
        (mnt / "b").write_text("second")
        os.replace(mnt / "a", mnt / "b")
        assert (mnt / "b").read_text() == "first" and not (mnt / "a").exists()

        # a directory is moved while it is in use, and a removed file in it is
        below = mnt / "dir" / "below"
        below.mkdir(parents=True)
        (below / "file").write_text("text")
        (below / "gone").write_text("gone")
        with open(below / "file", "r+") as file, open(below / "gone") as gone:
            (below / "gone").unlink()
            directory = os.open(below, os.O_RDONLY)
            os.rename(mnt / "dir", mnt / "other")
            assert os.readlink(f"/proc/self/fd/{directory}") == str(mnt / "other" / "below")
            os.rename("file", "renamed", src_dir_fd=directory, dst_dir_fd=directory)
            assert os.listdir(directory) == ["renamed"] and gone.read() == "gone"
            assert os.fstat(gone.fileno()).st_nlink == 0
            os.close(directory)
            file.write("more")
        assert (mnt / "other" / "below" / "renamed").read_text() == "more"
        with pytest.raises(OSError, match="not empty"):
            (mnt / "other").rmdir()
        with pytest.raises(FileExistsError):
            (mnt / "other").mkdir()

        # a removed file stays readable while it is open, and its name and place are used again
        with open(mnt / "open", "w+b") as file:
            file.write(b"x" * 100000)
            (mnt / "open").unlink()
            (mnt / "open").write_text("new")
            file.seek(0)
            assert file.read() == b"x" * 100000 and os.fstat(file.fileno()).st_size == 100000
        assert (mnt / "open").read_text() == "new"
    check(volume, kind)


@pytest.mark.parametrize("kind", [16, "exfat"])
def test_random_writes_are_those_of_the_host(tmp_path, kind):
    """As fsx: one file, written, cut, extended and read at random, and the same on the host."""
    volume, source = make(tmp_path / "volume", kind), random.Random(1)
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        write_load.change_one(mnt / "file", tmp_path / "file", source, range(600))
    check(volume, kind)
    with mounted(volume, tmp_path / "mnt") as mnt:
        assert (mnt / "file").read_bytes() == (tmp_path / "file").read_bytes()


@pytest.mark.parametrize("kind", [16, "exfat"])
def test_random_changes_by_several_programs(tmp_path, kind):
    """As fsstress: names and contents change at once in several directories, as they do on the host."""
    volume = make(tmp_path / "volume", kind)
    (tmp_path / "host").mkdir()
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        write_load.change_many(mnt, tmp_path / "host", 1, lambda: range(250))
        same(tmp_path / "host", mnt)
    check(volume, kind)
    with mounted(volume, tmp_path / "mnt") as mnt:
        same(tmp_path / "host", mnt)


@pytest.mark.parametrize("kind", [12, "exfat"])
def test_a_full_volume(tmp_path, kind):
    volume = make(tmp_path / "volume", kind)
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        with pytest.raises(OSError, match="No space left"):
            (mnt / "large").write_bytes(os.urandom(33 << 20))
        os.truncate(mnt / "large", 1000)
        (mnt / "after").write_bytes(b"y" * (1 << 20))
    check(volume, kind)
    with mounted(volume, tmp_path / "mnt") as mnt:
        assert (mnt / "after").read_bytes() == b"y" * (1 << 20)


def test_nothing_is_written_unasked(tmp_path):
    """Not even for mount(8), which passes rw by itself; and another program may not have it open."""
    volume = make_volume(tmp_path / "volume", 16)
    before = volume.read_bytes()
    by_mount = tmp_path / "mount.spindle"
    by_mount.symlink_to(MOUNT)
    (tmp_path / "mnt").mkdir()
    subprocess.run([by_mount, volume, tmp_path / "mnt", "-o", "rw"], check=True, timeout=60)
    try:
        with pytest.raises(OSError, match="Read-only"):
            (tmp_path / "mnt" / "new").write_text("x")
        assert "in use by a program" in run("-o", "rw", volume, tmp_path / "mnt")[2]
    finally:
        subprocess.run(["fusermount3", "-u", str(tmp_path / "mnt")], check=True, timeout=60)
    assert volume.read_bytes() == before
