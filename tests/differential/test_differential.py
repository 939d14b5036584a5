"""Promise: a command line has the same results in Spindle's shell as with GNU's tools.

`make test` tries the same lines each time; `make differential` (run.py) draws new ones. intended.py
lists the intended differences and their reasons.
"""
import os

import both
import lines
from intended import INTENDED, difference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BATCH_LINES = 40


def explain(tree, line, ours, theirs, what):
    return (f"{what} differ\n  tree    {tree!r}\n  line    {line.text}\n  Spindle {ours}\n  GNU     {theirs}")


def check(tree, wanted):
    """Fails at the first line with different answers."""
    for line, (ours, theirs) in zip(wanted, both.run(tree, wanted)):
        what = difference(line, ours, theirs)
        assert what is None, explain(tree, line, ours, theirs, what)


@settings(max_examples=40, derandomize=True, database=None, deadline=None,
          suppress_health_check=list(HealthCheck))
@given(st.randoms(use_true_random=False), st.integers(1, BATCH_LINES))
def test_lines_mean_the_same(random, size):
    check(*lines.draw_batch(random, size))


def test_no_line_leaves_its_folder():
    """Lines with a path outside the directory are never run on the host."""
    for text in ("cat /etc/passwd", "rm -r ..", "cp a ../b", "find ~", "grep -e '/x' a", "sort --output=/x"):
        assert not both.contained(text), text
    assert both.contained("cp -r a/b './c d'")


def test_each_command_has_a_table():
    without = {"cksum", "dd", "expr", "find", "rev", "rmdir"}
    for command in set(lines.READERS + lines.WRITERS) - without:
        assert lines.options(command), command


def test_the_book_prints_the_intended_differences():
    with open(os.path.join(both.TOP, "iso/Book/8-shell.md"), encoding="utf-8") as book:
        text = " ".join(book.read().split())
    for what, why, _ in INTENDED:
        assert f"- {what} ({why})." in text, what
