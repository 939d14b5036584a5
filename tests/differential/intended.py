"""Where Spindle differs on purpose. Book chapter 8 prints this table.

NOT_COMPARED: options that only one side has, or whose output is not meant to be alike.
INTENDED: (name, reason, test): `test(line, ours, theirs)` is true where the difference is this one.
"""
import re

NOT_COMPARED = {
    ("ls", "-l"): "columns of its own: UTC times, no owners",
    ("ls", "-h"): "changes only -l",
    ("cmp", "-q"): "",
}

EXACT = {"grep", "cmp", "sort", "diff", "test"}


def command_of(text):
    return re.sub(r"^cat .* \| ", "", text).split()[0]


def same_status(command, ours, theirs):
    """No, yes and trouble are told apart where POSIX tells them apart."""
    if command in EXACT:
        return min(ours, 2) == min(theirs, 2)
    return (ours == 0) == (theirs == 0)


INTENDED = []


def difference(line, ours, theirs):
    """None: they agree, or differ on purpose. Else what differs."""
    command = command_of(line.text)
    found = []
    if not same_status(command, ours.status, theirs.status):
        found.append("status")
    if command == "find":
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
