"""Promise: each name tree of real discs from elsewhere is shown as its description lists it.

SPINDLE_CORPORA names the folder of discs (default: shared/corpora beside the checkout). Its README
explains the descriptions, and where more than one behavior is correct.
"""
import json
import os
import re

import pytest

from test_manifest import CORPORA, run_shell, unpack

KINDS = {"dir": "d", "file": "f", "symlink": "l"}


def views():
    found = []
    for name in sorted(os.listdir(CORPORA)) if os.path.isdir(CORPORA) else []:
        if name.endswith(".json"):
            with open(os.path.join(CORPORA, name), encoding="utf-8") as text:
                truth = json.load(text)
            found += [(truth["image"], view, tree["tree"])
                      for view, tree in truth.get("views", {}).items()
                      if view in ("iso", "rr", "joliet")]
    return found


def plain(path):
    """Normalizes a path of the plain tree: no versions, no bare trailing dots, one case."""
    return "/".join(re.sub(r"\.?(;\d+)?$", "", part) for part in path.split("/")).casefold()


def expected_lines(view, tree):
    """Returns {path: (type, size, digest, target)}; files that the image truncates have EIO."""
    lines = {}
    for node in tree:
        path = node["path"].lstrip("/")
        if "path_hex" in node or not path:
            continue
        kind = KINDS.get(node["type"], "o")
        size = node.get("size", 0) if kind == "f" else 0
        digest = "EIO" if node.get("short") else node.get("sha256", "-") if kind == "f" else "-"
        if node.get("associated"):
            continue
        name = plain(path) if view == "iso" else path
        if name in lines:
            name += "~2"  # equal except for the removed parts
        lines[name] = (kind, size, digest, node.get("target"))
    return lines


def unescape(text):
    raw = re.sub(rb"\\x([0-9A-F]{2})", lambda m: bytes([int(m.group(1), 16)]), text)
    return raw.decode("utf-8")


def shown_lines(view, printed):
    lines = {}
    for line in printed.splitlines():
        kind, size, digest, _, rest = line.split(b"\t", 4)
        path, _, target = rest.partition(b" -> ")
        name = unescape(path)
        lines[plain(name) if view == "iso" else name] = (
            kind.decode(), int(size) if kind == b"f" else 0, digest.decode(),
            unescape(target) if kind == b"l" else None)
    return lines


def check_view(view, tree, printed):
    """Compares the output of `manifest` with the description of a tree."""
    shown, expected = shown_lines(view, printed), expected_lines(view, tree)
    for path, truth in expected.items():
        assert shown.get(path) == truth, path
    extra = set(shown) - set(expected)
    assert not extra or any("path_hex" in node or node.get("associated") for node in tree), extra


@pytest.mark.parametrize("image, view, tree", views(), ids=lambda value: value
                         if isinstance(value, str) else "")
def test_each_tree_matches_its_description(tmp_path, image, view, tree):
    disc = unpack(image, tmp_path)
    done = run_shell(disc, f"umount /System && mount -o names={view} virtual0 /System && "
                           "manifest /System")
    assert done.stdout or done.returncode == 0, done.stderr.decode()
    check_view(view, tree, done.stdout)
