"""Draws random trees for commands, and writes them for both shells.

A tree is a dictionary: path -> bytes (a file), None (a directory) or str (the target of a link).
Directories are listed before their contents. Names and contents are drawn from small pools, so that
special cases are frequent: equal files, prefixes of each other, missing line ends, NULs, long
lines. """
import hashlib
import os
import subprocess

# No two names differ only in case, since lookup on the disc ignores case.
NAMES = ["a", "b", "ab", "f.txt", "x.c", "C", "a b", "é.txt", ".hidden", "10", "9", "-dash", "Makefile"]

WORDS = ["a", "b", "ab", "abc", "A", "Ab", "foo", "foo bar", "10", "9", "-3", "2.5", "  lead", "a.b", "_x",
         "é", "[", "^", "x1y2", "aa", "bb aa", "a\tb", "z", "a:b:c", "1.10", "1.9", "a10", "a9", "2K", "-1M", "1.5G", "jan", "Feb 3", "x-1.2.tar.gz", "x-1.10.tar.gz", "~b", "b:a:2", "1:z", ""]


SPECIAL = [b"", b"\n", b"a", b"\0", b"a\0b\nc\n", b"\n\n\n", b"\xff\xfe\n", bytes(range(256)),
           b"".join(b"%d\n" % i for i in range(1, 121)), b"y" * 70000 + b"\nshort\n",
           b"b\0z\nb\0a\n", b"a\r\nb\r\n", b"x" * 512, b"x" * 513]


def draw_contents(random):
    """Draws the contents of a file; most are lines of words."""
    if random.randrange(4) == 0:
        return random.choice(SPECIAL)
    lines = [random.choice(WORDS) for _ in range(random.randrange(15))]
    return ("\n".join(lines) + random.choice(["\n", "\n", "\n", "", "\r\n"])).encode()


def draw_tree(random, links):
    """Draws a tree of at most ten nodes. links: including symbolic links."""
    tree = {}
    folders = [""]
    for _ in range(random.randint(2, 10)):
        parent = random.choice(folders)
        path = (parent + "/" if parent else "") + random.choice(NAMES)
        if path in tree or path.count("/") > 3:
            continue
        kind = random.choice("fffffddl" if links else "fffffdd")
        if kind == "f":
            tree[path] = draw_contents(random)
        elif kind == "d":
            tree[path] = None
            folders.append(path)
        else:
            tree[path] = random.choice(["a", "f.txt", "missing", ".", "C"])
    return tree


def write(tree, folder):
    """Writes the tree to a directory of the host. Modification times are fixed, a minute apart."""
    os.makedirs(folder)
    for number, (path, what) in enumerate(tree.items()):
        where = os.path.join(folder, path)
        if what is None:
            os.mkdir(where)
        elif isinstance(what, str):
            os.symlink(what, where)
        else:
            with open(where, "wb") as out:
                out.write(what)
        os.utime(where, (1_000_000_000 + 60 * number,) * 2, follow_symlinks=False)
    for number, (path, what) in enumerate(tree.items()):
        if what is None:
            os.utime(os.path.join(folder, path), (1_000_000_000 + 60 * number,) * 2)


def image(folder, iso):
    """Writes the folder to an ISO 9660 image with Rock Ridge."""
    subprocess.run(["genisoimage", "-quiet", "-R", "-o", iso, folder], check=True, timeout=60,
                   capture_output=True)


def manifest(folder):
    """Returns the lines that Spindle's `manifest` prints for a directory, without the times."""
    found = []
    for here, folders, files in os.walk(folder):
        for name in folders + files:
            full = os.path.join(here, name)
            path = os.path.relpath(full, folder).encode()
            if os.path.islink(full):
                target = os.readlink(full)
                found.append((path, f"l\t{len(target.encode())}\t-", f" -> {target}"))
            elif os.path.isdir(full):
                found.append((path, "d\t0\t-", ""))
            else:
                with open(full, "rb") as file:
                    data = file.read()
                found.append((path, f"f\t{len(data)}\t{hashlib.sha256(data).hexdigest()}", ""))
    return "".join(f"{head}\t{escaped(path)}{tail}\n" for path, head, tail in sorted(found))


def escaped(path):
    """Escapes a path as `manifest` does (the Book, chapter 6)."""
    out = []
    for byte in path.decode("utf-8", "surrogateescape"):
        out.append(f"\\x{ord(byte):02X}" if byte < " " or byte in "\x7f\\" else byte)
    return "".join(out).replace(" -> ", " -\\x3E ")


def without_times(text):
    """Drops the fourth column of a manifest."""
    lines = []
    for line in text.splitlines():
        part = line.split("\t")
        lines.append("\t".join(part[:3] + part[4:]) if len(part) >= 5 else line)
    return "".join(line + "\n" for line in lines)
