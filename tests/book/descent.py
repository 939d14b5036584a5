#!/usr/bin/env python3
"""Checks the tables in chapter 9 of the Book. Promise: each row occurs once, its source file
exists, and each of its tests exists and names the row, in the test's name (test_v7_...) or in the
comment or docstring of the test.

    V7   what the document does
         here   what Spindle does
         in     kernel/dev/device.c
         test   host/storage/test_halted.c test_same_path

Paths of tests are below tests/. A row of VB or CB may have `test   none: ` and the reason why the
mistake cannot occur.
"""
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHAPTER = os.path.join(TOP, "iso", "Book", "9-descent.md")
ROWS = {"V": 18, "VB": 21, "C": 19, "CB": 24}
ROW = re.compile(r"^    ((?:V|VB|C|CB)[1-9][0-9]*) +(\S.*)$")
FIELD = re.compile(r"^         (here|in|test) +(\S.*)$")
MORE = re.compile(r"^ {10,}(\S.*)$")


def parse(lines):
    """Returns {row: {field: [lines]}}, in order. The field `what` is the text of the row itself."""
    rows, field = {}, None
    for line in lines:
        line = line.rstrip("\n")
        if match := ROW.match(line):
            if match.group(1) in rows:
                sys.exit(f"descent: {match.group(1)} occurs twice")
            fields = rows[match.group(1)] = {"what": [match.group(2)]}
            field = fields["what"]
        elif field is not None and (match := FIELD.match(line)):
            field = fields.setdefault(match.group(1), [])
            field.append(match.group(2))
        elif field is not None and (match := MORE.match(line)):
            field.append(match.group(1))
        elif not line.startswith(" " * 9):
            field = None
    return rows


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read().split("\n")


def comment_above(lines, at):
    """Returns the comment directly above a line, with any decorators."""
    end = at
    while at > 0 and (lines[at - 1].lstrip().startswith(("/*", "*", "#", "@"))
                      or lines[at - 1].rstrip().endswith("*/")):
        at -= 1
    return "\n".join(lines[at:end])


def docstring_below(lines, at):
    text = "\n".join(lines[at:at + 12])
    match = re.match(r'def [^\n]*:\n\s+"""(.*?)"""', text, re.S)
    return match.group(1) if match else ""


def find_test(lines, name):
    """Returns the name and comments of a test, or None if there is no such test."""
    short = name.removeprefix("test_")
    pattern = re.compile(rf"static void {name}\(void \*\*state\)|BODY\({short}\)$|def {name}\(")
    for at, line in enumerate(lines):
        if pattern.match(line):
            return name + "\n" + comment_above(lines, at) + "\n" + docstring_below(lines, at)
    return None


def names_row(text, row):
    name, _, rest = text.partition("\n")
    return row.lower() in name.split("_") or re.search(rf"\b{row}\b", rest)


def check_test(row, line):
    path, _, name = line.partition(" ")
    whole = os.path.join(TOP, "tests", path)
    if not os.path.isfile(whole):
        return f"{row}: tests/{path}: no such file"
    text = find_test(read(whole), name.strip())
    if text is None:
        return f"{row}: tests/{path} has no {name}"
    if not names_row(text, row):
        return f"{row}: tests/{path}: {name} does not name it"
    return None


def check_row(row, fields):
    for field in ("what", "here", "in", "test"):
        if field not in fields:
            yield f"{row}: `{field}` is missing"
    for path in fields.get("in", []):
        if not os.path.isfile(os.path.join(TOP, path)):
            yield f"{row}: {path}: no such file"
    tests = fields.get("test", [])
    if tests and tests[0].startswith("none: ") and row[1] == "B":
        return
    yield from filter(None, (check_test(row, line) for line in tests))


def main():
    rows = parse(read(CHAPTER))
    wanted = [f"{kind}{n}" for kind, count in ROWS.items() for n in range(1, count + 1)]
    complaints = [f"{row}: missing from the chapter" for row in wanted if row not in rows]
    complaints += [f"{row}: not a row of the documents" for row in rows if row not in wanted]
    for row, fields in rows.items():
        complaints += check_row(row, fields)
    print("\n".join(complaints) if complaints else f"descent: {len(rows)} rows have their tests")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
