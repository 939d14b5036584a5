"""Formats the results as a table and a chart."""
import math
from statistics import median

from rows import ROWS

NOTE = """Each value is the median of {runs}, with minimum and maximum in brackets; the systems \
run alternately in the same emulated machine with {memory}. A ratio is the median of the ratios \
of single runs. `limit` is a loop without a kernel in the same machine; for directory entries, it \
only parses the records. For disks at random places, with 32 in flight, and for NVMe, it is \
`qemu-img bench` on their image, without a machine: QEMU's own way to the bytes. On hardware the \
drive is the limit, and the ratios are smaller.
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


def ratio(results, system, name, other_system, other_name):
    """Returns the median of the ratios of single runs: a busy host slows both sides of a run."""
    ones, others = results[system].get(name), results[other_system].get(other_name)
    if not ones or not others:
        return None
    return median(one / other for one, other in zip(ones, others))


def aim_of(results, row):
    """Returns the aim as text, and whether it is reached; ("", None) without an aim."""
    value = middle(results, "spindle", row.name)
    if not row.aim or value is None:
        return "", None
    kind, wanted, *other = row.aim
    if kind == "least":
        return f">= {number(wanted)}", value >= wanted
    if kind == "most":
        return f"<= {number(wanted)}", value <= wanted
    what = other[0] if other else kind
    reached = {"limit": ratio(results, "spindle", row.name, "bare", row.limit),
               "linux": ratio(results, "spindle", row.name, "linux", row.name),
               "row": ratio(results, "spindle", row.name, "spindle", what)}[kind]
    return f">= {wanted} {what}", None if reached is None else reached >= wanted


def cells(results, row):
    """Returns the cells of a row as text."""
    words, reached = aim_of(results, row)
    ratios = [ratio(results, "spindle", row.name, "linux", row.name),
              ratio(results, "spindle", row.name, "bare", row.limit)]
    return [row.title, row.unit, spread(results["spindle"].get(row.name)),
            spread(results["linux"].get(row.name)), spread(results["bare"].get(row.limit)),
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
    """Returns a sentence that compares the clocks of the guests and the host, over long
    commands."""
    parts = [guest / host for guest, host in clocks if guest >= 0.5]
    if not parts:
        return "No command took long enough to compare the clocks.\n"
    return (f"By the guests' clocks, commands of half a second or more took {min(parts):.0%} to "
            f"{max(parts):.0%} of their time by the host's clock.\n")


def load_note(loads, processors):
    """Returns a sentence on the load of the host. The machine alone causes a load of one or two."""
    return (f"The host has {processors} processors; its load was {min(loads):.1f} to "
            f"{max(loads):.1f}.\n")


# ---------------------------------------------------------------- the chart

ROW_HEIGHT, LEFT, RIGHT, TOP, WIDTH = 34, 330, 90, 46, 1000
SPINDLE_COLOR, LIMIT_COLOR = "#2f6db5", "#b9b9b9"


class Axis:
    """Maps ratios to coordinates on a logarithmic axis; the bars begin at 1."""

    def __init__(self, ratios):
        self.low = min(0, math.floor(math.log10(min(ratios))))
        self.high = max(1, math.ceil(math.log10(max(ratios))))
        self.scale = (WIDTH - LEFT - RIGHT) / (self.high - self.low)

    def place(self, value):
        return LEFT + self.scale * (math.log10(value) - self.low)

    def marks(self, height):
        return [grid_line(self.place(10.0 ** power), number(10.0 ** power), height)
                for power in range(self.low, self.high + 1)]


def chart(results):
    """Returns an SVG chart of Spindle's and the limit's ratios to Linux, or None without ratios."""
    rows = [(row, *bars(results, row)) for row in ROWS]
    rows = [item for item in rows if item[1]]
    if not rows:
        return None
    axis = Axis([value for _, *pair in rows for value in pair if value])
    height = TOP + len(rows) * ROW_HEIGHT + 10
    body = [bar_row(TOP + i * ROW_HEIGHT, axis, *item) for i, item in enumerate(rows)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'font-family="sans-serif" font-size="13">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
            f'<text x="10" y="18">Spindle (blue) and the bare limit (grey), times Linux</text>\n'
            + "\n".join(axis.marks(height) + body) + "\n</svg>\n")


def bars(results, row):
    """Returns (Spindle's ratio to Linux, the limit's); inverted if less is better."""
    if row.unit in ("s", "MiB", "KiB"):
        return ratio(results, "linux", row.name, "spindle", row.name), None
    return (ratio(results, "spindle", row.name, "linux", row.name),
            ratio(results, "bare", row.limit, "linux", row.name))


def grid_line(x, text, height):
    return (f'<line x1="{x:.0f}" y1="{TOP - 8}" x2="{x:.0f}" y2="{height - 8}" stroke="#ddd"/>'
            f'<text x="{x:.0f}" y="{TOP - 12}" text-anchor="middle" fill="#666">{text}</text>')


def bar(axis, value, color, y, tall):
    ends = sorted((axis.place(1), axis.place(value)))
    return (f'<rect x="{ends[0]:.1f}" y="{y}" width="{max(1, ends[1] - ends[0]):.1f}" '
            f'height="{tall}" fill="{color}"/>')


def bar_row(y, axis, row, own, limit):
    shown = [f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{row.title}</text>']
    if limit:
        shown.append(bar(axis, limit, LIMIT_COLOR, y, 22))
    shown.append(bar(axis, own, SPINDLE_COLOR, y + 5, 12))
    end = axis.place(max(1, own, limit or 0))
    shown.append(f'<text x="{end + 6:.0f}" y="{y + 16}">{number(own)}</text>')
    return "".join(shown)
