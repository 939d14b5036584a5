"""Loads a mount that can be written, and does the same on the file system of the host."""
import concurrent.futures
import os
import random

import mount_load


def change_one(path, other, source, times):
    """As fsx: one file, written, cut, extended and read at random, for each element of `times`."""
    with open(path, "w+b", buffering=0) as one, open(other, "w+b", buffering=0) as two:
        for _ in times:
            at, count = source.randrange(1 << 18), source.randrange(1 << 16)
            action = source.randrange(10)
            for file in (one, two):
                if action == 0:
                    file.truncate(at)
                elif action == 1:
                    os.fsync(file.fileno())
                else:
                    file.seek(at)
            if action > 5:
                data = source.randbytes(count)
                one.write(data)
                two.write(data)
            elif action > 1:
                assert one.read(count) == two.read(count)


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


def change_many(root, other, seed, times):
    """As fsstress: names and contents change at once in four directories of both roots, while the
    host's kernel forgets them. Each actor does a step for each element of times()."""
    actors = [Actor((root / str(n), other / str(n)), 4 * seed + n) for n in range(4)]

    def act(actor):
        for _ in times():
            actor.step()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        done = [pool.submit(act, actor) for actor in actors]
        while concurrent.futures.wait(done, timeout=0.02).not_done:
            mount_load.drop_caches()
        for actor in done:
            actor.result()
