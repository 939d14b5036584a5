#!/bin/sh
# disc_size.sh DISC: writes the disc's size, in sectors of 512 bytes, into its /boot/grub/grub.cfg.
#
# It overwrites blanks that are reserved there, so nothing on the finished disc moves.
set -eu
disc=$1
place=$(xorriso -indev "$disc" -find /boot/grub/grub.cfg -exec report_lba 2>/dev/null |
    sed -n 's/^File data lba: *[0-9]* , *\([0-9]*\) .*/\1/p')
offset=$(dd if="$disc" bs=2048 skip="$place" count=4 2>/dev/null |
    grep -abo 'set disc_sectors=0        # here' | cut -d: -f1)
sectors=$(($(wc -c <"$disc") / 512))
printf 'set disc_sectors=%-9d# here' "$sectors" |
    dd of="$disc" bs=1 seek=$((place * 2048 + offset)) conv=notrunc 2>/dev/null
