"""The files that lint reads, and what the Makefile knows about them."""
import os
import re
import subprocess
import sys
from collections import namedtuple

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"')

Make = namedtuple("Make", "portable objects")


def list_files():
    """Files that git tracks or would track; without git, all files outside build/."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"],
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        return [path for path in listed.stdout.split("\n") if os.path.isfile(path)]
    found = []
    for folder, folders, names in os.walk("."):
        folders[:] = [name for name in folders if name not in ("build", ".git")]
        found += [os.path.relpath(os.path.join(folder, name)) for name in names]
    return found


def is_checked(path):
    return path.endswith((".c", ".h", ".S", ".py", ".md")) or path == "tests/summary"


def read_files():
    """Returns {path: list of lines} of all sources and documents."""
    files = {}
    for path in sorted(filter(is_checked, list_files())):
        with open(path, encoding="utf-8") as source:
            files[path] = source.read().split("\n")
    return files


def includes(lines):
    """Yields (line number, included path) for each #include of the project's own files."""
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1)


def ask_make():
    """Compiles the kernel's sources as lint needs them, and returns the Makefile's lists.

    The objects are compiled one by one and without optimization (the kernel's own are one unit
    under LTO, which hides the edges between them); only changed sources are compiled again.
    """
    made = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "lint-objects"],
                          capture_output=True, text=True, check=False)
    if made.returncode != 0:
        sys.exit(f"lint: make lint-objects failed:\n{made.stdout}{made.stderr}")
    listed = dict(line.split(": ", 1) for line in made.stdout.split("\n")
                  if line.startswith(("portable: ", "objects: ")))
    return Make(listed["portable"].split(), listed["objects"].split())
