#!/usr/bin/env python3
"""Has fsck.fat or fsck.exfat check a volume after a power failure: check_volume.py fat|exfat IMAGE

Prints what they find beyond the things that a power failure may leave, and exits with 1 then:
lost clusters, also at the end of a chain that is longer than the file (a size and its chain are in
two blocks, which cannot change at once), a mark that the volume was in use, differing copies of the
FAT, counts that are hints, and both names of a file that was being renamed.
"""
import re
import subprocess
import sys

HARMLESS = {
    "fat": r"""
        ^fsck\.fat
        ^Dirty\ bit\ is\ set
        ^\ ?Automatically\ removing\ dirty\ bit
        ^There\ are\ differences\ between\ boot\ sector\ and\ its\ backup
        ^This\ is\ mostly\ harmless
        ^\s*65:0[01]/0[01]$
        ^\ *Not\ automatically\ fixing\ this
        ^FATs\ differ\ but\ appear\ to\ be\ intact
        ^\ *Using\ first\ FAT
        ^Reclaimed\ \d+\ unused\ cluster
        ^Free\ cluster\ summary\ (wrong|uninitialized)
        ^\ *Auto-(correcting|setting)
        ^Leaving\ filesystem\ unchanged
        ^.*:\ \d+\ files,\ \d+/\d+\ clusters$
    """,
    # of the errors, only both names of one file, and a chain that is longer than its file
    "exfat": r"""
        ^exfatprogs
        :\ (clean|corrupted)\.\ directories\ \d+,\ files\ \d+$
        :\ files\ corrupted\ \d+,\ files\ fixed\ 0$
        ^ERROR:\ .*:\ cluster\ is\ already\ allocated\ for\ the\ other\ file\.
        ^ERROR:\ .*:\ more\ clusters\ are\ allocated\.
    """,
}
# Both names lead to one chain, which fsck.fat takes from the second one.
RENAMED = r"""^/.*\ and\n(?P<second>/.*)\n\ *share\ clusters\.\n\ *Truncating\ second\ to\ .*\n
(?P=second)\n\ *File\ size\ is\ .*\n\ *Truncating\ file\ to\ .*\n"""
LONGER = r"""^/.*\n\ *File\ size\ is\ (\d+)\ bytes,\ cluster\ chain\ length\ is\ >\ \d+\ bytes\.\n
\ *Truncating\ file\ to\ \1\ bytes\.\n"""


def main():
    kind, image = sys.argv[1:]
    run = subprocess.run(["fsck." + kind, "-n", image], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    text = run.stdout
    for harmless in RENAMED, LONGER:
        text = re.sub(harmless, "", text, flags=re.M | re.X)
    lines = [re.compile(line.strip(), re.X) for line in HARMLESS[kind].split("\n") if line.strip()]
    bad = [line for line in text.splitlines()
           if line.strip() and not any(one.search(line) for one in lines)]
    if bad:
        print(run.stdout)
        print("not harmless:", *bad, sep="\n  ")
        return 1
    return 0


sys.exit(main())
