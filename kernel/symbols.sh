#!/bin/sh
# Converts the output of `nm -n` (stdin) to the symbol table of kernel/symbols.h, as assembly.
# Empty input makes an empty table, for the first link.
awk '
$3 == "__text_start" { start = $1 }
($2 == "t" || $2 == "T") && $3 !~ /^(__text_|stub_|\.L)/ {
    if ($1 == last)
        next # another name of the same function
    last = $1
    address[n] = $1
    sub(/\.lto_priv\.[0-9]+/, "", $3) # how gcc distinguishes static functions of one name
    name[n++] = $3
}
END {
    print "    .section .symbols, \"a\""
    print "    .balign 8"
    print "    .globl symbol_count, symbol_offsets, symbol_names"
    kept = 0
    for (i = 0; i < n; i++)
        if (start != "" && address[i] >= start)
            kept++
    print "symbol_count:\n    .long " kept
    print "symbol_offsets:"
    for (i = 0; i < n; i++)
        if (start != "" && address[i] >= start)
            print "    .long 0x" address[i] " - 0x" start
    print "symbol_names:"
    for (i = 0; i < n; i++)
        if (start != "" && address[i] >= start)
            print "    .asciz \"" name[i] "\""
    print "    .section .note.GNU-stack, \"\", @progbits"
}'
