"""Promise: with -o rw, build/host/spindle-mount lets the programs of the host write a FAT or exFAT volume
as they write the host's own file system."""
import concurrent.futures
import os
import random
import shutil
import subprocess

import pytest

from test_fat import make_volume
from test_mount import CHECKED, MOUNT, fixture_tree, mounted, needs_fuse, run, same  # noqa: F401

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
        assert (mnt / "Name").stat().st_mtime == 1000000000
    check(volume, kind)
    with mounted(volume, tmp_path / "mnt") as mnt:
        same(files, mnt)
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


@pytest.mark.parametrize("kind", [16, "exfat"])
def test_names(tmp_path, kind):
    volume = make(tmp_path / "volume", kind)
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        (mnt / "a").write_text("first")
        (mnt / "b").write_text("second")
        os.replace(mnt / "a", mnt / "b")
        assert (mnt / "b").read_text() == "first" and not (mnt / "a").exists()

        # a directory with files that the kernel knows is moved
        (mnt / "dir" / "below").mkdir(parents=True)
        (mnt / "dir" / "below" / "file").write_text("text")
        os.rename(mnt / "dir", mnt / "other")
        assert (mnt / "other" / "below" / "file").read_text() == "text"
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
        with open(mnt / "file", "w+b", buffering=0) as one, \
                open(tmp_path / "file", "w+b", buffering=0) as other:
            for _ in range(600):
                at, count = source.randrange(1 << 18), source.randrange(1 << 16)
                action = source.randrange(10)
                for file in (one, other):
                    if action == 0:
                        file.truncate(at)
                    elif action == 1:
                        os.fsync(file.fileno())
                    else:
                        file.seek(at)
                if action > 5:
                    data = source.randbytes(count)
                    one.write(data)
                    other.write(data)
                elif action > 1:
                    assert one.read(count) == other.read(count)
    check(volume, kind)
    with mounted(volume, tmp_path / "mnt") as mnt:
        assert (mnt / "file").read_bytes() == (tmp_path / "file").read_bytes()


class Actor:
    """Changes a directory of its own at random, and one of the host alike."""

    def __init__(self, roots, seed):
        self.roots, self.source, self.files, self.folders = roots, random.Random(seed), set(), {"."}
        for root in roots:
            root.mkdir()

    def some(self, names):
        return self.source.choice(sorted(names))

    def new_name(self):
        name = f"{self.source.choice('nN')}ame {self.source.randrange(10**9)}"
        return os.path.normpath(f"{self.some(self.folders)}/{name}")

    def step(self):
        action = self.source.randrange(9)
        if action == 0 or not self.files:
            name, data = self.new_name(), self.source.randbytes(self.source.randrange(40000))
            self.each(lambda path: path.write_bytes(data), name)
            self.files.add(name)
        elif action == 1:
            name = self.new_name()
            self.each(lambda path: path.mkdir(), name)
            self.folders.add(name)
        elif action == 2:
            name = self.some(self.files)
            self.each(lambda path: path.unlink(), name)
            self.files.remove(name)
        elif action == 3:
            old, new = self.some(self.files), self.source.choice([self.new_name(), self.some(self.files)])
            for root in self.roots:
                os.replace(root / old, root / new)
            self.files.remove(old)
            self.files.add(new)
        elif action == 4:
            self.move_folder()
        elif action == 5:
            size, name = self.source.randrange(60000), self.some(self.files)
            self.each(lambda path: os.truncate(path, size), name)
        elif action == 6:
            name = self.some(self.files)
            contents = [(root / name).read_bytes() for root in self.roots]
            assert contents[0] == contents[1], name
        else:
            name, data = self.some(self.files), self.source.randbytes(5000)
            at, sync = self.source.randrange(30000), self.source.randrange(5) == 0
            self.each(lambda path: self.overwrite(path, at, data, sync), name)

    def each(self, change, name):
        for root in self.roots:
            change(root / name)

    @staticmethod
    def overwrite(path, at, data, sync):
        with open(path, "r+b", buffering=0) as file:
            file.seek(at)
            file.write(data)
            if sync:
                os.fsync(file.fileno())

    def move_folder(self):
        old, new = self.some(self.folders), self.new_name()
        if old == "." or (new + "/").startswith(old + "/"):
            return
        for root in self.roots:
            os.rename(root / old, root / new)

        def moved(names):
            return {new + name[len(old):] if (name + "/").startswith(old + "/") else name
                    for name in names}
        self.files, self.folders = moved(self.files), moved(self.folders)


@pytest.mark.parametrize("kind", [16, "exfat"])
def test_random_changes_by_several_programs(tmp_path, kind):
    """As fsstress: names and contents change at once in several directories, as they do on the host."""
    volume, rounds = make(tmp_path / "volume", kind), 250
    (tmp_path / "host").mkdir()
    with mounted(volume, tmp_path / "mnt", "-o", "rw", program=CHECKED) as mnt:
        actors = [Actor((mnt / str(n), tmp_path / "host" / str(n)), n) for n in range(4)]

        def act(actor):
            for _ in range(rounds):
                actor.step()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            list(pool.map(act, actors))
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
