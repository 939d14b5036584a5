"""The table and the chart of what was measured."""
import math
from statistics import median

from rows import ROWS

NOTE = """Medians of {runs} in turn, with the least and the greatest in brackets, in one \
emulated machine with {memory}. `limit` is a loop without a kernel in the same machine. On real \
drives the drive is the limit, and the ratios are smaller.
"""


def number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def note(runs, memory):
    return NOTE.format(runs=f"{runs} run{'s' if runs != 1 else ''}", memory=memory)


def spread(values):
    if not values:
        return "-"
    if len(values) == 1 or min(values) == max(values):
        return number(median(values))
    return f"{number(median(values))} [{number(min(values))}..{number(max(values))}]"


def middle(results, system, name):
    values = results[system].get(name)
    return median(values) if values else None


def ratio(one, other):
    return one / other if one is not None and other else None


def aim_of(results, row):
    """What is aimed at in words, and whether it is reached; ("", None) without an aim."""
    value = middle(results, "spindle", row.name)
    if not row.aim or value is None:
        return "", None
    kind, wanted, *other = row.aim
    if kind == "least":
        return f">= {number(wanted)}", value >= wanted
    if kind == "most":
        return f"<= {number(wanted)}", value <= wanted
    base = {"limit": middle(results, "bare", row.limit or ""),
            "linux": middle(results, "linux", row.name),
            "row": middle(results, "spindle", other[0] if other else "")}[kind]
    what = other[0] if other else kind
    return f">= {wanted} {what}", None if not base else value >= wanted * base


def cells(results, row):
    """The row's cells as text."""
    spindle, linux = (middle(results, system, row.name) for system in ("spindle", "linux"))
    bare = middle(results, "bare", row.limit) if row.limit else None
    words, reached = aim_of(results, row)
    ratios = [ratio(spindle, linux), ratio(spindle, bare)]
    return [row.title, row.unit, spread(results["spindle"].get(row.name)),
            spread(results["linux"].get(row.name)),
            spread(results["bare"].get(row.limit)) if row.limit else "-",
            *("-" if value is None else number(value) for value in ratios),
            words + {None: "", True: " yes", False: " NO"}[reached]]


HEAD = ["work", "unit", "Spindle", "Linux", "limit", "/ Linux", "/ limit", "aim"]


def table(results, head=HEAD):
    lines = [head] + [cells(results, row) for row in ROWS
                      if any(row.name in results[s] for s in ("spindle", "linux"))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    shown = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
             for line in lines]
    shown.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(shown) + "\n"


def clock_note(clocks):
    """How the guests' clocks agree with ours, over commands that took a while."""
    parts = [guest / host for guest, host in clocks if guest >= 0.5]
    if not parts:
        return "No command took long enough to compare the clocks.\n"
    return (f"The guests say that they worked {min(parts):.0%} to {max(parts):.0%} of the time that "
            f"commands of half a second or more took by the host's clock.\n")


# ---------------------------------------------------------------- the chart

ROW_HEIGHT, LEFT, RIGHT, TOP, WIDTH = 34, 330, 90, 46, 1000
COLORS = {"spindle": "#2f6db5", "bare": "#b9b9b9"}


def chart(results):
    """Bars of the ratio to Linux, by its logarithm: how many times as fast (or as small)."""
    rows = [(row, *bars(results, row)) for row in ROWS]
    rows = [item for item in rows if item[1]]
    if not rows:
        return None
    most = max(max(own, limit or 0) for _, own, limit in rows)
    decades = max(1, math.ceil(math.log10(most)))
    scale = (WIDTH - LEFT - RIGHT) / decades
    body = [bar_row(TOP + i * ROW_HEIGHT, scale, *item) for i, item in enumerate(rows)]
    height = TOP + len(rows) * ROW_HEIGHT + 10
    lines = [grid_line(LEFT + i * scale, 10 ** i, height) for i in range(decades + 1)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif" font-size="13">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
            f'<text x="10" y="18">Spindle (blue) and the bare limit (grey), times Linux</text>\n'
            + "\n".join(lines + body) + "\n</svg>\n")


def bars(results, row):
    """(Spindle's ratio to Linux, the limit's), the other way about where less is better."""
    spindle, linux = (middle(results, system, row.name) for system in ("spindle", "linux"))
    if not spindle or not linux:
        return None, None
    if row.unit in ("s", "MiB", "KiB"):
        return linux / spindle, None
    return spindle / linux, ratio(middle(results, "bare", row.limit or ""), linux)


def grid_line(x, value, height):
    return (f'<line x1="{x:.0f}" y1="{TOP - 8}" x2="{x:.0f}" y2="{height - 8}" stroke="#ddd"/>'
            f'<text x="{x:.0f}" y="{TOP - 12}" text-anchor="middle" fill="#666">{value}</text>')


def bar_row(y, scale, row, own, limit):
    shown = [f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{row.title}</text>']
    for value, color, top, tall in ((limit, COLORS["bare"], y, 22), (own, COLORS["spindle"],
                                                                    y + 5, 12)):
        if value:
            width = scale * math.log10(value)
            x = LEFT + min(0, width)
            shown.append(f'<rect x="{x:.1f}" y="{top}" width="{max(1, abs(width)):.1f}" '
                         f'height="{tall}" fill="{color}"/>')
    end = LEFT + scale * max(0, math.log10(own), math.log10(limit) if limit else 0)
    shown.append(f'<text x="{end + 6:.0f}" y="{y + 16}">{number(own)}</text>')
    return "".join(shown)
