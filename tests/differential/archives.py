"""Draws archives and patches for a tree, and lines for tar and patch.

An archive is written by Python's tarfile in one of three formats, and some are damaged. A patch is
the difference of two texts, one of which may have changed since. As in text.py, the options of a
line come from the tables.
"""
import difflib
import io
import random as generators
import re
import tarfile
from collections import Counter

ARCHIVE, PATCH, TARGET = "t.tar", "p.diff", "target"
TIME_S = 1_000_000_000
# No name has two slashes: of d//f, GNU's tar --strip-components=1 makes /f, outside the directory.
MEMBERS = ["a", "b", "a/b", "a/b/c", "./a", "d/", "d/e", "x.c", "é.txt", "a b", "-dash", ".hidden/f", "n" * 60 + "/" + "m" * 90,
           "n" * 120, "./d/./e", "Makefile"]
GLOBS = ["a", "*", "*.c", "b*", "a/*", "d", "./a", "[ab]", "*b", "e", "?"]
LINES = ["a", "b", "c", "foo", "", "  x", "}", "a", "foo bar", "é", "-- x", "+"]

VALUES = {
    ("tar", "C"): ["a", "b", "C", ".", "missing"], ("tar", "T"): ["a", "f.txt", "missing"], ("tar", "X"): ["a", "f.txt", "missing"],
    ("tar", "exclude"): GLOBS, ("tar", "group"): ["root", "x:5", "0"], ("tar", "owner"): ["root:0", "x"],
    ("tar", "mtime"): ["@0", "2024-05-01"], ("tar", "sort"): ["name", "none"], ("tar", "mode"): ["644", "a+x", "go-w", "u=rwx"], ("tar", "strip-components"): ["0", "1", "2", "9", "x"],
    ("patch", "F"): ["0", "1", "2", "3"], ("patch", "p"): ["0", "1", "2"], ("patch", "o"): ["out", "a", TARGET],
    ("patch", "i"): [PATCH, PATCH, PATCH, "missing", "a"],
}
NOT_COMPARED = {
    ("tar", "-c"): "drawn as modes", ("tar", "-t"): "", ("tar", "-x"): "", ("tar", "-f"): "", ("tar", "-v"): "with -t, other columns",
    ("tar", "--overwrite"): "GNU's does not allow it with -k",
    ("tar", "-z"): "other bytes; -t reads them", ("tar", "-I"): "as -z", ("tar", "-P"): "leaves the directory",
}


def draw_archive(random):
    """Returns the bytes of an archive, which may be damaged."""
    out = io.BytesIO()
    kind = random.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        for name in random.sample(MEMBERS, random.randint(0, 5)):
            if kind == tarfile.USTAR_FORMAT and len(name) > 100 and "/" not in name:
                continue
            member = tarfile.TarInfo(name)
            member.mtime = TIME_S
            content = b""
            if name.endswith("/"):
                member.type, member.mode = tarfile.DIRTYPE, 0o755
            else:
                content = random.choice([b"", b"x\n", b"y" * 512, b"z" * 1000])
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data = out.getvalue()
    damage = random.randrange(10)
    if damage == 0:
        return data[:random.randrange(len(data))]
    if damage == 1:
        return data.rstrip(b"\0") + bytes(-len(data.rstrip(b"\0")) % 512)  # without its end
    if damage == 2 and len(data) > 10240 - 512:
        return data[:148] + b"7" + data[149:]  # a wrong checksum
    return data


def draw_text(random, most):
    return [random.choice(LINES) + "\n" for _ in range(random.randrange(most))]


def edit(random, lines):
    """Returns the lines with a few changes."""
    lines = list(lines)
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(lines))
        kind = random.randrange(3)
        if kind == 0:
            lines.insert(at, random.choice(LINES) + "\n")
        elif lines and kind == 1:
            del lines[min(at, len(lines) - 1)]
        elif lines:
            lines[min(at, len(lines) - 1)] = "new\n"
    return lines


def draw_patch(random):
    """Returns (the patch, the text that it is to be applied to)."""
    old = draw_text(random, 25)
    new = edit(random, old) if random.randrange(8) else []
    if random.randrange(10) == 0:
        old, new = [], draw_text(random, 6)
    now = {0: new, 1: edit(random, old), 2: edit(random, old), 3: edit(random, new)}.get(random.randrange(8), old)
    # A last line without any bytes would be no line: GNU's patch cannot write it to its rejects.
    if old and old[-1] != "\n" and random.randrange(6) == 0:
        old[-1] = old[-1].rstrip("\n")
    names = random.choice([(TARGET, TARGET), ("a/" + TARGET, "b/" + TARGET), (TARGET + ".orig", TARGET), ("x/y/" + TARGET, TARGET),
                           ("/dev/null", TARGET), (TARGET, "/dev/null"), ("none", "nothing")])
    time = "2001-09-09 01:46:40.000000000 +0000" if "/dev/null" not in names else "1970-01-01 00:00:00.000000000 +0000"
    text = ["# a comment\n"] if random.randrange(4) == 0 else []
    for line in difflib.unified_diff(old, new, *names, time, time, n=random.choice([3, 3, 3, 1, 0])):
        text.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    if random.randrange(12) == 0 and len(text) > 4:
        del text[random.randrange(4, len(text))]
    return "".join(text).encode(), "".join(now).encode()


def add(random, tree):
    """Adds an archive, a patch and its target to a tree."""
    tree[ARCHIVE] = draw_archive(random)
    tree[PATCH], tree[TARGET] = draw_patch(random)


def drawn_options(random, command, changes, option_words):
    words = []
    for _ in range(random.choice([0, 0, 1, 1, 2])):
        words += option_words(random, command, changes)
    return words


def tar_words(random, tree, changes, option_words):
    """Returns the stages of a pipeline: an archive is read, or written and read again."""
    options = drawn_options(random, "tar", changes, option_words)
    paths = [path for path in tree if not path.startswith("-")]
    reads = ["tar", "-x", *random.choice([[], ["-v"]])] if changes else ["tar", random.choice(["-t", "-t", "-xO"])]
    if ARCHIVE in tree and random.randrange(2):
        members = [name.rstrip("/") for name in random.sample(MEMBERS, random.choice([0, 0, 0, 1, 2]))]
        return [[*reads, "-f", ARCHIVE, *options, *(name for name in members if not name.startswith("-"))]]
    names = [random.choice(paths + ["missing"]) for _ in range(random.randint(1, 3))]
    if not changes:
        return [["tar", "-c", *options, *names], [*reads, *random.choice([[], ["-C", "b"], ["-k"]])]]

    # Never into a directory that is read: a copy may be read, too.
    folders = [path for path in paths if tree[path] is None and not any(path.startswith(name) for name in names)]
    return [["tar", "-c", *options, *names], [*reads, "-C", random.choice(folders or ["missing"])]]


def patch_words(random, option_words):
    words = ["patch", *drawn_options(random, "patch", True, option_words)]
    if not any(word.startswith(("-i", "--input")) for word in words) and random.randrange(4):
        words += ["-i", PATCH]
    return words + random.choice([[], [TARGET], [TARGET], [TARGET, PATCH], ["missing"], ["a"]])


def seeded(seed):
    """A tree with an archive and a patch, for tries by hand."""
    tree = {}
    add(generators.Random(seed), tree)
    return tree


def same_but_rejects(ours, theirs):
    """Returns whether both trees are the same, except files of rejected hunks."""
    changed = set(ours.tree.splitlines()) ^ set(theirs.tree.splitlines())
    return all(line.endswith(".rej") for line in changed)


def replaces_input(text):
    """Returns whether the file of -o is the one that patch reads."""
    found = re.search(r"patch.* (?:-o|--output)[ =]?(\w+)", text)
    rest = found and text[:found.start(1)] + text[found.end(1):]
    return found and (found.group(1) == TARGET or re.search(rf"[ i=]{found.group(1)}( |$)", rest))


def names_directory(line, ours):
    """Returns whether -T or -X names a directory of the tree that the line may change."""
    found = re.search(r"tar .*(?:-T|-X|-from)[ =]?([\w.]+)", line.text)
    return found and f"d\t0\t-\t{found.group(1)}\n" in ours.tree


def gives_twice(text):
    """Returns whether an archive is written with an option that may be given once."""
    return re.search(r"tar -c.* --(group|mode|mtime|owner|sort|strip-components)[ =].* --\1[ =].*\| tar", text)


def extracts_more(ours, theirs):
    """Returns whether all of their tree is in ours, which may have more."""
    return not set(theirs.tree.splitlines()) - set(ours.tree.splitlines())


def bytes_of(answer):
    """Returns the bytes of all files of a tree."""
    return sum(int(node.split("\t")[1]) for node in answer.tree.splitlines())


# Differences that are intended, as in intended.py.
INTENDED = [
    ("patch asks no questions: the answer is always no",
     "GNU's patch asks on the terminal, and prints its questions even if there is none",
     lambda line, ours, theirs: "patch" in line.text and re.search(rb"\? \[[ny]\]|File to patch:", theirs.output)
     and ours.status == theirs.status and same_but_rejects(ours, theirs)),
    ("patch rejects the hunks of a file that does not exist",
     "GNU's patch may end with an error when it opens that file again",
     lambda line, ours, theirs: "patch" in line.text and b"Can't reopen file" in theirs.errors and ours.status),
    ("patch -o FILE may name the file that is patched",
     "GNU's patch empties it first",
     lambda line, ours, theirs: replaces_input(line.text)),
    ("patch -o creates no file if there is nothing to write, and none with --dry-run",
     "GNU's patch creates it",
     lambda line, ours, theirs: re.search(r"patch .*(-o|--output)", line.text) and ours.status == theirs.status
     and ("--dry-run" in line.text
          or all(node.startswith("f\t0\t") for node in set(theirs.tree.splitlines()) - set(ours.tree.splitlines())))
     or re.search(rb"Can't create file|malformed patch", theirs.errors) and ours.status
     or b"Can't create file" in theirs.errors and not ours.output and ours.tree == theirs.tree),
    ("patch does not report that its last line has no end",
     "GNU's patch does",
     lambda line, ours, theirs: "patch" in line.text and ours.status == theirs.status and ours.tree == theirs.tree
     and theirs.output.replace(b"patch unexpectedly ends in middle of line\n", b"") == ours.output),
    ("patch inserts lines after a last line that has no end as lines of their own",
     "with fuzz, GNU's patch appends the first one to that line",
     lambda line, ours, theirs: "patch" in line.text and ours.output == theirs.output and b" with fuzz " in ours.output
     and ours.status == theirs.status and bytes_of(ours) == bytes_of(theirs) + 1),
    ("patch reads unified differences only",
     "GNU's patch also reads scripts of ed",
     lambda line, ours, theirs: "patch" in line.text and (b"ed FAILED" in theirs.errors
     or b"(Patch is indented" in theirs.output and (ours.status, ours.tree) == (theirs.status, theirs.tree))),
    ("tar -T reads lines, whatever is in them",
     "GNU's tar reads names that end with NUL if there is one",
     lambda line, ours, theirs: re.search(r"tar .*-(T|-files-from)", line.text) and b"contains nul character" in theirs.errors),
    ("patch does not examine whether lines differ in their ends only",
     "GNU's patch reports that",
     lambda line, ours, theirs: "patch" in line.text and b" (different line endings)" in theirs.output
     and theirs.output.replace(b" (different line endings)", b"") == ours.output),
    ("tar -T and -X DIRECTORY are errors",
     "GNU's tar reads it as an empty file",
     lambda line, ours, theirs: re.search(r"tar .*(-T|-X|-from)", line.text)
     and (b"s a directory" in ours.errors or "tar -c" in line.text and ours.status and not theirs.status
          or ours.status and names_directory(line, ours))),
    ("tar extracts what a truncated archive contains of a member",
     "GNU's tar extracts whole blocks",
     lambda line, ours, theirs: "tar -x" in line.text and ours.status and b"Unexpected EOF" in theirs.errors),
    ("tar -c stores a file that is named twice twice",
     "GNU's tar stores a hard link, of which tar -xO prints nothing, and which is lost if the file cannot be extracted",
     lambda line, ours, theirs: ours.status == theirs.status and not Counter(theirs.output) - Counter(ours.output)
     and (re.search(r"tar -c.* tar -xO", line.text)
          or re.search(r"tar -c.* tar -x", line.text) and b"Cannot hard link to" in theirs.errors
          and extracts_more(ours, theirs))),
    ("tar reports an archive that ends within a header",
     "GNU's tar ignores the part of a header",
     lambda line, ours, theirs: re.search(r"tar -[tx]", line.text) and b": Unexpected EOF in archive\n" in ours.errors
     and not theirs.status and (ours.output, ours.tree) == (theirs.output, theirs.tree)),
    ("tar finds a member for each operand that names it or its directory",
     "GNU's tar does so for the first one only",
     lambda line, ours, theirs: re.search(r"tar -[tx]", line.text) and ours.output == theirs.output and ours.tree == theirs.tree
     and b"Not found in archive" in theirs.errors and not ours.status),
    ("tar -C DIRECTORY must exist",
     "GNU's tar needs it only to extract a member",
     lambda line, ours, theirs: re.search(r"tar .*(-C|--directory)", line.text) and ours.status and not theirs.status
     and re.search(rb"No such file|Not a directory", ours.errors)),
    ("tar --mtime does not report how it reads the date",
     "GNU's tar does",
     lambda line, ours, theirs: "--mtime" in line.text and b": Treating date" in theirs.errors
     and (ours.status, ours.output, ours.tree) == (theirs.status, theirs.output, theirs.tree)),
]
