/*
 * test_digest.c - md5sum, sha1sum, sha256sum, sha512sum: their digests, and lists in every form
 * that GNU's and BSD's tools write.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/digest/digest.h"
#include "lib/macros.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

/* ---- digests ------------------------------------------------------------------------------ */

static const struct {
    const char *kind, *text, *hex;
} known[] = {
    { "md5", "", "d41d8cd98f00b204e9800998ecf8427e" },
    { "md5", "abc", "900150983cd24fb0d6963f7d28e17f72" },
    { "md5", "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
      "57edf4a22be3c955ac49da2e2107b67a" },
    { "sha1", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
    { "sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d" },
    { "sha1", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
    { "sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "sha512", "", "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e" },
    { "sha512", "abc", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                       "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
};

static void digest_of(const char *kind, const char *text, size_t step, char *hex)
{
    struct digest digest;
    size_t length = strlen(text);
    digest_init(&digest, digest_kind_find(kind));
    for (size_t at = 0; at < length; at += step)
        digest_update(&digest, text + at, length - at < step ? length - at : step);
    digest_hex(&digest, hex);
}

static void test_known(void **state)
{
    (void)state;
    char hex[DIGEST_HEX_BYTES];
    for (size_t i = 0; i < ARRAY_LENGTH(known); i++)
        for (size_t step = 1; step <= 81; step++) {
            digest_of(known[i].kind, known[i].text, step, hex);
            assert_string_equal(hex, known[i].hex);
        }
}

/* Where the padding no longer fits into the last block, pieces make no difference either. */
static void test_padding(void **state)
{
    (void)state;
    static const char *const names[] = { "md5", "sha1", "sha256", "sha512" };
    char text[300], whole[DIGEST_HEX_BYTES], pieces[DIGEST_HEX_BYTES];
    memset(text, 'a', sizeof(text));
    for (size_t length = 0; length < sizeof(text); length++)
        for (size_t i = 0; i < 4; i++) {
            text[length] = '\0';
            digest_of(names[i], text, sizeof(text), whole);
            digest_of(names[i], text, 7, pieces);
            assert_string_equal(whole, pieces);
            text[length] = 'a';
        }
    digest_of("sha512", (memset(text, 'a', 112), text[112] = '\0', text), 300, whole);
    assert_true(strncmp(whole, "c01d080efd492776a1c43bd23dd99d0a", 32) == 0);
    assert_null(digest_kind_find("crc32"));
}

/* ---- lists -------------------------------------------------------------------------------- */

#define A "60b725f10c9c85c70d97880dfe8191b3" /* of "a\n" */
#define B "3b5d5c3712955042212316173ccf37be" /* of "b\n" */

static void make_files(void)
{
    put("/a", "a\n");
    put("/b", "b\n");
    put("/ b", "b\n");
    put("/*b", "b\n");
    put("/n\nl", "a\n");
    put("/p(1) = x", "a\n");
}

BODY(written)
{
    (void)unused;
    start();
    make_files();
    says("cd /; md5sum a b", A "  a\n" B "  b\n");
    says("md5sum -b a; md5sum -bt a; md5sum < a", A " *a\n" A "  a\n" A "  -\n");
    says("md5sum --tag a", "MD5 (a) = " A "\n");
    says("md5sum $'n\\nl'; md5sum --tag $'n\\nl'",
         "\\" A "  n\\nl\n" "\\MD5 (n\\nl) = " A "\n");
    run("md5sum -z a", SHELL_DONE, NULL, "");
    kassert(out.used == 36 && !memcmp(out.text, A "  a", 36));
    run("md5sum a none", SHELL_FAILED, A "  a\n", "md5sum: none: No such file or directory\n");
    run("md5sum --tag -c a", SHELL_USAGE, "", NULL);
    run("md5sum --tag -t a", SHELL_USAGE, "", "md5sum: --tag does not support --text\n");
    run("md5sum --quiet a", SHELL_USAGE, "", NULL);
    stop();
}

static void checks(const char *list, const char *on_out)
{
    put("/list", list);
    says("md5sum -c list", on_out);
    says("cat list | md5sum -c --strict", on_out);
}

BODY(forms)
{
    (void)unused;
    start();
    make_files();
    says("cd /", "");
    checks(A "  a\n" B "  b\n", "a: OK\nb: OK\n");
    checks(A " *a\n" B " *b", "a: OK\nb: OK\n");
    checks("MD5 (a) = " A "\nMD5(b)= " B "\nMD5 (p(1) = x) = " A "\n",
           "a: OK\nb: OK\np(1) = x: OK\n");
    checks("\xef\xbb\xbf" A "  a\r\n\r\n" B "  b\r\n", "a: OK\nb: OK\n");
    checks("# by hand\n\n  " A "  a\n\t" B " *b\n", "a: OK\nb: OK\n");
    checks(A " a\n" B " *b\n" B "  b\n", "a: OK\n*b: OK\n b: OK\n");
    checks(B "   b\n" B " **b\n", " b: OK\n*b: OK\n");
    checks("\\" A "  n\\nl\n\\MD5 (n\\nl) = " A "\n", "\\n\\nl: OK\n\\n\\nl: OK\n");
    checks("60B725F10C9C85C70D97880DFE8191B3  a\n", "a: OK\n");
    says("md5sum --tag a b > l; sha1sum a b > m; sha512sum a b > n; sha256sum a b > o", "");
    says("md5sum -c l; sha1sum -c m; sha512sum -c n; sha256sum -c o",
         "a: OK\nb: OK\na: OK\nb: OK\na: OK\nb: OK\na: OK\nb: OK\n");
    stop();
}

static const char warned[] = "md5sum: WARNING: 1 line is improperly formatted\n";

BODY(failures)
{
    (void)unused;
    start();
    make_files();
    put("/bad", B "  a\n" A "  none\n" A "  a\nnonsense\n");
    put("/odd", A "  a\n" A " b\n");
    put("/gone", A "  none\n");
    run("cd /; md5sum -c bad", SHELL_FAILED, "a: FAILED\nnone: FAILED open or read\na: OK\n",
        "md5sum: none: No such file or directory\n"
        "md5sum: WARNING: 1 line is improperly formatted\n"
        "md5sum: WARNING: 1 listed file could not be read\n"
        "md5sum: WARNING: 1 computed checksum did NOT match\n");
    run("md5sum -c --quiet --ignore-missing bad", SHELL_FAILED, "a: FAILED\n", NULL);
    run("md5sum -c --status bad", SHELL_FAILED, "", "md5sum: none: No such file or directory\n");
    run("md5sum -c odd", SHELL_DONE, "a: OK\n", warned); /* both forms in one list */
    run("md5sum -c --strict odd", SHELL_FAILED, "a: OK\n", warned);
    run("md5sum -cw odd", SHELL_DONE, "a: OK\n",
        "md5sum: odd: 2: improperly formatted MD5 checksum line\n"
        "md5sum: WARNING: 1 line is improperly formatted\n");
    run("md5sum -c a", SHELL_FAILED, "",
        "md5sum: a: no properly formatted checksum lines found\n");
    run("sha1sum -c odd", SHELL_FAILED, "", NULL);
    run("md5sum -c --ignore-missing gone", SHELL_FAILED, "",
        "md5sum: gone: no file was verified\n");
    run("md5sum -c odd none", SHELL_FAILED, "a: OK\n", NULL);
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),   cmocka_unit_test(test_padding),
        cmocka_unit_test(test_written), cmocka_unit_test(test_forms),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
