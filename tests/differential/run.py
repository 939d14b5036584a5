#!/usr/bin/env python3
"""Compares command lines with GNU's tools until enough were tried.

    run.py LINES [SEED]     fails at the first difference, made as short as it gets
    run.py --all LINES [SEED]   prints all differences, a few of each kind

Each seed draws other lines. The last line counts them.
"""
import sys
from collections import defaultdict

from hypothesis import HealthCheck, Phase, given, seed, settings

import both
from intended import command_of, difference
from lines import batches
from test_differential import check

BATCH_LINES = 40
ROUND = 10  # batches drawn from one seed: hypothesis repeats itself in long rounds


def rounds(visit, wanted, first_seed, phases):
    """Calls visit(batch), which returns how many lines it tried, until `wanted` were tried."""
    total = 0

    def once(batch):
        nonlocal total
        total += visit(batch)

    number = first_seed
    while total < wanted:
        drawn = given(batches(BATCH_LINES))(once)
        seed(number)(settings(max_examples=ROUND, deadline=None, database=None, phases=phases,
                              suppress_health_check=list(HealthCheck))(drawn))()
        number += 1
    return total


def survey(wanted, first_seed):
    groups = defaultdict(dict)

    def visit(batch):
        tree, lines = batch
        for line, (ours, theirs) in zip(lines, both.run(tree, lines)):
            what = difference(line, ours, theirs)
            if what:
                groups[command_of(line.text), what].setdefault(line.text, (ours, theirs, tree))
        return len(lines)

    total = rounds(visit, wanted, first_seed, [Phase.generate])
    for (command, what), found in sorted(groups.items(), key=lambda item: -len(item[1])):
        print(f"== {command} {what}: {len(found)}")
        for text in sorted(found, key=len)[:6]:
            ours, theirs, tree = found[text]
            print("  $", text)
            print("     Spindle", ours.status, ours.output[:200], ours.errors[:100])
            print("     GNU    ", theirs.status, theirs.output[:200], theirs.errors[:100])
            if "tree" in what:
                print("     tree   ", set(ours.tree.splitlines()) ^ set(theirs.tree.splitlines()))
    return total, sum(map(len, groups.values()))


def main():
    words = sys.argv[1:]
    everything = words[:1] == ["--all"]
    words = words[1:] if everything else words
    if not words or not all(word.isdigit() for word in words):
        print(__doc__, file=sys.stderr)
        return 2
    wanted, first_seed = int(words[0]), int(words[1]) if len(words) > 1 else 1
    if everything:
        total, differences = survey(wanted, first_seed)
    else:
        total, differences = rounds(check, wanted, first_seed, list(Phase)), 0
    print(f"differential: {total} command lines, {differences} unexplained differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
