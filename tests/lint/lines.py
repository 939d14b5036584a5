"""Lengths of lines, functions and files; assertions and #if where they are not allowed."""
import re

FUNCTION_LINES, FILE_LINES, COLUMNS, BOOK_COLUMNS = 70, 600, 100, 80

# An assertion about a lock that the caller holds does not depend on a medium.
ASSERTION = re.compile(r"\b(kassert|assert|panic)\s*\((?!\w+_is_held\()")
NO_ASSERTION = ("fs/", "lib/", "shell/", "drivers/storage/")
CONDITIONAL = re.compile(r"\s*#\s*(if|ifdef)\b")
LEFT_OVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def is_portable(path, portable):
    """A portable source, or a header beside one."""
    return path in portable or path.endswith(".h") and path[:-1] + "c" in portable


def check_lines(path, lines, portable):
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if len(line) > COLUMNS:
            yield f"{where}: more than {COLUMNS} columns"
        if path.startswith(NO_ASSERTION) and ASSERTION.search(line):
            yield f"{where}: assertion in code that handles data from a medium or a user"
        if is_portable(path, portable) and CONDITIONAL.match(line):
            yield f"{where}: #if in a portable file"
        if LEFT_OVER.search(line):
            yield f"{where}: leftover marker"


def check_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            start = number
        elif line.startswith("}") and start:
            if number - start + 1 > FUNCTION_LINES:
                yield (f"{path}:{start}: function of {number - start + 1} lines,"
                       f" limit {FUNCTION_LINES}")
            start = None


def check_columns(path, lines, columns):
    yield from (f"{path}:{number}: more than {columns} columns"
                for number, line in enumerate(lines, 1) if len(line) > columns)


def check_file(path, lines, portable):
    if path.startswith("iso/Book/"):
        yield from check_columns(path, lines, BOOK_COLUMNS)
    if path.endswith(".md"):
        return
    if len(lines) > FILE_LINES + 1:
        yield f"{path}: {len(lines)} lines, limit {FILE_LINES}"
    if path.endswith((".c", ".h")):
        yield from check_lines(path, lines, portable)
        yield from check_functions(path, lines)


def check(files, portable):
    portable = set(portable)
    for path, lines in files.items():
        yield from check_file(path, lines, portable)
