"""Runs scripts in Spindle's shell on the host and in dash, and compares.

Compared are the output, whether errors were written, and the status. Each script runs in an empty
directory with empty input. Intended differences are avoided by the scripts, not listed here.

The hand-written scripts are in language/SECTION.txt: a line is a script; lines that begin with a tab
continue it. grammar.py makes others.

    language.py COUNT [SEED]    compares COUNT random scripts, and prints the first differences
"""
import glob
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import both
import grammar
import trees

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "language")
SECONDS = 300
# A random script may call itself endlessly: then there is nothing to compare.
DASH_SECONDS, ALONE_SECONDS, TIMEOUT = 5, 30, -2


@dataclass
class Result:
    status: int
    output: bytes
    complains: bool
    errors: bytes = b""

    def same(self, other):
        return (self.status, self.output, self.complains) == (other.status, other.output,
                                                             other.complains)


MISSING = Result(-1, b"", False, b"(no result: the shell ended)")
NO_MEMORY = b"out of memory"  # of a script, or of those after one that keeps it


def parse(text):
    """Returns the scripts in a file's text."""
    scripts = []
    for line in text.split("\n"):
        if line.startswith("\t"):
            scripts[-1] += line[1:] + "\n"
        elif line and not line.startswith("# "):
            scripts.append(line + "\n")
    return scripts


def sections():
    """Returns {section: scripts} of the hand-written scripts."""
    found = {}
    for path in sorted(glob.glob(f"{FOLDER}/*.txt")):
        with open(path, encoding="utf-8") as file:
            found[os.path.basename(path)[:-4]] = parse(file.read())
    return found


def run(scripts):
    """Returns [(Spindle's result, dash's result)], one pair for each script."""
    with tempfile.TemporaryDirectory(prefix="language-") as folder:
        os.makedirs(f"{folder}/disc")
        for number, script in enumerate(scripts):
            with open(f"{folder}/disc/{number}", "w", encoding="utf-8") as file:
                file.write(script)
        with ThreadPoolExecutor(2) as pool:
            theirs = list(pool.map(lambda number: run_dash(folder, number), range(len(scripts))))
        wanted = [number for number, result in enumerate(theirs) if result.status != TIMEOUT]
        ours = run_spindle(folder, scripts, wanted)
        return list(zip(ours, theirs))


def run_dash(folder, number):
    where = f"{folder}/w{number}"
    os.mkdir(where)
    try:
        done = both.run_group(["dash", f"{folder}/disc/{number}"], DASH_SECONDS, cwd=where,
                              env={"PATH": "/usr/bin:/bin", "HOME": "/", "LC_ALL": "C"})
    except subprocess.TimeoutExpired:
        return Result(TIMEOUT, b"", False)
    return Result(done.returncode, done.stdout, bool(done.stderr), done.stderr)


def run_alone(folder, number):
    try:
        done = subprocess.run([both.SPINDLE, f"{folder}/disc.iso", "-c",
                               f"mkdir /w; cd /w; . /System/{number}"], timeout=ALONE_SECONDS,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except subprocess.TimeoutExpired:
        return MISSING
    return Result(done.returncode, done.stdout, bool(done.stderr), done.stderr)


def run_spindle(folder, scripts, wanted):
    """One shell runs all scripts, each in a subshell. Those that may send it a signal have a shell of
    their own. Where the one shell ended, or had no memory left, all from there on are repeated, each
    in a shell of its own."""
    together = [number for number in wanted if "$$" not in scripts[number]]
    found = run_batch(folder, together)
    lost = [number for number in together
            if found[number] is MISSING or NO_MEMORY in found[number].errors]
    alone = [number for number in wanted if "$$" in scripts[number] or lost and number >= lost[0]]
    found.update((number, run_alone(folder, number)) for number in alone)
    return [found.get(number, MISSING) for number in range(len(scripts))]


def run_batch(folder, numbers):
    """Returns {number: result}. The script prints the parts of each result."""
    say = both.say
    script = [f"mkdir /w; cd /w; (. /System/{n}) >/o 2>/e </dev/null; echo $? >/s; cd /; "
              f"{say('status', n, '/s')}; {say('output', n, '/o')}; {say('errors', n, '/e')}; "
              "rm -rf /w" for n in numbers]
    with open(f"{folder}/disc/script", "w", encoding="utf-8") as file:
        file.write("\n".join(script) + "\n")
    trees.image(f"{folder}/disc", f"{folder}/disc.iso")
    try:
        got = subprocess.run([both.SPINDLE, f"{folder}/disc.iso", "-c", "source /System/script"],
                             capture_output=True, timeout=SECONDS, check=False,
                             stdin=subprocess.DEVNULL).stdout
    except subprocess.TimeoutExpired as late:
        got = late.stdout or b""
    pieces = both.split(got)
    return {number: result_of(pieces, number) for number in numbers}


def result_of(pieces, number):
    if not all((what, number) in pieces for what in ("status", "output", "errors")):
        return MISSING
    errors = pieces["errors", number]
    return Result(int(pieces["status", number]), pieces["output", number], bool(errors), errors)


def describe(script, ours, theirs):
    return (f"{script}--- Spindle: status {ours.status}\n{ours.output.decode(errors='replace')}"
            f"{ours.errors.decode(errors='replace')}--- dash: status {theirs.status}\n"
            f"{theirs.output.decode(errors='replace')}{theirs.errors.decode(errors='replace')}")


def differences(scripts):
    """Returns a description for each script whose results differ."""
    return [describe(script, ours, theirs)
            for script, (ours, theirs) in zip(scripts, run(scripts))
            if theirs.status != TIMEOUT and not ours.same(theirs)]


BATCH, SHOWN = 500, 5


def main():
    count = int(sys.argv[1])
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    found = []
    for at in range(0, count, BATCH):
        found += differences(grammar.scripts(min(BATCH, count - at), f"{seed}/{at}"))
    print("\n".join(found[:SHOWN]))
    print(f"language: {count} scripts, {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
