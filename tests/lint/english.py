"""Wording in comments, strings and documents that a native technical writer would not use.

The patterns are the habits of CONTRIBUTING.md's style that can be recognised without reading: each
has a hint at what to write instead. They are few, so that they are rarely wrong; where one is, the
phrase goes into ALLOWED.
"""
import re

HABITS = [
    (r"(?<!there )(?<!here )\b(is|are|was|were) no (?!longer|more|less|greater|larger|smaller|"
     r"better|worse|later|earlier|other)", "is not a(n)"),
    (r"\bfor ever\b", "permanently, endlessly"),
    (r"\bbut for\b", "except (for)"),
    (r"\b(whoever|whomever|whosoever)\b", "the caller, the owner, code that"),
    (r"\b(nobody|somebody|everybody)\b", "name the thread, the device, the caller"),
    (r"\b(go|goes|going|went) on\b(?! (to|forever))", "continue, resume, keep"),
    (r"\banew\b", "again"),
    (r"\bof (before|old)\b", "previous, legacy"),
    (r"\bby turns\b", "alternately"),
    (r"\bso many\b", "N, that many"),
    (r"\bbeneath\b", "below, underlying"),
    (r"\blies? (in|at|on|behind|before|after|within|outside|inside|below|above|between|there|where)"
     r"\b", "is in, is stored at, follows"),
    (r"\b(stands?|stood) (in|at|on|behind|before|after|where|there|above|below|beside|alone)\b",
     "is in, is at, precedes, follows"),
    (r"\btells (?!\w+ apart)", "returns, reports, contains, determines"),
    (r"\bmemory is (out|short)\b", "memory is exhausted"),
    (r"\bsenseless\b", "invalid"),
    (r"\bmeans nothing\b", "unknown, invalid"),
    (r"\b(lets?|letting) go\b", "release"),
    (r"\bfor want of\b", "because there is no"),
    (r"(?<!are )\ball the same\b", "nevertheless"),
    (r"\bwithout end\b", "endlessly, unbounded"),
    (r"\bat (an end|last)\b", "finished, finally"),
    (r"\bif need be\b", "if necessary"),
    (r"\b(is|was|are|were) said\b", "is reported, is documented"),
]
HABIT = re.compile("|".join(f"(?P<h{i}>{pattern})" for i, (pattern, _) in enumerate(HABITS)),
                   re.IGNORECASE)

# Phrases that are right where they are: (path, what the line contains).
ALLOWED = {
    ("tests/lint/english.py", ""),
}

# Rooms whose wording is still to be revised. Remove a room with its last finding: an entry that is
# not needed any more is an error.
UNREVISED = set()

# A C comment or string; a Python string or comment.
C_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
PYTHON_TEXT = re.compile(r'""".*?"""|#[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def texts(path, content):
    """Yields (offset, text) of what a person reads in the file."""
    if path.endswith(".md"):
        yield 0, content
        return
    pattern = C_TEXT if path.endswith((".c", ".h", ".S")) else PYTHON_TEXT
    for match in pattern.finditer(content):
        yield match.start(), match.group()


def flatten(text):
    """Replaces line ends, with the decoration of comments around them, by as many spaces."""
    return re.sub(r"\n[ \t]*(\*(?!/)|#)?", lambda match: " " * len(match.group()), text)


def find(path, lines):
    """Yields (line number, phrase, hint)."""
    content = "\n".join(lines)
    for offset, text in texts(path, content):
        # Several spaces count as one, so that a phrase may be divided between two lines.
        spread = re.sub(r" +", lambda match: " " + "\0" * (len(match.group()) - 1), flatten(text))
        kept = [i for i, c in enumerate(spread) if c != "\0"]
        for match in HABIT.finditer(spread.replace("\0", "")):
            number = content.count("\n", 0, offset + kept[match.start()]) + 1
            hint = HABITS[int(next(k for k, v in match.groupdict().items() if v)[1:])][1]
            yield number, match.group().strip(), hint


def room(path):
    """The entry of UNREVISED that contains the file, or None."""
    return next((name for name in UNREVISED if path.startswith(name)), None)


def is_allowed(path, line):
    return any(path == allowed and part in line for allowed, part in ALLOWED)


def check(files):
    unused = set(UNREVISED)
    for path, lines in files.items():
        for number, phrase, hint in find(path, lines):
            if is_allowed(path, lines[number - 1]):
                continue
            if room(path):
                unused.discard(room(path))
            else:
                yield f'{path}:{number}: "{phrase}": rather {hint}'
    for name in sorted(unused):
        yield f"tests/lint/english.py: {name} is clean now; remove it from UNREVISED"
