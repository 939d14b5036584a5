/*
 * test_attributes.c - promise: attrib and chmod show and change what FAT and exFAT store, and the
 * commands that write, replace and remove files respect the read-only attribute.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

static void begin(const char *format)
{
    char line[200];
    start();
    rig_mkdir("/m");
    snprintf(line, sizeof(line), "cd /; vdrive new 4M >/dev/null; format -y virtual0 %s >/dev/null;"
                                 "mount virtual0 /m; mount -o rw virtual0; cd /m", format);
    says(line, "");
}

static void finish(void)
{
    says("cd /; umount /m; check virtual0 >/dev/null; echo $?; vdrive rm 0", "0\n");
    stop();
}

static void attributes(const char *format)
{
    begin(format);
    says("echo one > f; mkdir d; attrib f d", "A---  f\n----  d\n");
    says("attrib +rH -a f; attrib f; attrib -H+s f d 2>/dev/null || attrib -h +s f; attrib f",
         "--HR  f\n-S-R  f\n");
    says("[ -w f ] || echo no; find . -perm 444", "no\n./f\n");

    /* Its content is protected, its name is not. */
    says("(echo two > f) 2>/dev/null || echo no; (echo >> f) 2>/dev/null || echo no", "no\nno\n");
    fails("truncate -s 0 f", "truncate: cannot open 'f' for writing: Permission denied\n");
    fails("cp /m/f /m/g; cp g f", "cp: f: Permission denied\n");
    says("attrib g; cat f; cp -f g f; attrib f", "A---  g\none\nA---  f\n");
    says("attrib +r f; mv g f; attrib f; attrib +r f; mv f h; rm h; ls", "A---  f\nd\n");
    finish();
}

BODY(attributes_fat)
{
    (void)unused;
    attributes("fat");
}

BODY(attributes_exfat)
{
    (void)unused;
    attributes("exfat");
}

BODY(modes)
{
    (void)unused;
    static const struct { const char *mode, *attributes; } rows[] = {
        { "444", "A--R" }, { "0644", "A---" }, { "a-w", "A--R" }, { "+w", "A---" },
        { "-w", "A--R" }, { "u+rw,g-w", "A---" }, { "go-w,+x", "A---" }, { "=r", "A--R" },
        { "g=rw", "A--R" }, { "u=rw-w", "A--R" }, { "u-x+w", "A---" },
    };
    begin("fat");
    says("echo > f; mkdir d; echo > d/f", "");
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        char line[100], expected[100];
        snprintf(line, sizeof(line), "chmod %s f; attrib f", rows[i].mode);
        snprintf(expected, sizeof(expected), "%s  f\n", rows[i].attributes);
        says(line, expected);
    }
    says("chmod -R a-w d; attrib d d/f; chmod a+w d; attrib d/f",
         "----  d\nA--R  d/f\nA--R  d/f\n");
    fails("chmod u f", "chmod: invalid mode: 'u'\n");
    fails("chmod 8 f", "chmod: invalid mode: '8'\n");
    fails("chmod +w, f", "chmod: invalid mode: '+w,'\n");
    fails("chmod -w none", "chmod: changing permissions of 'none': No such file or directory\n");
    fails("echo > /f; chmod -w /f", "chmod: changing permissions of '/f': "
                                    "Operation not supported\n");
    fails("attrib +r /m", "attrib: /m: Operation not supported\n");
    says("mount -o ro virtual0; chmod -w f 2>&1; chmod +x /f",
         "chmod: changing permissions of 'f': Read-only file system; "
         "`mount -o rw virtual0` makes it writable\n");
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attributes_fat),
        cmocka_unit_test(test_attributes_exfat),
        cmocka_unit_test(test_modes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
