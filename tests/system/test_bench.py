"""Promise: `bench` prints valid lines in the kernel and on the host, the program that measures
Linux does the same work, and the table and the chart show the measured values. Speed is not
tested."""
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

import pytest

import qemu

sys.path.insert(0, os.path.join(qemu.TOP, "tests", "bench"))

import report  # noqa: E402
import rows  # noqa: E402

SHELL = os.path.join(qemu.BUILD, "host", "spindle-sh")
SOURCE = os.path.join(qemu.TOP, "tests", "bench", "linux_bench.c")
UNITS = {"raw": "MiB", "file": "MiB", "random": "reads", "walk": "entries", "stat": "entries",
         "small": "files", "absent": "names"}


@pytest.fixture(scope="module")
def shell():
    with qemu.Machine("", cdrom=qemu.ISO) as machine:
        machine.wait_prompt()
        yield machine


@pytest.fixture(scope="module")
def posix(tmp_path_factory):
    """(the program for Linux, the boot CD's files)"""
    folder = tmp_path_factory.mktemp("posix")
    subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
                    folder / "bench", SOURCE], check=True)
    subprocess.run(["xorriso", "-osirrox", "on", "-indev", qemu.ISO, "-extract", "/",
                    folder / "disc"], capture_output=True, check=True)
    return folder / "bench", folder / "disc"


def amounts(lines, name):
    """Checks the lines of a measurement. Returns the amount of work of each repetition."""
    assert lines and len(lines) % 3 == 0, lines
    unit, found = UNITS[name], []
    for rate, amount, time in zip(*[iter(lines)] * 3):
        value = re.fullmatch(rf"BENCH {name} (\d+\.\d) {unit}/s", rate)
        done = re.fullmatch(rf"BENCH {name}\.amount (\d+) {'bytes' if unit == 'MiB' else unit}",
                            amount)
        seconds = re.fullmatch(rf"BENCH {name}\.time (\d+\.\d{{6}}) s", time)
        assert value and done and seconds, (rate, amount, time)
        assert 0 < float(seconds[1]) < 60 and float(value[1]) > 0
        scale = 1 << 20 if unit == "MiB" else 1
        # The rate is the amount divided by the time, except for rounding.
        assert float(value[1]) == pytest.approx(int(done[1]) / scale / float(seconds[1]), abs=0.11)
        found.append(int(done[1]))
    return found


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.splitlines()


def words(text):
    """Returns the name of the measurement in a command line."""
    return next(word for word in text.split() if word in UNITS)


@pytest.mark.parametrize("text, expected", [
    ("bench -n 2 raw cdrom0", [2 << 20]), ("bench -s 2048 -n 7 raw cdrom0", [7 * 2048]),
    ("bench random -n 20 cdrom0", [20]), ("bench -r 3 random -n 5 /System/efi.img", [5] * 3),
    ("bench -r 2 file /System/boot/spindle.elf", [os.path.getsize(qemu.ELF)] * 2),
    ("bench absent -n 100 /System", [100]),
    ("bench -q 32 -s 2048 -n 99 raw cdrom0", [99 * 2048]),
    ("bench -q 8 -n 50 random cdrom0", [50])])
def test_bench_in_the_kernel(shell, text, expected):
    assert amounts(shell.command(text), words(text)) == expected


@pytest.mark.parametrize("text", ["bench walk {}", "bench small {}", "bench stat {}/boot/grub",
                                  "bench stat -n 3 {}/Book", "bench -r 2 file {}/efi.img",
                                  "bench random -n 9 {}/efi.img", "bench absent -n 9 {}/Book"])
def test_all_do_the_same_work(shell, posix, text):
    """The kernel, the host tool and the POSIX program do the same amount of work."""
    program, disc = posix
    name = words(text)
    here = amounts(shell.command(text.format("/System")), name)
    assert here == amounts(run(SHELL, qemu.ISO, "-c", text.format("/System")), name)
    assert here == amounts(run(program, *text.format(disc).split()[1:]), name)


@pytest.mark.parametrize("step", rows.DISK_STEPS, ids=lambda step: step.name)
def test_the_steps_of_disks_do_the_same_work(shell, posix, step):
    few = step._replace(reads=4)  # the disc is small
    here = amounts(shell.command(rows.disk_command(few, "cdrom0")), step.kind)
    assert here == amounts(run(posix[0], *rows.disk_command(few, qemu.ISO).split()[1:]), step.kind)
    lines = run(*rows.image_command(few, qemu.ISO))
    assert f"Sending 4 read requests, {step.bytes} bytes each, {step.depth} in parallel" in lines[0]
    assert f"image_{step.name}" in {row.limit for row in rows.ROWS}


def test_reads_in_flight_do_the_same_work_on_linux(posix):
    """A file has no direct reads in the POSIX program, but the same requests."""
    program, _ = posix
    assert amounts(run(program, "-q", "8", "-s", "2048", "raw", qemu.ISO), "raw") == [
        os.path.getsize(qemu.ISO)]
    assert amounts(run(program, "-q", "32", "-n", "70", "random", qemu.ISO), "random") == [70]


def test_raw_reads_the_whole_image_on_the_host():
    lines = run(SHELL, qemu.ISO, "-c", "bench raw virtual0")
    assert amounts(lines, "raw") == [os.path.getsize(qemu.ISO)]


# ---- the report

RESULTS = {"spindle": {"raw_1m": [700, 900, 800], "random_raw": [10], "file_warm": [240],
                       "absent": [99999], "handover": [0.05], "inner_cold": [90],
                       "file_cold": [100]},
           "linux": {"raw_1m": [100, 200, 400], "random_raw": [5], "file_warm": [200],
                     "handover": [10]},
           "bare": {"raw_1m": [1000, 1000, 1600], "random_raw": [21], "file_cold": [150]}}


def test_the_table_has_medians_ratios_and_aims():
    lines = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[3:-1]]
             for line in report.table(RESULTS).splitlines()}
    title = {row.name: row.title for row in rows.ROWS}
    assert lines[title["raw_1m"]] == ["800 [700..900]", "200 [100..400]", "1,000 [1,000..1,600]",
                                      "4.5", "0.7", ">= 0.7 limit yes"]
    assert lines[title["random_raw"]] == ["10", "5", "21", "2", "0.476", ">= 0.5 limit NO"]
    assert lines[title["file_warm"]][-1] == ">= 1.2 linux yes"
    assert lines[title["absent"]] == ["99,999", "-", "-", "-", "-", ">= 100,000 NO"]
    assert lines[title["handover"]][-1] == "<= 0.1 yes"
    assert lines[title["inner_cold"]][-1] == ">= 0.9 file_cold yes"
    assert title["small_cold"] not in lines


def test_the_chart_is_an_image_of_the_rows_with_ratios():
    picture = xml.fromstring(report.chart(RESULTS))
    texts = [element.text for element in picture.iter() if element.text]
    assert [row.title for row in rows.ROWS if row.title in texts] == [
        row.title for row in rows.ROWS if row.name in RESULTS["linux"]]
    assert report.chart({"spindle": {}, "linux": {}, "bare": {}}) is None


def test_rows_are_chosen_by_prefix():
    names = [row.name for row in rows.ROWS]
    assert rows.chosen("") == names
    assert rows.chosen("walk,raw_1m") == ["raw_1m", "walk_cold", "walk_warm"]
    with pytest.raises(SystemExit):
        rows.chosen("run")
    given = [name for step, _, _ in rows.STEPS for name in step]
    given += [f"{kind}_{step.name}" for kind in rows.DISKS for step in rows.DISK_STEPS]
    given += [f"write_{kind}_{step.name}" for kind in rows.WRITTEN for step in rows.WRITE_STEPS]
    given += [f"language_{shell}_{step.name}" for shell in ("ash", "dash")
              for step in rows.LANGUAGE_STEPS]
    assert sorted(given + ["handover", "memory", "image", "mount_full"]) == sorted(names)
