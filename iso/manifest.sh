#!/bin/sh
# Writes /MANIFEST.sha256, a list for `sha256sum -c` of every other file on the finished CD,
# including those that grub-mkrescue adds.
#
#   manifest.sh reserve TREE DISC   writes a list of the right length, without digests, into TREE;
#                                   DISC is a CD that was made of TREE
#   manifest.sh fill DISC           writes the digests into DISC, made of TREE with the list
#
# A disc that is made again may have different boot images (they contain times and block numbers), so
# the digests are written into the finished disc, in place: nothing else on it moves or changes.
set -eu
LC_ALL=C
export LC_ALL
name=MANIFEST.sha256

# extract DISC FOLDER: extracts all files of the disc.
extract() {
    xorriso -osirrox on -indev "$1" -extract / "$2" >"$2.log" 2>&1 || { cat "$2.log"; exit 1; }
    chmod -R u+w "$2"
    rm -f "$2.log"
}

# digests FOLDER: prints the list.
digests() {
    (cd "$1" && find . -type f ! -name $name -print | sed 's|^\./||' | sort |
        while IFS= read -r path; do sha256sum -- "$path"; done)
}

# place DISC: prints where the list is on the disc, in blocks of 2048 bytes.
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
