#!/bin/sh
# Puts /MANIFEST.sha256 onto a CD: a list that `sha256sum -c` checks, on Spindle and elsewhere, of
# every file on the finished disc but itself, the ones that the maker of the disc adds included.
#
#   manifest.sh reserve TREE DISC   writes a list of the right length, without digests, into TREE:
#                                   DISC is a CD made of TREE so far
#   manifest.sh fill DISC           puts the digests into DISC, a CD made of TREE since then
#
# Making a disc twice may give different boot images (they hold times and places on the disc), so
# the digests are written into the finished one, in place: nothing else on it moves or changes.
set -eu
LC_ALL=C
export LC_ALL
name=MANIFEST.sha256

# extract DISC FOLDER: all files, as a reader of the disc sees them.
extract() {
    xorriso -osirrox on -indev "$1" -extract / "$2" >"$2.log" 2>&1 || { cat "$2.log"; exit 1; }
    chmod -R u+w "$2"
    rm -f "$2.log"
}

# digests FOLDER: the list.
digests() {
    (cd "$1" && find . -type f ! -name $name -print | sed 's|^\./||' | sort |
        while IFS= read -r path; do sha256sum -- "$path"; done)
}

# The place of the list on a disc, in blocks of 2048 bytes.
place() {
    xorriso -indev "$1" -find /$name -exec report_lba 2>/dev/null |
        sed -n 's/^File data lba: *[0-9]* , *\([0-9]*\) .*/\1/p'
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case $1 in
reserve)
    extract "$3" "$work/disc"
    digests "$work/disc" | sed "s/^[0-9a-f]*/$(printf '%064d' 0)/" >"$2/$name"
    ;;
fill)
    extract "$2" "$work/disc"
    digests "$work/disc" >"$work/list"
    test "$(wc -c <"$work/list")" -eq "$(wc -c <"$work/disc/$name")"
    dd if="$work/list" of="$2" bs=2048 seek="$(place "$2")" conv=notrunc 2>/dev/null
    ;;
*)
    echo "usage: manifest.sh reserve TREE DISC | fill DISC" >&2
    exit 2
    ;;
esac
