/*
 * test_dump.c - promise: hexdump, od and xxd print what util-linux's, GNU's and vim's do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>

#include "kernel/port.h"
#include "lib/macros.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* As it is defined, a byte at a time. */
static void expect_dump(char *to, const uint8_t *data, uint64_t offset, uint64_t end)
{
    for (uint64_t row = offset; row < end; row += 16) {
        to += sprintf(to, "%08" PRIx64 " ", row);
        for (uint64_t i = row; i < row + 16; i++)
            to += sprintf(to, i < end ? "%s%02x" : "%s  ", i == row + 8 ? "  " : " ",
                          i < end ? data[i] : 0);
        to += sprintf(to, "  |");
        for (uint64_t i = row; i < row + 16 && i < end; i++)
            to += sprintf(to, "%c", data[i] >= ' ' && data[i] < 0x7f ? data[i] : '.');
        to += sprintf(to, "|\n");
    }
    sprintf(to, "%08" PRIx64 "\n", end);
}

BODY(canonical)
{
    (void)unused;
    enum { BYTES = 1500 };
    static const uint64_t parts[][2] = { { 0, BYTES }, { 5, 1203 }, { 511, 2 }, { 16, 512 } };
    static const char *const ways[][2] = {
        { "hexdump -C", "/f" }, { "hexdump -C", "< /f" }, { "cat /f | hexdump -C", "" },
    };
    static uint8_t data[BYTES];
    static char wanted[SAID_BYTES], line[100];
    start();
    for (unsigned i = 0; i < BYTES; i++)
        data[i] = (uint8_t)(i * 31 + i / 256);
    rig_put_file("/f", data, BYTES);
    for (unsigned i = 0; i < ARRAY_LENGTH(parts); i++) {
        expect_dump(wanted, data, parts[i][0], parts[i][0] + parts[i][1]);
        for (unsigned way = 0; way < ARRAY_LENGTH(ways); way++) {
            char given[40];
            sprintf(given, "-s %" PRIu64 " -n %" PRIu64, parts[i][0], parts[i][1]);
            snprintf(line, sizeof(line), "%s %s %s", ways[way][0], i ? given : "", ways[way][1]);
            says(line, wanted);
        }
    }
    says("hexdump -C -s 0x123456789a -n 1 /System/Devices/zero",
         "123456789a  00                                                |.|\n123456789b\n");
    put("/t", "pear\n"); /* what is not asked for is the next command's */
    put("/s", "hexdump -C -s 1 -n 1; cat\n");
    says("source /s < /t",
         "00000001  65                                                |e|\n00000002\nar\n");
    stop();
}

BODY(hexdump)
{
    start();
    put("/a", "simple\nbarfoobar\1\n");
    put("/b", "0123456789abcdef0123456789abcdef0123456789abcdef!");
    says("hexdump /a; hexdump -b -s 16 /a", "0000000 6973 706d 656c 620a 7261 6f66 626f 7261\n"
         "0000010 0a01                                   \n0000012\n"
         "0000010 001 012                                                        \n0000012\n");
    says("hexdump -x /b",
         "0000000    3130    3332    3534    3736    3938    6261    6463    6665\n"
         "*\n0000030    0021                                                        \n0000031\n");
    says("hexdump -v -e '16/1 \"%_p\" \"\\n\"' /b | wc -l", "4\n");
    says("hexdump -e '\"%_ad \" 4/1 \"%3_u\" \" %_c|\\n\"' -n 5 /a", "0   s  i  m  p l|\n");
    says("hexdump -e '1/4 \"%d \" 1/2 \"%x\" \"\\n\" \"%_Ao\\n\"' -n 6 /b",
         "858927408 3534\n6\n");
    says("printf '\\0\\0\\0' | hexdump -e '1/1 \"%02x|\"1/1 \"%02x!\\n\"'", "00|00!\n00|  !\n");
    says("hexdump -s 100 /a /b; hexdump -C -s 20 -n 3 /a /b",
         "0000043\n00000014  32 33 34                                          |234|\n00000017\n");
    says("hexdump /a 7 3", "00000007  62 61 72                                          |bar|\n"
         "0000000a\n");
    run("hexdump -e '\"%q\"' /a", SHELL_FAILED, "", "hexdump: bad format {\"%q\"}\n");
    run("hexdump -e '1/3 \"%d\"' /a", SHELL_FAILED, "", NULL);
    run("hexdump -e '\"x\"' /a", SHELL_FAILED, "",
        "hexdump: the formats use no bytes of the input\n");
    run("hexdump -e '9999999/1 \"%d\"' /a", SHELL_FAILED, "", NULL);
    run("hexdump /none /a", SHELL_FAILED, NULL, "hexdump: /none: No such file or directory\n");
    stop();
}

BODY(od)
{
    start();
    says("printf '\\0\\0\\300\\077\\0\\0\\0\\200\\1\\0\\0\\0\\0\\0\\200\\177' | od -An -f",
         "             1.5              -0           1e-45             inf\n");
    says("printf '\\232\\231\\231\\231\\231\\231\\271\\077' | od -An -tfDx4",
         "                      0.1\n     9999999a    3fb99999\n");
    says("printf 'ab' | od -An -x --endian=big; printf ab | od -An -h", " 6162\n 6261\n");
    says("printf 'abcdef' | od -b +2; printf abc >/f; od /f 1", "0000002 143 144 145 146\n0000006\n"
         "0000001 061542\n0000003\n");
    run("od -t f3 /f", SHELL_FAILED, "", "od: invalid type string 'f3'\n");
    stop();
}

BODY(xxd)
{
    start();
    put("/a", "simple\nbarfoobar\1\n");
    says("xxd /a", "00000000: 7369 6d70 6c65 0a62 6172 666f 6f62 6172  simple.barfoobar\n"
         "00000010: 010a                                     ..\n");
    says("xxd -p /a; xxd -p -c0 -l 4 /a", "73696d706c650a626172666f6f626172010a\n73696d70\n");
    says("xxd -b -l 3 /a; xxd -e -l 6 /a", "00000000: 01110011 01101001 01101101"
         "                             sim\n00000000: 706d6973     656c                "
         "    simple\n");
    says("xxd -i -u -l 2 /a; xxd -i < /a | wc -l",
         "unsigned char _a[] = {\n  0X73, 0X69\n};\nunsigned int _a_len = 2;\n2\n");
    says("head -c 64 /dev/zero | xxd -a | wc -l", "3\n");
    says("xxd /a | xxd -r | cmp - /a; xxd -p /a | xxd -r -p | cmp - /a; xxd -c 5 -g 1 /a /x; "
         "xxd -r -c 5 /x /y; cmp /a /y", "");
    says("echo '3: 61 62' | xxd -r | od -An -c", "  \\0  \\0  \\0   a   b\n");
    run("printf '5: 61\\n1: 61\\n' | xxd -r >/z", SHELL_TROUBLE, "",
        "xxd: Sorry, cannot seek backwards.\n");
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_hexdump),
        cmocka_unit_test(test_od),
        cmocka_unit_test(test_xxd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
