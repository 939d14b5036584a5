"""Runs a batch of command lines in Spindle's shell on the host and in bash, on the same tree.

Each line that may change files runs on a fresh copy of the tree, a line that only reads on the tree
itself; standard input is empty. The result of a line is its status, its output, whether its last
command wrote to the error stream, and the manifest of the tree afterwards. A line that the host's command does not
end in time, or with too much output, is not tried in Spindle's shell.

The host's commands change files. They run in a temporary directory, and `contained` refuses every
line that could leave it.
"""
import os
import re
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass

import trees

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SPINDLE = os.path.join(TOP, "build/host/spindle-sh")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
BATCH_SECONDS = 120
CPU_SECONDS, OUTPUT_KIB = 5, 1 << 16  # of one command of the host


@dataclass
class Line:
    text: str
    changes: bool  # it may change the tree and therefore gets a copy
    binary: bool = False  # it names files that are not text


@dataclass
class Answer:
    status: int
    output: bytes
    complains: bool
    tree: str
    errors: bytes = b""


PLACE = b"/PLACE"  # instead of the directory that the line runs in
STOPPED = (128 + signal.SIGKILL, 128 + signal.SIGXFSZ)  # by the limits above: it may be endless
NOT_TRIED = Answer(0, b"", False, "")
NO_ANSWER = Answer(-1, b"", False, "", b"(no answer: the shell ended)")


def contained(text):
    """Returns whether no word of the line can be a path outside the current directory."""
    text = re.sub(r"/dev/stdout", "", text)
    if re.search(r"(^|\| )expr ", text):  # it opens no files
        text = re.sub(r"(?<=\s)/(?=\s|$)", "", text)
    return not re.search(r"""(^|[\s'"=])(/|~)|\.\.""", text)


def run(tree, lines):
    """Returns [(Spindle's answer, the host's answer)], one pair for each line."""
    for line in lines:
        assert contained(line.text), line.text
    with tempfile.TemporaryDirectory(prefix="differential-") as folder:
        trees.write(tree, os.path.join(folder, "disc/t"))
        theirs = run_host(folder, lines)
        ended = [number for number, answer in enumerate(theirs) if answer.status not in STOPPED]
        ours = run_spindle(folder, [lines[number] for number in ended])
    answers = [(NOT_TRIED, NOT_TRIED)] * len(lines)
    for number, answer in zip(ended, ours):
        answers[number] = (answer, theirs[number])
    return answers


def run_group(command, seconds, **options):
    """subprocess.run() for a shell of the host: at the deadline everything that it started is killed too,
    such as the thousands of subshells of a function that calls itself."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, start_new_session=True, **options) as process:
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


# ---- the host ---------------------------------------------------------------------------------------

def run_host(folder, lines):
    """Returns the host's answers. Commands are those in PATH, not bash's built-in ones."""
    # A line may never end, or never stop writing: its process would survive this one.
    script = ['echo() { command /bin/echo "$@"; }', f"ulimit -t {CPU_SECONDS} -f {OUTPUT_KIB}"]
    for number, line in enumerate(lines):
        where = f"{folder}/disc/t"
        if line.changes:
            where = f"{folder}/w{number}"
            script.append(f"cp -a {folder}/disc/t {where}")
        out, err = f"{folder}/o{number}", f"{folder}/e{number}"
        script.append(f"cd {where} || exit 99")
        script.append(f"{{ {line.text} 2>{err}; }} >{out} </dev/null")
        script.append(f"echo $? >{folder}/s{number}")
    with open(f"{folder}/script", "w", encoding="utf-8") as file:
        file.write("\n".join(script) + "\n")
    # Reading its output, which is empty, ends with it; waiting with a timeout would poll.
    run_group(["bash", f"{folder}/script"], BATCH_SECONDS, env=ENVIRONMENT).check_returncode()
    return [host_answer(folder, number, line) for number, line in enumerate(lines)]


def host_answer(folder, number, line):
    def read(letter):
        with open(f"{folder}/{letter}{number}", "rb") as file:
            return file.read()
    tree = ""
    if line.changes:
        tree = trees.manifest(f"{folder}/w{number}")
        shutil.rmtree(f"{folder}/w{number}")
    errors = read("e")
    here = f"{folder}/w{number}" if line.changes else f"{folder}/disc/t"
    output = read("o").replace(here.encode(), PLACE)
    return Answer(int(read("s")), output, bool(errors), tree, errors)


# ---- Spindle ----------------------------------------------------------------------------------------

MARK = b"@@ differential "


def run_spindle(folder, lines):
    """Returns Spindle's answers. The script is on the disc; it prints a line `MARK what number
    bytes` before each part of an answer."""
    script = []
    for number, line in enumerate(lines):
        script.append("cp -a /System/t /w; cd /w" if line.changes else "cd /System/t")
        script.append(f"{{ {line.text} 2>/e; }} >/o </System/Devices/null")
        script.append(f"echo $? >/s; cd /; {say('status', number, '/s')}")
        script.append(f"{say('output', number, '/o')}; {say('errors', number, '/e')}")
        if line.changes:
            script.append(f"manifest /w >/m; {say('tree', number, '/m')}; rm -rf /w")
    with open(f"{folder}/disc/script", "w", encoding="utf-8") as file:
        file.write("\n".join(script) + "\n")
    trees.image(f"{folder}/disc", f"{folder}/disc.iso")
    try:
        got = subprocess.run([SPINDLE, f"{folder}/disc.iso", "-c", "source /System/script"],
                             capture_output=True, timeout=BATCH_SECONDS, check=False,
                             stdin=subprocess.DEVNULL).stdout
    except subprocess.TimeoutExpired as late:
        got = late.stdout or b""
    pieces = split(got)
    return [spindle_answer(pieces, number, line) for number, line in enumerate(lines)]


def say(what, number, file):
    return f"echo -n '{MARK.decode()}{what} {number} '; wc -c <{file}; cat {file}"


def split(text):
    """Parses the output of the script. Returns {(what, number): bytes}."""
    pieces, at = {}, 0
    while text.startswith(MARK, at):
        end = text.find(b"\n", at)
        if end < 0:
            break
        what, number, size = text[at + len(MARK):end].split()
        pieces[what.decode(), int(number)] = text[end + 1:end + 1 + int(size)]
        at = end + 1 + int(size)
    return pieces


def spindle_answer(pieces, number, line):
    wanted = ["status", "output", "errors"] + (["tree"] if line.changes else [])
    if not all((what, number) in pieces for what in wanted):
        return NO_ANSWER
    errors = pieces["errors", number]
    tree = trees.without_times(pieces["tree", number].decode()) if line.changes else ""
    here = rb"(^|[\n\0])/w(?=[/\n\0]|$)" if line.changes else rb"(^|[\n\0])/System/t(?=[/\n\0]|$)"
    output = re.sub(here, lambda found: found.group(1) + PLACE, pieces["output", number])
    return Answer(int(pieces["status", number]), output, bool(errors), tree, errors)
