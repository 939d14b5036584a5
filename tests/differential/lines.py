"""Draws random command lines from the option tables that `COMMAND --help` prints.

A new option is therefore tested without changes here. If VALUES has no entry for an option, its
values are drawn from COUNTS. The expressions of find have a separate grammar.

All choices use a random.Random: that of hypothesis, which can shorten a failing example, or a
seeded one, which is many times as fast. """
import atexit
import os
import re
import shutil
import subprocess
import tempfile
from functools import lru_cache

import archives
import both
import text
import trees
from intended import NOT_COMPARED

READERS = ["cat", "head", "tail", "wc", "sort", "grep", "cmp", "sha256sum", "ls", "find", "echo",
           "basename", "dirname", "readlink", "realpath", "date", "tar",
           *text.READERS]
WRITERS = [*text.WRITERS, "cp", "mv", "rm", "mkdir", "rmdir", "touch", "tee", "sort", "find", "ln", "truncate", "dd", "tar", "patch"]
ALWAYS = {"ln": ["-s"]}  # options that each line has
OPTION = re.compile(r"^  (?=-)(?:-(\w))?(?:, )?(?:--([\w-]+))?(?:(?:\[=|=| (?=[A-Z\[]))([^ ]+))?(?: |$)")

PATTERNS = ["a", "b", "foo", "^a", "b$", "a.b", "[ab]", "[^a]", "a*", "", ".", "^$", "a\\|b", "a|b", "(a|b)c",
            "\\(a\\)b", "a\\{2\\}", "a{2}", "x[0-9]", "é", "\\.", "[[:digit:]]", "\\<a", "b\\>", "\\bfoo\\b", "a\nb",
            "-3", "*a", "[]a]", "[a-c]x*", "\\w+", "A"]
COUNTS = ["0", "1", "2", "3", "10", "98", "-0", "-1", "-2", "-98", "+0", "+1", "+2", "+98", "1k", "1b", "x", "", "1x",
          "99999999999999999999", "-1K", "0x2"]
KEYS = ["1V", "2h", "1M,1", "1,1V", "1", "2", "1,1", "2,2n", "1.2", "2r", "1,2f", "3", "1b,1", "2n,2", "0", "x", "1.0", "1,", "2b", "1.2,1.3"]
SEPARATORS = [":", " ", ".", "a", "\\0", "::", ""]
VALUES = {
    ("grep", "e"): PATTERNS, ("sort", "k"): KEYS, ("sort", "t"): SEPARATORS, ("sort", "o"): ["out", "a", "b"],
    ("grep", "f"): ["a", "b", "f.txt", "missing"],
    ("grep", "include"): ["*.txt", "a*", "*", "[ab]"], ("grep", "exclude"): ["*.c", "a", "?", "*b"], ("grep", "exclude-dir"): ["a", "b*", "C"],
    ("grep", "color"): ["never"], ("tail", "s"): ["1"], ("sort", "check"): ["quiet"],
    ("basename", "s"): [".txt", "b", "a", ""], ("realpath", "relative-to"): [".", "a", "b/new", "C", "a b"],
    ("mkdir", "m"): ["755", "0", "u=rwx,go=", "a+x", "x", "9", "+w"],
    ("truncate", "s"): ["0", "3", "+5", "-2", "<4", ">4", "%4", "1K", "x", "%0", ""], ("truncate", "r"): ["a", "b", "missing"],
    ("cp", "t"): ["a", "b", "C", ".", "missing"], ("mv", "t"): ["a", "b", "C", ".", "missing"],
    ("cp", "preserve"): ["mode", "timestamps", "all", "q"], ("cp", "no-preserve"): ["mode", "timestamps", "q"],
    ("touch", "d"): ["2024-05-01", "@0", "tomorrow", "xx", "1 Jan 2001 12:00"], ("touch", "r"): ["a", "b", "missing", "."],
    ("touch", "t"): ["202405011230", "05011230", "9905011230.59", "1", "202413011230", "200001010000.61"],
    ("touch", "time"): ["atime", "mtime", "access", "use", "modify", "x", "a"],
    ("ls", "w"): ["1", "5", "9", "20", "0"], ("ls", "I"): ["a*", "*", ".*", "[ab]", "?"],
    ("ls", "sort"): ["size", "extension", "version", "x"], ("ls", "format"): ["single-column", "commas", "x"],
    ("ls", "indicator-style"): ["none", "slash", "file-type", "classify", "x"],
    ("ls", "time-style"): ["full-iso", "long-iso", "iso", "+%F"],
    ("cmp", "i"): ["0", "1", "2:1", "0:3", "x"], ("cmp", "n"): ["0", "1", "3", "1K", "x"],
    ("realpath", "relative-base"): [".", "a", "b", "C"], ("xargs", "P"): ["1"], ("xargs", "e"): ["a", "b", ""],
    ("ln", "t"): ["a", "b", "C", ".", "missing"],
    **text.VALUES, **archives.VALUES,
}


only = []  # the commands to try; empty: all of them


@lru_cache(maxsize=None)
def options(command):
    """Returns a command's options: ((letter or None, name or None, takes a value), ...)."""
    shown = subprocess.run([both.SPINDLE, blank_image(), "-c", f"{command} --help"], capture_output=True, check=True,
                          text=True, timeout=20).stdout
    found = []
    for line in shown.splitlines()[2:]:
        match = OPTION.match(line)
        if not match or match.group(2) == "help":
            continue
        letter, name, value = match.groups()
        if (command, f"-{letter}") not in NOT_COMPARED and (command, f"--{name}") not in NOT_COMPARED:
            found.append((letter, name, value is not None))
    return tuple(found)


@lru_cache(maxsize=None)
def blank_image():
    folder = tempfile.mkdtemp(prefix="differential-")
    atexit.register(shutil.rmtree, folder)
    os.mkdir(f"{folder}/none")
    trees.image(f"{folder}/none", f"{folder}/none.iso")
    return f"{folder}/none.iso"


def quoted(word):
    """Quotes a word for both shells."""
    if "\n" in word:
        return "$'" + word.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
    return word if re.fullmatch(r"[\w./+=,:%@-]+", word) else "'" + word.replace("'", "'\\''") + "'"


def option_words(random, command, changes):
    """Draws an option, in one of its forms. A line that only reads never gets sort's -o."""
    table = [entry for entry in options(command) if changes or (command, entry[0]) != ("sort", "o")]
    if not table:
        return []
    letter, name, takes = random.choice(table)
    if not takes:
        return ["-" + letter] if letter and (not name or random.randrange(2)) else ["--" + name]
    values = VALUES.get((command, letter or name), COUNTS)
    value = values(random) if callable(values) else random.choice(values)
    forms = []
    if letter:
        forms += [["-" + letter, value], ["-" + letter + value]] if value else [["-" + letter, value]]
    if name:
        forms += [["--" + name + "=" + value], ["--" + name, value]]
    return random.choice(forms)


def operand(random, tree):
    """Draws an operand: usually a path in the tree, sometimes one that does not exist."""
    paths = list(tree)
    kind = random.randrange(10) if paths else 6
    if kind < 6:
        return random.choice(paths)
    if kind == 6:
        return random.choice(["missing", ".", "no/where", "new"])
    path = random.choice(paths)
    return {7: path + "/", 8: "./" + path, 9: path + "/" + random.choice(["new", "a", "new/"])}[kind]


COUNT_OF_OPERANDS = {"cp": (1, 3), "mv": (1, 3), "cmp": (1, 2), "tee": (0, 2), "echo": (0, 3), "mkdir": (0, 3), "ln": (1, 3),
                     "basename": (1, 3), **text.COUNTS}


def is_text(what):
    """Whether GNU's grep takes a node of a tree for text, if it is a file."""
    if not isinstance(what, bytes):
        return True
    try:
        return "\0" not in what.decode()
    except UnicodeDecodeError:
        return False


def names_binary(tree, line):
    """Whether a line names a file that is not text; with -r it may find any."""
    anywhere = re.search(r" (-\w*[rR]|--recursive|--dereference-recursive)", line)
    line += "".join(" " + what for path, what in tree.items()
                    if isinstance(what, str) and quoted(path.split("/")[-1]) in line)
    return any(not is_text(what) and (anywhere or quoted(path.split("/")[-1]) in line or path in line)
               for path, what in tree.items())


def text_line(random, tree, command, words):
    """A line of a command whose operands are not files."""
    line = " ".join(quoted(word) for word in words)
    files = [path for path, what in tree.items() if isinstance(what, bytes)]
    if files and (command in text.FROM_INPUT or random.randrange(4) == 0):
        line = f"cat -- {quoted(random.choice(files))} | {line}"
    return both.Line(line, False, names_binary(tree, line))


def table_line(random, tree, command, changes):
    """Draws a line for a command with a table of options."""
    words = [command, *ALWAYS.get(command, [])]
    for _ in range(random.randint(0, 3)):
        words += option_words(random, command, changes)
    if command == "grep" and not re.search(r" (-e|-f|--regexp|--file)", " ".join(words)):
        words.append(random.choice(PATTERNS))
    if command in text.NEEDED:
        words += text.NEEDED[command](random, words)
    if command in text.OPERANDS:
        return text_line(random, tree, command, words + text.OPERANDS[command](random))
    names = [operand(random, tree) for _ in range(random.randint(*COUNT_OF_OPERANDS.get(command, (0, 3))))]
    # Names that begin with a dash are operands, not options.
    words += ["--"] if any(name.startswith("-") for name in names) else []
    line = " ".join(quoted(word) for word in words + names)
    # Never a file that the line may write to: it may be read before, or after.
    files = [path for path, what in tree.items() if isinstance(what, bytes)
             and not (changes and path in " ".join(words + names))]
    if files and random.randrange(4) == 0:
        line = f"cat -- {quoted(random.choice(files))} | {line}"
    return both.Line(line, changes, names_binary(tree, line))


# ---- find ---------------------------------------------------------------------------------------------

GLOBS = ["*", "a*", "*.txt", "?", "[ab]*", "B", "*b", ".*", "x.c", "", "\\*", "[!a]*"]
PATHS = ["*", "./a*", "*/b", "./*/*", ".", "*a b*"]
SIZES = ["0", "1", "+0", "-1", "+1c", "-3c", "1k", "+1k", "3c", "0c", "-2b", "1w", "x", "1z"]
PRIMARIES = [
    ["-name", GLOBS], ["-iname", GLOBS], ["-path", PATHS], ["-type", ["f", "d", "l", "f,d", "q"]],
    # The size of a directory depends on the file system.
    ["(", "!", "-type", "d", "-size", SIZES, ")"], ["-empty"], ["-print"], ["-print0"],
    ["-newer", ["a", "b", "f.txt", "missing"]], ["-prune"], ["-maxdepth", ["0", "1", "2", "x", "-1"]],
    ["-mindepth", ["0", "1", "2"]], ["-exec", "echo", "{}", ";"], ["-exec", "echo", "x", "{}", "+"],
    ["-iwholename", PATHS], ["-lname", GLOBS], ["-ilname", GLOBS], ["-xtype", ["f", "d", "l", "f,l"]],
    ["-regex", ["./a.*", ".*[ab]", ".*/.", ".+b?", ".*\\.txt"]], ["-iregex", [".*B", ".*/A+"]], ["-samefile", ["a", "b", "missing"]],
    ["(", "-type", "f", "-mtime", ["0", "-1", "+1", "x"], ")"], ["(", "-type", "f", "-mmin", ["-600000", "+1", "0"], ")"], ["(", "-type", "f", "-newermt", ["2001-01-01", "@0", "2090-01-01"], ")"],
    ["-printf", ["%p\\n", "%P %H %d\\n", "%10f|%-5.2f|%y\\n", "%l\\n", "%%x\\t\\101\\n"]],
    ["-exec", "false", ";"], ["-exec", "echo", "{}{}", ";"],
]
OPERATORS = [[], ["-a"], ["-o"], ["-and"], ["-or"], ["-not"]]


def find_expression(random, changes, depth=0):
    """Draws an expression. A list inside a primary is a choice of words."""
    kind = random.randrange(6 if depth < 3 else 3)
    if kind < 3:
        primary = random.choice(PRIMARIES + ([["-delete"]] if changes else []))
        return [random.choice(word) if isinstance(word, list) else word for word in primary]
    first = find_expression(random, changes, depth + 1)
    if kind == 3:
        return ["!", *first]
    if kind == 4:
        return ["(", *first, ")"]
    return [*first, *random.choice(OPERATORS), *find_expression(random, changes, depth + 1)]


def find_line(random, tree, changes):
    starts = [operand(random, tree) for _ in range(random.randint(0, 2))]
    words = ["find", *random.choice([[], [], [], ["-L"], ["-H"], ["-P"]]), *(name for name in starts if not name.startswith("-"))]
    if random.randrange(2):
        words += find_expression(random, changes)
    return both.Line(" ".join(quoted(word) for word in words), changes)


# ---- dates --------------------------------------------------------------------------------------------

DAYS = ["2024-05-01", "1999-12-31", "2000-02-29", "5/7/2023", "20010203", "1 Jan 2001", "Mar 3 2020", "3 april 2005",
        "2024-05-01 12:34:56", "2024-05-01T01:02:03Z", "2024-02-30", "2021-1-2", "@0", "@-1", "@1700000000", "Dec 25, 1990",
        "1969-12-31 23:59", "31-Jan-2022", "Fri May 3 10:00:00 UTC 2024", "2024-05-01 10:00 +0230", "24-1-2", "xx", "2/30/2001",
        "12/31", "2030-06-15 7pm", "1 2 3", "2024-13-01"]
SHIFTS = ["", "", " +1 day", " 2 months ago", " next month", " -3 weeks", " yesterday", " 10 hours", " +1 year", " 12:30",
          " 1:05 am", " 12 am", " 13:00:61", " tomorrow", " last year", " 90 minutes ago", " 1 fortnight", " 5 sec", " UTC", " qq"]
CONVERSIONS = list("aAbBCdegGhHIjklmMnpPqsStuUVwWyYZ")
BARE = [*"cDFrRTxXN", "z", ":z", "::z", "%", "Q"]  # never with flags, which GNU's date applies in its own ways
FLAGS = ["", "", "", "-", "_", "0", "^", "#", "5", "_5", "08", "-3", "^10", "+6"]


def date_line(random):
    """Draws a line for date. Its time never depends on the clock."""
    words = ["date", "-u"] if random.randrange(2) else ["date"]
    words += random.choice([[], [], [], ["-R"], ["-I"], ["-Iseconds"], ["-Ihours"], ["--iso-8601=minutes"], ["--rfc-3339=seconds"],
                            ["-Ix"], ["--rfc-3339=date"]])
    day = random.choice(DAYS)
    words += ["-d", day + (random.choice(SHIFTS) + random.choice(["", "", random.choice(SHIFTS)]) if day[0] != "@" else "")]
    if random.randrange(3):
        words += ["+" + " ".join("%" + (random.choice(FLAGS) + random.choice(CONVERSIONS)
                                          if random.randrange(8) else random.choice(BARE)) for _ in range(random.randrange(6)))]
    return both.Line(" ".join(quoted(word) for word in words), False)


# ---- dd ---------------------------------------------------------------------------------------------

def dd_line(random, tree):
    """Draws a copy of a part of a file, from a file or standard input."""
    files = [path for path, what in tree.items() if isinstance(what, bytes)]
    source = random.choice(files) if files else None
    named = source and random.randrange(3)
    words = ["dd"] + ([f"if={source}"] if named else [])
    # Never to the file that is read: it might not end.
    words += [f"of={random.choice([*(name for name in files if name != source), 'new'])}"] if random.randrange(2) else []
    words += random.choice([["bs=" + random.choice(["1", "3", "512", "1k", "7", "2x3", "0", "x"])],
                            ["ibs=5", "obs=3"], ["obs=4"], []])
    for key in ("count", "skip", "seek"):
        words += [f"{key}={random.choice(['0', '1', '2', '5'])}"] if random.randrange(3) == 0 else []
    words += random.choice([[], [], ["conv=notrunc"], ["conv=sync"], ["conv=ucase"], ["conv=lcase"], ["conv=excl"],
                            ["conv=nocreat"], ["iflag=count_bytes,skip_bytes"], ["oflag=append", "conv=notrunc"], ["iflag=q"]])
    words += random.choice([[], ["status=none"], ["status=noxfer"]])
    text = " ".join(quoted(word) for word in words)
    if source and not named:
        text = f"cat -- {quoted(source)} | {text}"
    return both.Line(text, True)


def archive_line(random, tree, command, changes):
    """Draws a line for tar or patch."""
    if command == "tar":
        stages = archives.tar_words(random, tree, changes, option_words)
        # In a copy, since lookup on the disc ignores case: -T may list A, which is a there.
        changes = changes or any(word.startswith(("-T", "--files-from")) for word in stages[0])
    else:
        stages = [archives.patch_words(random, option_words)]
    line = " | ".join(" ".join(quoted(word) for word in stage) for stage in stages)
    if command == "patch" and " -i" not in line and archives.PATCH in tree:
        line = f"cat -- {archives.PATCH} | {line}"
    return both.Line(line, changes)


def draw_line(random, tree):
    if only:
        command = random.choice(only)
        if command not in READERS and any(isinstance(what, str) for what in tree.values()):
            tree.clear()  # a tree with links is only read
            archives.add(random, tree)
        changes = command in WRITERS and (command not in READERS or bool(random.randrange(2)))
    elif random.randrange(2) or any(isinstance(what, str) for what in tree.values()):
        command, changes = random.choice(READERS), False
    else:
        command, changes = random.choice(WRITERS), True
    if command == "dd":
        return dd_line(random, tree)
    if command in ("tar", "patch"):
        return archive_line(random, tree, command, changes)
    if command == "date":
        return date_line(random)
    if command == "find":
        return find_line(random, tree, changes)
    return table_line(random, tree, command, changes)


def draw_batch(random, size):
    """Draws (tree, lines): a tree and lines to run on it."""
    tree = trees.draw_tree(random, bool(random.randrange(2)))
    if random.randrange(4) == 0 or "tar" in only or "patch" in only:
        archives.add(random, tree)
    return tree, [draw_line(random, tree) for _ in range(size)]
