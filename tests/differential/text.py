"""Draws lines for the commands that transform text: the values of their options, and their operands.

Options come from the tables, as for all commands (lines.py). A command that is not described here
takes files.
"""
import re

SETS = ["a", "a-z", "A-Z", "[:upper:]", "[:lower:]", "[:alnum:]", "[:space:]", "[:punct:]", "[=a=]", "[x*3]", "[x*]",
        "[:digit:]", "ab", "abc", "\\n", "\\t", "\\012", "\\141", "z-a", "a-", "-a", "[a-c]", "[:foo:]", "[==]", "[::]",
        "\\\\", "a\\-z", "[a*08]", "[b*010]", "é", "\\0-\\377", "[:cntrl:]", "xy", "", "[:*2]", "[=ab=]", "0-9", "[:blank:]",
        "[a*x]", "\\", "\\-", "a\\", "[:xdigit:]", "\\400", "[:alpha:]x", "y[:lower:]", "a-cx-z", "[=*3]", "[[*2]", "[]"]
LISTS = ["1", "2", "1,3", "2-", "-2", "1-2", "2-3,5", "3,1", "1-3,2-4", "0", "-", "", "2-1", "x", "1,", "1 3", "4-,1",
         "1-1,2-2", "99999999999999999999", "5", "1-2-3", "-0", "1,a", "2-,1-"]
DELIMITERS = [" ", ":", "a", ",", "::", "", "\t", "b", "."]
STYLES = ["a", "t", "n", "pa", "p^b", "p", "x", "", "p[0-9]", "aa"]
TABS = ["1", "2", "4", "8", "3,6", "2,5,9", "0", "x", "", "5,3", "4 8", "1,2,3"]
NUMBERS = ["1", "2", "5", "10", "-1", "0", "3", "1.5", ".5", "-2.5", "0.25", "12", "100", "x", "1e1", "-0", "+3", "1.", "007",
           "1.50", "5e-1", "", "1x"]

NOT_COMPARED = {("rev", "-0"): "of newer versions of rev"}
VALUES = {
    ("cut", "b"): LISTS, ("cut", "c"): LISTS, ("cut", "f"): LISTS, ("cut", "d"): DELIMITERS,
    ("cut", "output-delimiter"): DELIMITERS,
    ("nl", "b"): STYLES, ("nl", "h"): STYLES, ("nl", "f"): STYLES, ("nl", "n"): ["ln", "rn", "rz", "x", ""],
    ("nl", "d"): ["\\:", "a", "ab", "x", ":", "b:", ""], ("nl", "s"): [" ", ":", "", "xx"],
    ("seq", "f"): ["%g", "%f", "%.2f", "%05g", "%-6gx", "a%gb", "%%%g", "x", "%d", "%g%g", "%+g", "% .1f", "%10.3f", "%"],
    ("seq", "s"): DELIMITERS, ("paste", "d"): [":", ",.", "\\t", "\\0", "a\\n", "\\\\", "", "xyz", "\\", ":\\0"],
    ("tac", "s"): ["a", "b", ":", "ab", "aa", "\n\n", "", "foo"], ("comm", "output-delimiter"): DELIMITERS,
    ("expand", "t"): TABS, ("unexpand", "t"): TABS,
}


def choices(random, pool, least, most):
    return [random.choice(pool) for _ in range(random.randint(least, most))]


def list_of_cut(random, words):
    """A line of cut without a list is only rarely interesting."""
    if not any(word[:2] in ("-b", "-c", "-f") or word[:3] in ("--b", "--c", "--f") for word in words) and random.randrange(9):
        return ["-" + random.choice("bcff"), random.choice(LISTS)]
    return []


# Commands whose operands are not files: (the operands, whether standard input is always a file).
OPERANDS = {
    "seq": lambda random: choices(random, NUMBERS, 1, random.choice([1, 2, 3, 3, 4])),
    "tr": lambda random: choices(random, SETS, random.choice([0, 1, 1, 2, 2]), random.choice([2, 2, 2, 3])),
}
# Options that most lines of a command need.
NEEDED = {"cut": list_of_cut}
FROM_INPUT = {"tr"}
COUNTS = {"uniq": (0, 1), "comm": (2, 2), "nl": (0, 2), "tac": (0, 2), "fold": (0, 2)}
# Differences that are intended, as in intended.py.
INTENDED = [
    ("A number may have a unit wherever one is expected: fold -w 1k",
     "few of GNU's tools have units",
     lambda line, ours, theirs: theirs.status and b"nvalid" in theirs.errors and re.search(r"\d[kK]", line.text)),
    ("A number that is too large is refused",
     "some of GNU's tools use the largest number instead",
     lambda line, ours, theirs: ours.status and b": number too large" in ours.errors),
    ("paste prints nothing for a directory",
     "GNU's paste reads it as an empty file",
     lambda line, ours, theirs: re.search(r"(^|\| )paste", line.text) and b": is a directory" in ours.errors.lower()
     and theirs.status and b": Is a directory" in theirs.errors),
    ("rev reverses lines with NULs and with bytes that are not UTF-8",
     "other versions of rev stop at them",
     lambda line, ours, theirs: re.search(r"(^|\| )rev", line.text) and (b"multibyte" in theirs.errors or line.binary)),
]
READERS = ["tr", "cut", "uniq", "seq", "nl", "tac", "paste", "comm", "fold", "rev", "expand", "unexpand"]
