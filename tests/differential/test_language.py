"""The shell's language against dash: hand-written scripts, and some of grammar.py."""
import pytest

import grammar
import language

SECTIONS = language.sections()
SEED, GENERATED = 1, 400


@pytest.mark.parametrize("section", SECTIONS)
def test_section(section):
    found = language.differences(SECTIONS[section])
    assert not found, "\n".join(found[:5])


def test_generated():
    found = language.differences(grammar.scripts(GENERATED, SEED))
    assert not found, "\n".join(found[:5])


def test_lost():
    """A script that ends the shell of the batch loses none of the others."""
    kills = "p='$'; eval kill -s TERM \"$p$p\"\n"
    found = language.differences(["echo a\n", kills, "echo b\n", "echo c | cat\n"])
    assert len(found) == 1 and found[0].startswith(kills)


def test_enough():
    assert sum(len(scripts) for scripts in SECTIONS.values()) + GENERATED > 2700
