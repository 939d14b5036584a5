"""README, CONTRIBUTING and the Book agree with the tree: what they name exists.

    path      a word that begins with a folder of the tree; it may contain `*`, NAME or ROOM
    name      a word with underscores, as functions and members have: in some source
    target    a word after `make: in the Makefile

Blocks of C are left out, because the tests compile them; so are the paths of the chapter that
tests/book/descent.py checks.
"""
import glob
import os
import re

PATH = re.compile(r"(?<![\w./-])(?:boot|drivers|fs|host|iso|kernel|lib|shell|tests)/[\w.*/-]*[\w*/]")
NAME = re.compile(r"(?<![\w./\\-])[a-z][a-z0-9]*(?:_[a-z0-9]+)+(?![\w./-]*[/])")
WORD = re.compile(r"\w+")
PLACEHOLDER = re.compile(r"[A-Z]{2,}")
TARGET = re.compile(r"(?:^ {4,}|`)make ([a-z][\w-]*)(?![\w./=])")
C_BLOCK = re.compile(r"^```c$.*?^```$", re.MULTILINE | re.DOTALL)

# Paths that readers are told to create.
TO_BE_CREATED = {"drivers/counter/counter.c", "fs/onefile/onefile.c"}
# Words that only look like names of the project.
FOREIGN = {"snake_case", "module_verb_object"}
OTHER_PATHS = "iso/Book/9-descent.md"


def exists(path):
    if path in TO_BE_CREATED or PLACEHOLDER.search(path):
        return True
    return bool(glob.glob(path)) if "*" in path else os.path.exists(path)


def without_code(lines):
    """The document with its blocks of C emptied, so that line numbers stay."""
    return C_BLOCK.sub(lambda block: "\n" * block.group().count("\n"), "\n".join(lines))


def find_in_line(path, line, words):
    """Yields (what is missing, why)."""
    for match in PATH.finditer(line):
        if path != OTHER_PATHS and not exists(match.group()):
            yield match.group(), "no such file"
    for match in NAME.finditer(line):
        if match.group() not in words and match.group() not in FOREIGN:
            yield match.group(), "no such name in the sources"


def check_targets(path, line, makefile):
    for match in TARGET.finditer(line):
        if not re.search(rf"^[\w -]*\b{match.group(1)}\b[\w -]*:", makefile, re.MULTILINE):
            yield f"make {match.group(1)}", "no such target"


def check(files):
    with open("Makefile", encoding="utf-8") as source:
        makefile = source.read()
    words = {word for path, lines in files.items() if not path.endswith(".md")
             for line in lines for word in WORD.findall(line)}
    for path in files:
        if not path.endswith(".md"):
            continue
        for number, line in enumerate(without_code(files[path]).split("\n"), 1):
            for name, why in [*find_in_line(path, line, words),
                              *check_targets(path, line, makefile)]:
                yield f"{path}:{number}: {name}: {why}"
