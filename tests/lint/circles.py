"""No circles: neither between sources (by the symbols of their objects) nor between headers.

An edge of the link graph goes from the file that uses a symbol to the one that defines it, so a
call through a header that another folder owns (kernel/port.h) counts as well.
"""
import subprocess
from collections import defaultdict

from tree import includes

# Files that are still part of a circle: none. An entry that is not needed is an error, and so is every
# circle with a file that is not listed.
KNOWN_CIRCLES = set()


def find_circles(edges):
    """Returns the strongly connected components of more than one node (Tarjan), each sorted."""
    index, low, stack, circles = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for target in edges.get(node, ()):
            if target not in index:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], index[target])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                circles.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(edges):
        if node not in index:
            visit(node)
    return circles


def read_symbols(objects):
    """Returns ({symbol: source that defines it}, {source: symbols that it uses})."""
    defined, used = {}, defaultdict(set)
    listed = subprocess.run(["nm", "-A", "--no-sort", *objects], capture_output=True, text=True,
                            check=True)
    for line in listed.stdout.split("\n"):
        if not line:
            continue
        path, rest = line.split(":", 1)
        source = path.removeprefix("build/lint/").removesuffix(".o")
        kind, symbol = rest.split()[-2:]
        if kind == "U":
            used[source].add(symbol)
        elif kind.isupper():
            defined[symbol] = source
    return defined, used


def link_edges(objects):
    """Returns {source: {source: symbols}}."""
    defined, used = read_symbols(objects)
    edges = {}
    for source, symbols in used.items():
        targets = defaultdict(set)
        for symbol in symbols:
            if defined.get(symbol, source) != source:
                targets[defined[symbol]].add(symbol)
        edges[source] = targets
    return edges


def describe(circle, edges):
    """One line for each edge inside the circle, with the symbols that make it."""
    for source in circle:
        for target in sorted(set(edges[source]) & set(circle)):
            symbols = sorted(edges[source][target])
            yield f"    {source} -> {target}: {', '.join(symbols)}".rstrip(": ")


def header_edges(files):
    return {path: {target: () for _, target in includes(lines)}
            for path, lines in files.items() if path.endswith(".h")}


def check_graph(edges, what, in_circle):
    for circle in find_circles(edges):
        in_circle.update(circle)
        if not set(circle) <= KNOWN_CIRCLES:
            yield f"{circle[0]}: circle of {len(circle)} {what}:"
            yield from describe(circle, edges)


def check(files, links):
    in_circle = set()
    yield from check_graph(links, "sources", in_circle)
    yield from check_graph(header_edges(files), "headers", in_circle)
    for path in sorted(KNOWN_CIRCLES - in_circle):
        yield (f"tests/lint/circles.py: {path} is in no circle now;"
               " remove it from KNOWN_CIRCLES")
