"""No circles: neither between sources (by the symbols of their objects) nor between headers.

An edge of the link graph goes from the file that uses a symbol to the one that defines it, so a
call through a header that another folder owns (kernel/port.h) counts as well.
"""
import subprocess
from collections import defaultdict

from tree import includes

# Files that are still part of a circle. Remove a file when its circle is open: an entry that is not
# needed any more is an error, and so is every circle with a file that is not listed.
KNOWN_CIRCLES = {
    "boot/boot.c",
    "boot/entry.S",
    "boot/multiboot2.c",
    "boot/pvh.c",
    "drivers/input/keyboard.c",
    "drivers/serial/serial.c",
    "drivers/storage/scsi/cdrom/cdrom.c",
    "drivers/storage/scsi/cdrom/medium.c",
    "drivers/storage/scsi/cdrom/read.c",
    "drivers/storage/scsi/cdrom/toc.c",
    "drivers/storage/virtual/disc/sheet.c",
    "drivers/storage/virtual/disc/sheet_ccd.c",
    "drivers/storage/virtual/disc/sheet_cue.c",
    "drivers/storage/virtual/disc/sheet_layout.c",
    "drivers/storage/virtual/disc/sheet_toc.c",
    "drivers/storage/virtual/drive.c",
    "drivers/storage/virtual/info.c",
    "drivers/video/framebuffer.c",
    "drivers/video/picture.c",
    "drivers/video/screen.c",
    "drivers/video/vga.c",
    "fs/cdfs/data.c",
    "fs/cdfs/describe.c",
    "fs/cdfs/directory.c",
    "fs/cdfs/index.c",
    "fs/cdfs/node.c",
    "fs/cdfs/session.c",
    "fs/cdfs/susp.c",
    "fs/cdfs/volume.c",
    "fs/cdfs/worker.c",
    "fs/cdfs/zisofs.c",
    "kernel/command_line.c",
    "kernel/console.c",
    "kernel/dev/bad_blocks.c",
    "kernel/dev/control.c",
    "kernel/dev/device.c",
    "kernel/dev/event.c",
    "kernel/dev/io.c",
    "kernel/dev/tree.c",
    "kernel/early.c",
    "kernel/log.c",
    "kernel/main.c",
    "kernel/mm/frames.c",
    "kernel/mm/heap.c",
    "kernel/mm/memory.c",
    "kernel/mm/space.c",
    "kernel/modules.c",
    "kernel/monitor.c",
    "kernel/panic.c",
    "kernel/prof.c",
    "kernel/sched/spin.c",
    "kernel/sched/sync.c",
    "kernel/sched/thread.c",
    "kernel/sched/timer.c",
    "kernel/selftest.c",
    "kernel/vfs/cache/cache.c",
    "kernel/vfs/cache/cache_pages.c",
    "kernel/vfs/cache/fill.c",
    "kernel/vfs/change.c",
    "kernel/vfs/file.c",
    "kernel/vfs/file_io.c",
    "kernel/vfs/memory.c",
    "kernel/vfs/mount/dismount.c",
    "kernel/vfs/mount/identify.c",
    "kernel/vfs/mount/mount.c",
    "kernel/vfs/mount/mount_table.c",
    "kernel/vfs/mount/redirect.c",
    "kernel/vfs/mount/start.c",
    "kernel/vfs/names.c",
    "kernel/vfs/path.c",
    "kernel/vfs/replace.c",
    "kernel/vfs/uncached.c",
    "kernel/vfs/vfs_io.c",
    "kernel/vfs/vnode.c",
    "kernel/vfs/vnode_cache.c",
    "kernel/vfs/vnode_share.c",
    "kernel/vfs/walk.c",
    "kernel/x86/clock.c",
    "kernel/x86/interrupts.c",
    "kernel/x86/power.c",
    "kernel/x86/rtc.c",
    "kernel/x86/stubs.S",
    "kernel/x86/traps.c",
    "lib/identify.c",
    "lib/identify_checks.c",
    "shell/command_not_found.c",
    "shell/editor/complete.c",
    "shell/editor/completion.c",
    "shell/editor/editor.c",
    "shell/editor/interact.c",
    "shell/editor/keys.c",
    "shell/editor/terminal_line.c",
    "shell/language/expand.c",
    "shell/language/glob.c",
    "shell/language/output_file.c",
    "shell/language/parse.c",
    "shell/language/pipe.c",
    "shell/language/pipeline.c",
    "shell/language/run.c",
    "shell/language/script.c",
    "shell/language/thread_group.c",
    "shell/options.c",
    "shell/shell.c",
    "shell/stream.c",
    "shell/terminal.c",
    "shell/variables.c",
    "shell/words.c",
}


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


def check(files, objects):
    in_circle = set()
    yield from check_graph(link_edges(objects), "sources", in_circle)
    yield from check_graph(header_edges(files), "headers", in_circle)
    for path in sorted(KNOWN_CIRCLES - in_circle):
        yield (f"tests/lint/circles.py: {path} is in no circle now;"
               " remove it from KNOWN_CIRCLES")
