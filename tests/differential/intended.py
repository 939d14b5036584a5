"""The intended differences from GNU's tools. Chapter 8 of the Book has the same list, which
test_differential.py checks.

NOT_COMPARED: options that only one side has, or whose output differs by design, with the reason.
INTENDED: (difference, reason, test): `test(line, ours, theirs)` is true for this difference.
"""
import re

import archives
import text

NOT_COMPARED = {
    ("ls", "-l"): "different columns: UTC times, no owners",
    ("ls", "-h"): "only affects -l",
    ("ls", "-i"): "other numbers", ("ls", "-n"): "as -l", ("ls", "-C"): "blanks instead of tabs",
    ("ls", "-U"): "the order of the directory", ("ls", "-f"): "as -U", ("ls", "-s"): "sizes, not blocks",
    ("ls", "-g"): "as -l", ("ls", "-o"): "as -l", ("ls", "--full-time"): "as -l",
    ("ls", "-c"): "ramfs stores no such time", ("ls", "-u"): "the same", ("ls", "--time"): "the same",
    ("ls", "-x"): "as -C",
    ("ls", "-b"): "blanks in the titles of directories too", ("ls", "--color"): "fewer colors",
    ("tail", "-f"): "it does not end", ("tail", "-F"): "", ("tail", "-s"): "",
    **text.NOT_COMPARED, **archives.NOT_COMPARED,
}

EXACT = {"grep", "cmp", "sort", "diff", "test"}


def command_of(text):
    return re.sub(r"^cat .* \| ", "", text).split()[0]


def same_status(command, ours, theirs):
    """Compares success with failure, and also 1 with larger values where POSIX distinguishes
    them."""
    if command in EXACT:
        return min(ours, 2) == min(theirs, 2)
    return (ours == 0) == (theirs == 0)


def reports(ours, text):
    return text in ours.errors


def words(line):
    return line.text.split()


def sizes_by_directory(line, ours):
    """Returns whether truncate takes a size from a directory of the tree, or through a link, which
    may lead to one."""
    found = re.search(r"truncate (?:.* )?(?:-r ?|--reference[ =])'?([^' ]+)", line.text)
    return found and re.search(rf"^[dl]\t.*\t{re.escape(found.group(1))}( ->.*)?$", ours.tree, re.M)


INTENDED = [
    ("A directory is refused when it is opened: wc, head, tail and grep print nothing for it",
     "GNU's tools open it, and print a header or zeroes before reading it fails",
     lambda line, ours, theirs: command_of(line.text) in ("wc", "head", "tail", "grep")
     and (reports(ours, b": Is a directory") or re.search(r" (-\w*s|--no-messages)", line.text))
     and ours.status and bool(theirs.status) >= bool(theirs.errors)),
    ("tail -n 0 and tail -c 0 open their files: they print headers and errors",
     "GNU's tail does not open them",
     lambda line, ours, theirs: command_of(line.text) in ("tail", "head") and not theirs.errors
     and not theirs.output and re.search(rb"\A(==> .* <==\s*)*\Z", ours.output)),
    ("An option whose value would be ignored is refused if it is given twice",
     "GNU's tools silently use the last value",
     lambda line, ours, theirs: ours.status == 2
     and (reports(ours, b" given twice") or archives.gives_twice(line.text))),
    ("Numbers may be hexadecimal, after 0x; the unit b is refused",
     "in GNU's tools, b is 512 bytes in some and one byte in others",
     lambda line, ours, theirs: (ours.status == 2 and reports(ours, b"invalid number") and re.search(r"\db", line.text))
     or (theirs.status and b"invalid" in theirs.errors and re.search(r"0x\d", line.text))),
    ("sort +N names a file",
     "GNU's sort interprets it as an obsolete form of a key",
     lambda line, ours, theirs: command_of(line.text) == "sort" and re.search(r" \+\d", line.text)
     and reports(ours, b": no such file")),
    ("Directories have no size: ls -S sorts them last, find -size does not find them, truncate -r "
     "DIRECTORY sets 0 bytes",
     "on the host, their size is that of the blocks with their names",
     lambda line, ours, theirs: sizes_by_directory(line, ours) or (command_of(line.text) == "ls" and re.search(r" -\w*S|size", line.text)
     and sorted(re.split(rb"[\s,]+", ours.output)) == sorted(re.split(rb"[\s,]+", theirs.output)))
     or (command_of(line.text) == "find" and "-size" in words(line))),
    ("ls -ta: the parent directory of the tree differs",
     "it is not part of the tree that is compared",
     lambda line, ours, theirs: command_of(line.text) == "ls" and re.search(r" -\w*t", line.text)
     and re.search(r" -(-all|\w*a)", line.text) and sorted(ours.output.split()) == sorted(theirs.output.split())),
    ("cmp -s reports nothing about a file that it cannot open or read",
     "GNU's cmp reports some of these errors",
     lambda line, ours, theirs: command_of(line.text) == "cmp" and ours.status == theirs.status == 2
     and not ours.output and not theirs.output),
    ("A sign is refused if it has no meaning: grep -A +1, grep -m -1",
     "GNU's tools accept it in some places",
     lambda line, ours, theirs: ours.status == 2 and re.search(rb"invalid number: '[+-]", ours.errors)),
    ("cmp of directories is an error",
     "GNU's cmp finds some of them equal without reading them",
     lambda line, ours, theirs: command_of(line.text) == "cmp" and ours.status == 2 and theirs.status == 0
     and (reports(ours, b": Is a directory") or re.search(r" (-\w*[sbliLn]|--)", line.text))),
    ("A number of lines that is too large is refused; K, M and G are units of every number",
     "GNU's grep uses the largest number instead, and has no units",
     lambda line, ours, theirs: command_of(line.text) == "grep" and (reports(ours, b": number too large")
     or re.search(rb"1k: invalid context length|invalid max count", theirs.errors))),
    ("grep -R is grep -r: links in a tree are not followed",
     "GNU's grep -R follows them, and reports loops",
     lambda line, ours, theirs: command_of(line.text) == "grep"
     and re.search(r" -(R|-dereference-recursive)", line.text)),
    ("grep gives no warnings about patterns that POSIX leaves undefined: grep -E '*a'",
     "the answer is the same",
     lambda line, ours, theirs: command_of(line.text) == "grep" and b": warning: " in theirs.errors),
    ("mv -n onto FILE/ is an error",
     "GNU's mv skips it silently",
     lambda line, ours, theirs: command_of(line.text) == "mv" and re.search(rb"/: Not a directory|: Invalid argument", ours.errors)
     and theirs.status == 0),
    ("cp -r of a directory into itself creates nothing",
     "GNU's cp copies a part before it fails",
     lambda line, ours, theirs: command_of(line.text) == "cp"
     and reports(ours, b"cannot copy a directory into itself")),
    ("cp copies a file that is named twice once, without a warning",
     "GNU's cp warns",
     lambda line, ours, theirs: command_of(line.text) == "cp" and b"specified more than once" in theirs.errors
     and ours.tree == theirs.tree),
    ("cp -r copies a directory that is named both by itself and inside another",
     "GNU's cp would create a hard link, and fails",
     lambda line, ours, theirs: command_of(line.text) == "cp" and b"will not create hard link" in theirs.errors),
    ("cp -v reports a file after it was copied",
     "GNU's cp reports it before",
     lambda line, ours, theirs: command_of(line.text) == "cp" and re.search(r" (-\w*v|--verbose)", line.text)
     and ours.status and theirs.status and set(ours.output.splitlines()) <= set(theirs.output.splitlines())),
    ("tee refuses to write to the file that is its input",
     "GNU's tee may read what it has written",
     lambda line, ours, theirs: command_of(line.text) == "tee"
     and reports(ours, b"Input and output are the same file")),
    ("find does not report a file that its own -delete has removed",
     "GNU's find examines it again",
     lambda line, ours, theirs: command_of(line.text) == "find" and "-delete" in words(line)
     and b"No such file" in theirs.errors and not ours.errors),
    ("grep opens its files even if no pattern can match",
     "GNU's grep does not, and reports no missing file",
     lambda line, ours, theirs: command_of(line.text) == "grep" and ours.status == 2 and theirs.status == 1
     and not theirs.errors and re.search(r" (-\w*[fv]|--file|--invert)", line.text)),
    ("grep searches a file that is not text as one that is",
     "in such a file GNU's grep ends lines at NULs, and matches no byte that is not UTF-8 with a dot",
     lambda line, ours, theirs: command_of(line.text) == "grep" and line.binary
     and (max(ours.status, theirs.status) <= 1 or ours.status == theirs.status)),
    ("grep refuses a pattern that contains a NUL",
     "in GNU's grep it can match with -z",
     lambda line, ours, theirs: reports(ours, b"pattern contains a NUL")),
    ("The digest commands refuse --text with --tag",
     "GNU's tools accept it if it comes first",
     lambda line, ours, theirs: reports(ours, b": --tag does not support --text")),
    ("wc -w counts all words between blanks",
     "GNU's wc counts only words that contain a printable character",
     lambda line, ours, theirs: command_of(line.text) == "wc" and ours.status == theirs.status
     and len(ours.output.split()) == len(theirs.output.split())
     and sum(a != b for a, b in zip(ours.output.split(), theirs.output.split())) <= 4),
    ("tail -n and -c together: the last one is used, with its own sign",
     "GNU's tail keeps a + of the other one",
     lambda line, ours, theirs: command_of(line.text) == "tail" and "+" in line.text
     and re.search(r"-(c|-bytes)", line.text) and re.search(r"-(n|-lines)", line.text)),
    ("grep -r sorts the names of a directory",
     "GNU's grep uses the order of the directory",
     lambda line, ours, theirs: command_of(line.text) == "grep" and re.search(r" -(-\w*recursive|\w*[rR])", line.text)
     and ours.status == theirs.status
     and sorted(re.split(rb"[\s\0]", ours.output)) == sorted(re.split(rb"[\s\0]", theirs.output))),
    ("A regular expression that is too long is refused",
     "GNU's tools have no limit",
     lambda line, ours, theirs: reports(ours, b"regular expression too long")),
    ("grep treats text that is not UTF-8 as text",
     "GNU's grep treats it as binary in a UTF-8 locale",
     lambda line, ours, theirs: command_of(line.text) == "grep"
     and (b"binary file matches" in theirs.errors + ours.errors or not text.is_utf8(ours.output))),
    ("sort -V cannot be combined with -d or -i",
     "GNU's sort ignores characters of versions then",
     lambda line, ours, theirs: command_of(line.text) == "sort" and ours.status == 2
     and (reports(ours, b"only one of -h, -M, -n, -V and -di can be given") or reports(ours, b"incompatible letters"))),
    ("sort -m sorts files that are not sorted",
     "GNU's sort assumes that they are",
     lambda line, ours, theirs: command_of(line.text) == "sort" and re.search(r" -(-merge|\w*m)", line.text)
     and ours.status == theirs.status),
    ("sort -o does not change its file if an input cannot be read",
     "GNU's sort has emptied it by then",
     lambda line, ours, theirs: command_of(line.text) == "sort" and re.search(r" -(-output|\w*o)", line.text)
     and ours.status == theirs.status == 2),
    *text.INTENDED, *archives.INTENDED,
]


def difference(line, ours, theirs):
    """Returns None if the answers agree or differ as intended, else the parts that differ."""
    command = command_of(line.text)
    found = []
    if not same_status(command, ours.status, theirs.status):
        found.append("status")
    if command == "find":  # the order inside a directory is unspecified
        same = sorted(re.split(rb"[\n\0 ]", ours.output)) == sorted(re.split(rb"[\n\0 ]", theirs.output))
    elif "| tar -xO" in line.text:  # files may be joined in any order
        same = sorted(ours.output) == sorted(theirs.output)
    elif command == "rm" or "| tar" in line.text:
        same = sorted(ours.output.split(b"\n")) == sorted(theirs.output.split(b"\n"))
    else:
        same = ours.output == theirs.output
    if not same:
        found.append("output")
    if ours.complains != theirs.complains:
        found.append("errors")
    if ours.tree != theirs.tree:
        found.append("tree")
    if not found or any(test(line, ours, theirs) for _, _, test in INTENDED):
        return None
    return "+".join(found)
