"""Command lines: drawn from the commands' own option tables, which `COMMAND --help` prints.

A new option of a command is therefore tried by itself; one whose value is not known to VALUES gets a
word or a number. find's expression, which is no table of options, has a grammar of its own.
"""
import re
import subprocess
from functools import lru_cache

from hypothesis import strategies as st

import both
from intended import NOT_COMPARED

READERS = ["cat", "head", "tail", "wc", "sort", "grep", "cmp", "sha256sum", "ls", "find", "echo"]
WRITERS = ["cp", "mv", "rm", "mkdir", "rmdir", "touch", "tee", "sort", "find"]
OPTION = re.compile(r"^  (?=-)(?:-(\w))?(?:, )?(?:--([\w-]+))?(?:[= ]([^ ]+))?(?: |$)")

PATTERNS = ["a", "b", "foo", "^a", "b$", "a.b", "[ab]", "[^a]", "a*", "", ".", "^$", "a\\|b", "a|b", "(a|b)c",
            "\\(a\\)b", "a\\{2\\}", "a{2}", "x[0-9]", "é", "\\.", "[[:digit:]]", "\\<a", "b\\>", "\\bfoo\\b", "a\nb",
            "-3", "*a", "[]a]", "[a-c]x*", "\\w+", "A"]
COUNTS = ["0", "1", "2", "3", "10", "98", "-0", "-1", "-2", "-98", "+0", "+1", "+2", "+98", "1k", "1b", "x", "", "1x",
          "99999999999999999999", "-1K", "0x2"]
KEYS = ["1", "2", "1,1", "2,2n", "1.2", "2r", "1,2f", "3", "1b,1", "2n,2", "0", "x", "1.0", "1,", "2b", "1.2,1.3"]
SEPARATORS = [":", " ", ".", "a", "\\0", "::", ""]
VALUES = {
    ("grep", "e"): PATTERNS, ("sort", "k"): KEYS, ("sort", "t"): SEPARATORS, ("sort", "o"): ["out", "a", "b"],
    ("grep", "f"): ["a", "b", "f.txt", "missing"],
}


@lru_cache(maxsize=None)
def options(command):
    """((letter or None, name or None, takes a value), ...) of a command's table."""
    text = subprocess.run([both.SPINDLE, blank_image(), "-c", f"{command} --help"], capture_output=True, check=True,
                          text=True, timeout=20).stdout
    found = []
    for line in text.splitlines()[2:]:
        match = OPTION.match(line)
        if not match or match.group(2) == "help":
            continue
        letter, name, value = match.groups()
        if (command, f"-{letter}") not in NOT_COMPARED and (command, f"--{name}") not in NOT_COMPARED:
            found.append((letter, name, value is not None))
    return tuple(found)


@lru_cache(maxsize=None)
def blank_image():
    import os, tempfile, trees, atexit, shutil
    folder = tempfile.mkdtemp(prefix="differential-")
    atexit.register(shutil.rmtree, folder)
    os.mkdir(f"{folder}/none")
    trees.image(f"{folder}/none", f"{folder}/none.iso")
    return f"{folder}/none.iso"


def quoted(word):
    """The word for either shell's parser."""
    if "\n" in word:
        return "$'" + word.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    return word if re.fullmatch(r"[\w./+=,:%@-]+", word) else "'" + word.replace("'", "'\\''") + "'"


@st.composite
def option_words(draw, command, changes):
    """The words of one option, in one of its forms. A line that only reads writes no file with -o."""
    table = [entry for entry in options(command) if changes or (command, entry[0]) != ("sort", "o")]
    if not table:
        return []
    letter, name, takes = draw(st.sampled_from(table))
    if not takes:
        return ["-" + letter] if letter and (not name or draw(st.booleans())) else ["--" + name]
    pool = VALUES.get((command, letter or name), COUNTS)
    value = draw(st.sampled_from(pool))
    forms = []
    if letter:
        forms += [["-" + letter, value], ["-" + letter + value]] if value else [["-" + letter, value]]
    if name:
        forms += [["--" + name + "=" + value], ["--" + name, value]]
    return draw(st.sampled_from(forms))


def operands(tree):
    """Words that name something in the tree, or nothing."""
    paths = list(tree)
    pool = [st.sampled_from(paths)] * 6 if paths else []
    pool += [st.sampled_from(["missing", ".", "no/where", "new"])]
    if paths:
        pool += [st.builds(lambda p: p + "/", st.sampled_from(paths)),
                 st.builds(lambda p: "./" + p, st.sampled_from(paths)),
                 st.builds(lambda p, n: p + "/" + n, st.sampled_from(paths), st.sampled_from(["new", "a", "new/"]))]
    return st.one_of(*pool)


COUNT_OF_OPERANDS = {"cp": (1, 3), "mv": (1, 3), "cmp": (1, 2), "tee": (0, 2), "echo": (0, 3), "mkdir": (0, 3)}


@st.composite
def table_lines(draw, tree, command, changes):
    """A line of a command that has a table of options."""
    words = [command]
    for _ in range(draw(st.integers(0, 3))):
        words += draw(option_words(command, changes))
    low, high = COUNT_OF_OPERANDS.get(command, (0, 3))
    if command == "grep":
        words.append(draw(st.sampled_from(PATTERNS)))
    names = draw(st.lists(operands(tree), min_size=low, max_size=high))
    # A name that begins with a dash is meant as a name.
    words += ["--"] if any(name.startswith("-") for name in names) else []
    text = " ".join(quoted(word) for word in words + names)
    files = [path for path, what in tree.items() if isinstance(what, bytes)]
    if files and draw(st.integers(0, 3)) == 0:
        text = f"cat -- {quoted(draw(st.sampled_from(files)))} | {text}"
    return both.Line(text, changes)


# ---- find ---------------------------------------------------------------------------------------------

def find_primaries(changes):
    globs = st.sampled_from(["*", "a*", "*.txt", "?", "[ab]*", "B", "*b", ".*", "x.c", "", "\\*", "[!a]*"])
    paths = st.sampled_from(["*", "./a*", "*/b", "./*/*", ".", "*a b*"])
    sizes = st.sampled_from(["0", "1", "+0", "-1", "+1c", "-3c", "1k", "+1k", "3c", "0c", "-2b", "1w", "x", "1z"])
    tests = [
        st.builds(lambda v: ["-name", v], globs), st.builds(lambda v: ["-iname", v], globs),
        st.builds(lambda v: ["-path", v], paths), st.sampled_from([["-type", t] for t in ("f", "d", "l", "f,d", "q")]),
        # directories have sizes of their own on each file system
        st.builds(lambda v: ["(", "!", "-type", "d", "-size", v, ")"], sizes), st.just(["-empty"]),
        st.just(["-print"]), st.just(["-print0"]),
        st.builds(lambda v: ["-newer", v], st.sampled_from(["a", "b", "f.txt", "missing"])), st.just(["-prune"]),
        st.builds(lambda v: ["-maxdepth", v], st.sampled_from(["0", "1", "2", "x", "-1"])),
        st.builds(lambda v: ["-mindepth", v], st.sampled_from(["0", "1", "2"])),
        st.sampled_from([["-exec", "echo", "{}", ";"], ["-exec", "echo", "x", "{}", "+"], ["-exec", "false", ";"],
                         ["-exec", "echo", "{}{}", ";"]]),
    ]
    return st.one_of(*tests, *([st.just(["-delete"])] if changes else []))


def find_expressions(changes):
    def wider(inner):
        return st.one_of(
            st.builds(lambda e: [draw_not, *e] if (draw_not := "!") else e, inner),
            st.builds(lambda e: ["(", *e, ")"], inner),
            st.builds(lambda a, op, b: [*a, *op, *b], inner,
                      st.sampled_from([[], ["-a"], ["-o"], ["-and"], ["-or"], ["-not"]]), inner))
    return st.recursive(find_primaries(changes), wider, max_leaves=4)


@st.composite
def find_lines(draw, tree, changes):
    starts = draw(st.lists(operands(tree).filter(lambda name: not name.startswith("-")), max_size=2))
    words = ["find", *starts, *draw(st.one_of(st.just([]), find_expressions(changes)))]
    text = " ".join(quoted(word) for word in words)
    return both.Line(text, changes)


@st.composite
def lines(draw, tree):
    if draw(st.booleans()) or any(isinstance(what, str) for what in tree.values()):
        command, changes = draw(st.sampled_from(READERS)), False
    else:
        command, changes = draw(st.sampled_from(WRITERS)), True
    if command == "find":
        return draw(find_lines(tree, changes))
    return draw(table_lines(tree, command, changes))


@st.composite
def batches(draw, size):
    """(tree, lines): lines that are tried on one tree."""
    import trees
    tree = draw(trees.trees(draw(st.booleans())))
    count = draw(st.integers(1, size))
    return tree, draw(st.lists(lines(tree), min_size=count, max_size=count))
