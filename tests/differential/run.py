#!/usr/bin/env python3
"""Compares random command lines with GNU's tools, at least LINES of them.

    run.py LINES [SEED]         fails at the first difference, after shortening it
    run.py --all LINES [SEED]   prints all differences, at most six of each kind
    run.py --only=NAME,NAME ... tries these commands only

Different seeds draw different lines. The last line of output has the counts.
"""
import sys
from collections import defaultdict
from random import Random

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

import both
import lines
from intended import command_of, difference
from test_differential import BATCH_LINES, check

SHRINK_EXAMPLES = 1000


def differences_of(tree, wanted):
    for line, (ours, theirs) in zip(wanted, both.run(tree, wanted)):
        what = difference(line, ours, theirs)
        if what:
            yield line, what, ours, theirs


def shorten(first_seed):
    """Finds a difference with hypothesis, which shortens it. Raises it as an AssertionError."""
    @seed(first_seed)
    @settings(max_examples=SHRINK_EXAMPLES, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False), st.integers(1, BATCH_LINES))
    def find(random, size):
        check(*lines.draw_batch(random, size))

    find()


def survey(wanted, first_seed, stop):
    """Returns {(command, what): {line: (ours, theirs, tree)}} and the number of lines that were
    tried. stop: end at the first batch with a difference."""
    groups, total = defaultdict(dict), 0
    number = first_seed
    while total < wanted and not (stop and groups):
        tree, batch = lines.draw_batch(Random(number), BATCH_LINES)
        for line, what, ours, theirs in differences_of(tree, batch):
            groups[command_of(line.text), what].setdefault(line.text, (ours, theirs, tree))
        total += len(batch)
        number += 1
    return groups, total


def show(groups):
    for (command, what), found in sorted(groups.items(), key=lambda item: -len(item[1])):
        print(f"== {command} {what}: {len(found)}")
        for text in sorted(found, key=len)[:6]:
            ours, theirs, tree = found[text]
            print("  $", text)
            print("     Spindle", ours.status, ours.output[:200], ours.errors[:100])
            print("     GNU    ", theirs.status, theirs.output[:200], theirs.errors[:100])
            if "tree" in what:
                print("     tree   ", set(ours.tree.splitlines()) ^ set(theirs.tree.splitlines()))


def main():
    words = sys.argv[1:]
    if words and words[0].startswith("--only="):
        lines.only = words.pop(0)[len("--only="):].split(",")
    everything = words[:1] == ["--all"]
    words = words[1:] if everything else words
    if not words or not all(word.isdigit() for word in words):
        print(__doc__, file=sys.stderr)
        return 2
    wanted, first_seed = int(words[0]), int(words[1]) if len(words) > 1 else 1

    groups, total = survey(wanted, first_seed, not everything)
    show(groups)
    differences = sum(map(len, groups.values()))
    print(f"differential: {total} command lines, {differences} unexplained differences")
    if groups and not everything:
        shorten(first_seed)
    return 1 if groups else 0


if __name__ == "__main__":
    sys.exit(main())
