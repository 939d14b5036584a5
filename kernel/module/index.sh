#!/bin/sh
# index.sh DRIVER.drv...: the index of driver objects, which the kernel reads to find the one that drives a
# device: a line for each, in the form of kernel/module/catalog.h.
for object; do
    texts=$(objcopy -O binary --only-section=driver_info --set-section-flags driver_info=alloc \
        "$object" /dev/stdout | tr '\0' '\n') || exit 1
    name=$(echo "$texts" | sed -n 's/^name=//p')
    drives=$(echo "$texts" | sed -n 's/^drives=//p' | paste -s -d ';' -)
    needs=$(echo "$texts" | sed -n 's/^needs=//p' | paste -s -d ';' -)
    digest=$(sha256sum <"$object" | cut -d ' ' -f 1)
    printf '%s\t%s\t%s\t%s\t%s\n' "$name" "${object##*/}" "$digest" "$drives" "$needs"
done
