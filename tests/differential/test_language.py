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


def test_enough():
    assert sum(len(scripts) for scripts in SECTIONS.values()) + GENERATED > 2700
