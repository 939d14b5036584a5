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

NOT_COMPARED = {("xargs", "-P"): "commands run one after another", ("sed", "-i"): "changes files", ("sed", "-u"): "", ("rev", "-0"): "of newer versions of rev", ("od", "--traditional"): "changes the operands"}

# Scripts of sed, which are joined. A / at the start of a word could be a path (both.contained).
ADDRESSES = ["", "", "", "", "1", "2", "$", "{/a/{", "1,2", "2,1", "1,$", "2,/b/", "0,/a/", "1~2", "0~2", "2,+1", "2,~2", "$!", "1!",
             "3,$", "\\xaxI,2", "\\,b,,\\,a,", "2,2", "5,1", "1,/a/!"]
REGEXES = ["a", "b", ".", "a*", "b*", "^", "$", "[ab]", "\\(a\\)\\(b*\\)", "(a|b)", "\\(.\\)\\1", "x\\|a", "[^a]", "\\n", "", "a.b",
           "\\(a\\|ab\\)\\(c\\|bcd\\)*", "\\(.*\\)b", "[a/]", "\\/", "[[:alpha:]]+", "\\w\\+", "\\b", "\\<", ".$", "^.", "a\\{1,2\\}",
           "\\(a*\\)*b", "\\(a*\\)\\+", "((a)|(b))*", "é", "\\t", "(", "\\(", "[", "*a", "\\s"]
RIGHTS = ["", "x", "&", "[&]", "\\1", "\\2\\1", "\\n", "a\\tb", "\\U&", "\\u&x", "\\L\\1\\E\\2", "\\&", "\\/", "\\l&", "\\U\\1x\\Ey",
          "\\x41", "&&", "\\0", "a\nb", "a\\\nb", "\\3"]
FLAGS = ["", "", "g", "p", "2", "2g", "I", "gI", "gp", "0", "q", "gg", "3"]
SIMPLE = ["d", "p", "q", "Q", "n", "N", "N;D", "P", "=", "g", "G", "h", "H", "x", "l", "l 5", "z", "F", "q3", "Q 2", "b", "t", "T", "b x",
          "tx", "a foo", "a\\\nfoo\\\nbar", "i\\\n  foo", "c\\\nfoo", "c foo", "i foo", "a\\  foo", "y/ab/xy/", "y/a/\\n/", "y/abc/x/",
          "r a\n", "r missing\n", "R a\n", "w /dev/stdout\n", "#x", "}", "{", "{p;p}", "k", "a", "p p", "p;", ";", "$!N", "N;P;D", "$!d", "n;d",
          "1!G;h;$!d", "s/a/b/;ta;s/b/c/;:a", "y/é/e/", "y,a\\,,b;,", "a\\tb", "i\\", "l1", "v", "W /dev/stdout\n", "a \\ x"]


def script_of_sed(random, labels=False):
    """Draws a script of one to three commands. A script with labels must be the last one."""
    commands = []
    for _ in range(random.randint(1, 3)):
        address = random.choice(ADDRESSES)
        if random.randrange(3):
            command = random.choice([one for one in SIMPLE if labels or one not in ("b x", "tx")])
        else:
            command = "s/" + random.choice(REGEXES) + "/" + random.choice(RIGHTS) + "/" + random.choice(FLAGS)
        commands.append(address + command + ("\n}}" if "{/" in address else ""))
    # Labels are at the end, so that no script loops.
    return random.choice([";", "\n", "\n"]).join(commands) + ("\n:x" if labels and random.randrange(4) else "")


def needs_of_sed(random, words):
    if any(word.startswith(("-e", "-f", "--e", "--f")) for word in words):
        return []
    return [script_of_sed(random, True)]


VALUES = {
    ("xargs", "I"): ["{}", "x", "a"], ("xargs", "a"): ["a", "b", "missing"], ("xargs", "d"): ["a", ":", "\\n", "ab", "\\0", "\\x61"],
    ("xargs", "E"): ["a", "b", ""], ("xargs", "s"): ["10", "20", "100"], ("xargs", "n"): ["1", "2", "3"],
    ("xargs", "L"): ["1", "2"], ("od", "A"): ["d", "o", "x", "n", "q"], ("od", "j"): ["0", "1", "3", "010", "0x3", "1k", "x"],
    ("od", "N"): ["0", "1", "7", "020", "0x11", "1k"], ("od", "w"): ["1", "4", "8", "16", "32", "3", "0"],
    ("od", "t"): ["x1", "d2", "u4", "o8", "c", "a", "x2z", "cx1", "d1", "x3", "q", "xC", "dSx1z", "u1", "oL", "f", "fFx2", "fDz", "fL", "f4", "f3"],
    ("od", "endian"): ["little", "big", "x"],
    ("strings", "n"): ["1", "2", "3", "4", "8", "0"], ("strings", "t"): ["d", "o", "x"],
    ("base64", "w"): ["0", "1", "4", "10", "76"], ("diff", "U"): ["0", "1", "2", "3", "x"], ("diff", "label"): ["x", "y"], ("diff", "L"): ["x", "y"],
    ("join", "1"): ["1", "2", "3", "0"], ("join", "2"): ["1", "2", "3"], ("join", "j"): ["1", "2"], ("join", "a"): ["1", "2", "3"],
    ("join", "v"): ["1", "2"], ("join", "e"): ["x", ""], ("join", "t"): [":", " ", "", "ab", "\\0"],
    ("join", "o"): ["1.1", "0,1.2,2.2", "2.1 1.1", "0", "1.3,x", "3.1", "1.0"],
    ("split", "l"): ["1", "2", "100", "0", "x"], ("split", "b"): ["1", "3", "10k", "0"], ("split", "C"): ["1", "4", "10"],
    ("split", "a"): ["1", "2", "3"], ("split", "additional-suffix"): [".txt", "y"],
    ("sed", "e"): script_of_sed, ("sed", "l"): ["1", "2", "5", "0", "20"], ("sed", "f"): ["a", "b", "missing"],
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


EXPRESSIONS = ["1", "2", "0", "-3", "a", "abc", "", "+", "-", "*", "/", "%", "|", "&", "<", "<=", "=", "!=", ">", ">=", ":", "(", ")",
               "length", "substr", "index", "match", "a*", "\\(a*\\)b", ".*", "\\(.\\)\\1", "é", "9223372036854775807", "a.c", "00", "x", "b\\(x\\)*"]
BINARY = ["+", "-", "*", "/", "%", "|", "&", "<", "<=", "=", "==", "!=", ">", ">=", ":"]
VALUES_OF_EXPR = ["1", "2", "0", "-3", "a", "abc", "", "aab", "10", "é", "007", "a*", "\\(a*\\)b", ".*", "9223372036854775807", "-0"]


def words_of_expr(random):
    """Mostly an expression that is valid."""
    if random.randrange(4) == 0:
        return choices(random, EXPRESSIONS, 1, 5)
    words = [random.choice(VALUES_OF_EXPR)]
    for _ in range(random.randint(0, 2)):
        words += [random.choice(BINARY), random.choice(VALUES_OF_EXPR)]
    kind = random.randrange(8)
    if kind == 0:
        words = ["(", *words, ")", random.choice(BINARY), "2"]
    elif kind == 1:
        words = ["length", *words]
    elif kind == 2:
        words = ["substr", random.choice(VALUES_OF_EXPR), random.choice(["0", "1", "2", "x"]), random.choice(["0", "1", "9"]), *words[1:]]
    elif kind == 3:
        words = ["index", random.choice(VALUES_OF_EXPR), *words]
    return words


COMMANDS = [[], ["echo"], ["echo", "{}", "x"], ["echo", "-n"], ["false"], ["missing-command"], ["echo", "<", "{}{}"], ["cat"], ["echo", "ax{}"],
            ["true"], ["wc", "-c"]]

# Commands whose operands are not files: (the operands, whether standard input is always a file).
OPERANDS = {
    "expr": words_of_expr, "xargs": lambda random: random.choice(COMMANDS),
    "seq": lambda random: choices(random, NUMBERS, 1, random.choice([1, 2, 3, 3, 4])),
    "tr": lambda random: choices(random, SETS, random.choice([0, 1, 1, 2, 2]), random.choice([2, 2, 2, 3])),
}
# Options that most lines of a command need.
NEEDED = {"cut": list_of_cut, "sed": needs_of_sed}
FROM_INPUT = {"tr", "xargs"}
COUNTS = {"join": (2, 2), "split": (0, 1), "diff": (2, 2), "base64": (0, 1), "od": (0, 2), "strings": (0, 2), "sed": (0, 2), "uniq": (0, 1), "comm": (2, 2), "nl": (0, 2), "tac": (0, 2), "fold": (0, 2)}
def is_utf8(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


def missing(errors):
    """The files that are reported as missing."""
    return re.findall(rb"(?:cat|wc): '?(.*?)'?: No such file", errors)


def changed_lines(output):
    """The lines of an edit that are removed or added."""
    return len(re.findall(rb"^[<>+-]", output, re.M))


# Differences that are intended, as in intended.py.
INTENDED = [
    ("join of files that are not sorted may print other lines",
     "it reports that they are not, as GNU's join, but may read further",
     lambda line, ours, theirs: re.search(r"(^|\| )join", line.text) and (b"sorted" in ours.errors + theirs.errors or "order" in line.text)),
    ("split names its files with its suffixes only",
     "GNU's split lengthens them when they are exhausted, unless -a is given",
     lambda line, ours, theirs: b"output file suffixes exhausted" in ours.errors + theirs.errors),
    ("split creates no file for an input that cannot be read",
     "GNU's split may have created one",
     lambda line, ours, theirs: re.search(r"(^|\| )split", line.text) and ours.status and theirs.status),
    ("An optional value may be a word of its own: od -w 4",
     "in GNU's tools it must be joined to its option",
     lambda line, ours, theirs: re.search(r"(^|\| )(od.* (-w|--width)|diff.* --unified) \d", line.text)),
    ("A directory is refused when it is opened: od, strings and xargs -a print nothing for it",
     "GNU's tools open it",
     lambda line, ours, theirs: re.search(r"(^|\| )(od|strings|xargs)", line.text) and b" a directory" in ours.errors),
    ("A number of expr has 64 bits",
     "GNU's expr has numbers of any size",
     lambda line, ours, theirs: b"numerical result out of range" in ours.errors),
    ("od -j reports that the input is too short, whatever it is",
     "GNU's od does so for files and pipes only",
     lambda line, ours, theirs: b"cannot skip past end" in ours.errors and b"skip" not in theirs.errors),
    ("od shows a form that is asked for twice once",
     "GNU's od shows it twice",
     lambda line, ours, theirs: re.search(r"(^|\| )od", line.text) and ours.status == theirs.status
     and set(ours.output.split()) == set(theirs.output.split())),
    ("cksum reports a directory",
     "GNU's cksum reads it as an empty file",
     lambda line, ours, theirs: re.search(r"(^|\| )cksum", line.text) and b": Is a directory" in ours.errors),
    ("xargs gives no warnings about options that exclude each other",
     "GNU's xargs does",
     lambda line, ours, theirs: b"xargs: warning" in theirs.errors and ours.output == theirs.output),
    ("diff joins its options in the lines between the files of directories",
     "GNU's diff prints them as they were typed",
     lambda line, ours, theirs: re.search(r"(^|\| )diff", line.text) and ours.status == theirs.status
     and ours.complains == theirs.complains and re.sub(rb"(?m)^diff .*$", b"", ours.output)
     == re.sub(rb"(?m)^diff .*$", b"", theirs.output)),
    ("diff -p implies -u",
     "GNU's diff prints the context format, which Spindle's does not have",
     lambda line, ours, theirs: re.search(r"(^|\| )diff.* -(p|-show-c-function)", line.text) and ours.status == theirs.status
     and theirs.output.startswith(b"*** ")),
    ("diff may show another edit of the same size, or a smaller one",
     "there is more than one",
     lambda line, ours, theirs: re.search(r"(^|\| )diff", line.text) and ours.status == theirs.status == 1
     and 0 < changed_lines(ours.output) <= changed_lines(theirs.output)),
    ("An extended regular expression may begin with *",
     "GNU's sed -E refuses it, its grep -E does not",
     lambda line, ours, theirs: b"Invalid preceding regular expression" in theirs.errors),
    ("\\U and \\L of sed change ASCII letters only",
     "GNU's sed changes all letters",
     lambda line, ours, theirs: re.search(r"\\[uU]", line.text) and ours.output.lower() == theirs.output.replace(b"\xc3\x89", b"\xc3\xa9").lower()),
    ("sed matches a byte that is not UTF-8 with a dot and [^a]",
     "GNU's sed does not",
     lambda line, ours, theirs: re.search(r"(^|\| )sed", line.text) and line.binary),
    ("F of sed prints the file of the line",
     "GNU's sed may print the next one, if it has tried to open it",
     lambda line, ours, theirs: re.search(r"(^|\| )sed.*F", line.text)),
    ("sed skips a directory, as any file that it cannot read",
     "GNU's sed ends there, or reads a directory as an empty script",
     lambda line, ours, theirs: re.search(r"(^|\| )sed", line.text) and b"s a directory" in ours.errors
     and (theirs.status in (0, 4) or b"couldn't open file" in ours.errors or not theirs.errors)),
    ("r and R of sed treat a directory as a file that does not exist",
     "GNU's sed ends there",
     lambda line, ours, theirs: re.search(r"(^|\| )sed.*[rR] ", line.text) and re.search(rb"read error on .*: Is a directory", theirs.errors)
     and ours.output.startswith(theirs.output)),
    ("r and R of sed end the line before them, and R its own, whatever the file",
     "GNU's sed does so for some files",
     lambda line, ours, theirs: re.search(r"(^|\| )sed.*[rR] ", line.text) and re.sub(rb"[\0\n]", b"", ours.output) == re.sub(rb"[\0\n]", b"", theirs.output)),
    ("A backslash at the end of a sed script does not change the text of a, i or c before it",
     "with GNU's sed, the other backslashes of that text are then part of it",
     lambda line, ours, theirs: re.search(r"(^|\| )sed.*[aic] *\\+ .*\\'( |$)", line.text) and ours.status == theirs.status
     and ours.output.replace(b"\\", b"") == theirs.output.replace(b"\\", b"")),
    ("s of sed finds an empty string between characters only",
     "GNU's sed may find it inside a character",
     lambda line, ours, theirs: re.search(r"(^|\| )sed", line.text) and not is_utf8(theirs.output) and is_utf8(ours.output)),
    ("s//\\1/ of sed is refused if the last regular expression has no group",
     "GNU's sed may replace it by nothing",
     lambda line, ours, theirs: re.search(r"(^|\| )sed", line.text) and b"invalid reference to group" in ours.errors),
    ("tac reverses records of any length",
     "GNU's tac may report that memory is exhausted",
     lambda line, ours, theirs: re.search(r"(^|\| )tac", line.text) and b"memory exhausted" in theirs.errors),
    ("With -I, xargs cuts the line at a NUL",
     "GNU's xargs cuts the argument that the line is inserted in",
     lambda line, ours, theirs: re.search(r"(^|\| )xargs.* '?-I", line.text)
     and (line.binary or b"NUL character" in theirs.errors + ours.errors) and ours.status == theirs.status),
    ("With -I and -s, xargs counts all bytes of a line",
     "GNU's xargs may accept one more",
     lambda line, ours, theirs: re.search(r"(^|\| )xargs.* '?-I.* -(s|-max-chars)|(^|\| )xargs.* -(s|-max-chars).* '?-I", line.text)
     and b"line too long" in ours.errors + theirs.errors and ours.status),
    ("On a disc, xargs cat and xargs wc find names whose case differs",
     "the host distinguishes them",
     lambda line, ours, theirs: re.search(r"(^|\| )xargs.* (wc|cat)", line.text)
     and set(missing(ours.errors)) < set(missing(theirs.errors))),
    ("Options of sed apply to all of its scripts",
     "with GNU's sed, -E does not apply to an -e before it",
     lambda line, ours, theirs: re.search(r"(^|\| )sed.* '?-+e.* -(-regexp-ext|\w*[rEz]|-null)", line.text)),
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
WRITERS = ["split"]
READERS = ["join", "expr", "xargs", "od", "base64", "strings", "cksum", "diff", "sed", "tr", "cut", "uniq", "seq", "nl", "tac", "paste", "comm", "fold", "rev", "expand", "unexpand"]
