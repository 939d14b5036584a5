#!/usr/bin/env python3
"""make bench: the same work, on the same disc and in the same QEMU, alternately by Spindle, by
Debian's Linux and by a program without a kernel, which shows the limit of the machine.

    BENCH_RUNS=5     number of runs
    BENCH_ROWS=      names of rows, or prefixes of them: "file walk_cold"; "host": those of
                     host.py, beside programs of the host; default: all

Writes build/bench/table.txt, chart.svg and results.json.
"""
import json
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "system"))
sys.dont_write_bytecode = True

import host  # noqa: E402
import linux  # noqa: E402
import machines  # noqa: E402
import report  # noqa: E402
import rows  # noqa: E402

SYSTEMS = ("spindle", "linux")


loads = []


def say(text):
    """Prints what is measured next, and records the load: other work on the host distorts
    results."""
    loads.append(os.getloadavg()[0])
    print(text, flush=True)


def warm_host(path):
    """Reads the disc, so that the host has it in memory before the first system runs."""
    with open(path, "rb") as disc:
        while disc.read(1 << 20):
            pass


def keep(results, system, values):
    for name, value in values.items():
        results[system].setdefault(name, []).append(value)


lost = []


def measured(system, work, *arguments):
    """Returns what work() yields. A guest that stops answering loses the rest of this run of its rows
    only; the result names it."""
    values = {}
    try:
        for some in work(system, *arguments):
            values.update(some)
    except AssertionError as error:
        lost.append(f"{system}: {str(error).splitlines()[0][:200]}")
        say("lost: " + lost[-1])
    return values


def measure_discs(runs, wanted, results, clocks):
    if not any(set(names) & set(wanted) for names, _, _ in rows.STEPS):
        return
    warm_host(machines.DISC)
    for run in range(1, runs + 1):
        say(f"run {run} of {runs}: bare")
        keep(results, "bare", machines.measure_bare())
        for system in SYSTEMS:
            say(f"run {run} of {runs}: {system}")
            values = measured(system, machines.measure_guest, wanted, clocks)
            keep(results, system, {name: values[name] for name in wanted if name in values})


def measure_disks(runs, wanted, results, clocks):
    names = [f"{kind}_{step.name}" for kind in rows.DISKS for step in rows.DISK_STEPS]
    if not set(names) & set(wanted):
        return
    machines.make_disk()
    for run in range(1, runs + 1):
        say(f"run {run} of {runs}: the disks' image, and bare")
        keep(results, "bare", machines.measure_image())
        for kind in sorted(set(rows.DISKS) & set(rows.BARE_DISKS)):
            keep(results, "bare", machines.measure_bare_disk(kind, "read"))
        for system in SYSTEMS:
            say(f"run {run} of {runs}: {system}, disks")
            keep(results, system, measured(system, machines.measure_disks, wanted, clocks))


def measure_writing(runs, wanted, results, clocks):
    kinds = [kind for kind in rows.WRITTEN
             if any(name.startswith(f"write_{kind}_") for name in wanted)]
    for run in range(1, runs + 1):
        if kinds:
            say(f"run {run} of {runs}: writing to an image, and bare")
            keep(results, "bare", machines.measure_image_write())
            for controller in sorted({rows.WRITTEN[kind][0] for kind in kinds}):
                keep(results, "bare", machines.measure_bare_disk(controller, "write"))
        for kind in kinds:
            for system in SYSTEMS:
                say(f"run {run} of {runs}: {system}, writing, {kind}")
                keep(results, system,
                     measured(system, machines.measure_writing, kind, wanted, clocks))


def measure_others(runs, wanted, results):
    """Measures the mount of a full volume, and the shell's language."""
    language = [name for name in wanted if name.startswith("language_")]
    if "mount_full" in wanted:
        machines.make_full_volume()
    for run in range(1, runs + 1):
        for system in SYSTEMS:
            if "mount_full" in wanted:
                say(f"run {run} of {runs}: {system}, a full volume")
                keep(results, system, measured(system, machines.measure_full_mount))
            if language:
                say(f"run {run} of {runs}: {system}, the shell")
                keep(results, system, measured(system, machines.measure_language, language))


def measure_starts(runs, wanted, results):
    if "handover" in wanted:
        discs = {system: machines.make_boot_disc(system) for system in SYSTEMS}
        for run in range(1, runs + 1):
            say(f"run {run} of {runs}: from GRUB to the prompt")
            for system in SYSTEMS:
                keep(results, system, {"handover": machines.measure_handover(discs[system])})
    if "memory" in wanted:
        for system in SYSTEMS:
            say(f"the least memory: {system}")
            disc = machines.memory_disc(system)
            keep(results, system, {"memory": machines.least_memory(system, disc)})
    if "image" in wanted:
        for system in SYSTEMS:
            keep(results, system, {"image": machines.image_kib(system)})


def write(name, text):
    with open(os.path.join(machines.FOLDER, name), "w", encoding="utf-8") as file:
        file.write(text)


def measure_host(runs):
    text = host.bench(runs, say)
    write("host.txt", text)
    print("\n" + text, flush=True)


def main():
    runs = int(os.environ.get("BENCH_RUNS") or 5)
    words = (os.environ.get("BENCH_ROWS") or "").split()
    if not words or "host" in words:
        measure_host(runs)
        if words == ["host"]:
            return
    wanted = rows.chosen(" ".join(word for word in words if word != "host"))
    results, clocks = {"spindle": {}, "linux": {}, "bare": {}}, []
    measure_discs(runs, wanted, results, clocks)
    measure_disks(runs, wanted, results, clocks)
    measure_writing(runs, wanted, results, clocks)
    measure_others(runs, wanted, results)
    measure_starts(runs, wanted, results)
    text = (report.table(results) + "\n" + report.note(runs, machines.MEMORY)
            + f"Linux is Debian's {linux.release()}. " + report.clock_note(clocks)
            + report.load_note(loads or [os.getloadavg()[0]], os.cpu_count()))
    write("table.txt", text)
    write("results.json", json.dumps(results, indent=1) + "\n")
    if picture := report.chart(results):
        write("chart.svg", picture)
    print("\n" + text, flush=True)
    for line in lost:
        print("lost a run of " + line)
    if any(line.startswith("spindle") for line in lost):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
