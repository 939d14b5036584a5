/*
 * test_index.c - promise: a driver that is needed is found in the index of the boot disc and loaded
 * once, however many threads need it, after the drivers that it needs; any bytes may be the index.
 *
 * The objects are those that the kernel does not know (see test_module.c), so this allows them.
 * For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/log.h"
#include "kernel/module/catalog.h"
#include "kernel/module/index.h"
#include "kernel/module/module.h"
#include "lib/macros.h"
#include "tests/host/drives.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { SEEDS = 40, NTH_MAX = 2000, LARGE_BYTES = 1 << 20 };

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define LINE(name, drives, needs) name "\t" name ".drv\t" DIGEST "\t" drives "\t" needs "\n"
#define INDEX "/System/drivers/index"

static void put_object(const char *name)
{
    char path[64], host_path[96];
    size_t bytes;

    snprintf(host_path, sizeof(host_path), "build/drivers/%s.drv", name);
    snprintf(path, sizeof(path), CATALOG_FOLDER "%s.drv", name);
    uint8_t *data = rig_load(host_path, &bytes);
    kassert(data);
    rig_put_file(path, data, bytes);
    free(data);
}

/* Starts the stack with an index, and the objects that it may name. */
static void start_with(const char *index)
{
    index_allow_any();
    start();
    rig_mkdir("/System/drivers");
    put(INDEX, index);
    put_object("hello");
    put_object("needs_hello");
    put_object("slow");
}

/* Counts the lines of the log, since the start of this program, that contain the text. */
static unsigned logged(const char *text)
{
    static char piece[256 * 1024];
    uint64_t position = 0;
    unsigned count = 0;

    size_t bytes = 0;
    for (size_t got; (got = log_read(&position, piece + bytes, sizeof(piece) - 1 - bytes));)
        bytes += got;
    piece[bytes] = '\0';
    for (const char *at = piece; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void unload(const char *name)
{
    struct object_error error;
    expect(name, module_unload(name, true, &error), 0);
}

static bool any_loaded(void)
{
    struct module_facts facts;
    return !module_describe(0, &facts);
}

/* ---- threads that need one driver ------------------------------------------------------------ */

static void load_slow(void *result)
{
    *(status_t *)result = index_load_named("slow");
}

/* The first waits in the driver's add_device while the second asks for it. */
BODY(two_threads)
{
    status_t other = 1;

    start_with(LINE("slow", "root", ""));
    struct thread *thread = thread_create("other", PRIORITY_NORMAL, load_slow, &other);
    kassert(thread);
    status_t mine = index_load_named("slow");
    expect("mine", mine, 0);
    kassert(!module_find("slow"));
    thread_join(thread);
    expect("other", other, 0);
    unload("slow");
    stop();
}

static void hello_body(void *unused)
{
    (void)unused;
    start_with(LINE("hello", "command hello", ""));
    says("hello | hello you", "hello, you\n");
    unload("hello");
    stop();
}

static void test_pipe(void **state)
{
    (void)state;
    rig_run(hello_body, NULL, SEEDS);
}

/* ---- commands -------------------------------------------------------------------------------- */

/* `help` and completion list a command without loading its object; its name may be followed by its
 * group and summary. */
BODY(listed)
{
    start_with(LINE("hello", "command hello Text: greet", "")
               LINE("slow", "root;command hel;command x Drivers: a: b", ""));
    run("help | grep -c greet", 0, "1\n", NULL);
    run("help | grep 'hello\\|a: b'", 0, "  hello      greet\n  x          a: b\n", NULL);
    run("drivers -a | grep not.loaded", 0, "hello        not loaded  command hello\n"
                         "slow         not loaded  root; command hel; command x\n", NULL);
    kassert(!any_loaded());
    says("hello", "hello, world\n");
    unload("hello");
    stop();
}

#define INVALID "wave: cannot load its object from " CATALOG_FOLDER ": Exec format error\n"

/* A command whose object cannot be read or is invalid is reported as such. */
BODY(unreadable)
{
    start_with(LINE("absent", "command greet", "") LINE("text", "command wave", ""));
    put(CATALOG_FOLDER "text.drv", "not an object");
    run("greet", SHELL_NO_COMMAND, "",
        "spindle: greet: command not found; `help` lists the commands\n");
    kassert(logged("/System/drivers/absent.drv: no such file or directory"));
    run("wave | cat", 0, "", "spindle: " INVALID);
    run("time wave", SHELL_NO_COMMAND, "", "spindle: " INVALID "real 0.000s\n");
    run("help wave", SHELL_FAILED, "", "help: " INVALID);
    stop();
}

static unsigned commands_compared;

static void compare_command(const struct index_command *command, void *unused)
{
    struct code_use use = { 0 };
    const struct shell_command *built_in = shell_command_find(command->name, &use, NULL);
    (void)unused;
    kassert(built_in);

    /* A command of the shell itself has no group. */
    const char *group = built_in->group ? built_in->group : "";
    if (strcmp(group, command->group) || strcmp(built_in->summary, command->summary))
        panic("%s: the index has '%s: %s'", command->name, command->group, command->summary);
    code_use_end(&use);
    commands_compared++;
}

/* The index that `make` writes describes the commands as their descriptors do, which the host's
 * programs contain. */
BODY(summaries)
{
    size_t bytes;
    uint8_t *index = rig_load("build/drivers/index", &bytes);
    kassert(index);
    start_with("");
    rig_put_file(INDEX, index, bytes);
    index_command_each(compare_command, NULL);
    kassert(commands_compared);
    kassert(index_command_is_known("tr") && !index_command_is_known("t") &&
            !index_command_is_known("hello") && !index_command_is_known(""));
    free(index);
    stop();
}

/* ---- needs ----------------------------------------------------------------------------------- */

BODY(needs)
{
    start_with(LINE("needs_hello", "command nothing", "hello") LINE("hello", "command hello", ""));
    expect("load", index_load_named("needs_hello"), 0);
    expect("find", module_find("hello"), 0);
    unload("needs_hello");
    unload("hello");

    /* A need that the index does not have is named by the loader. */
    unsigned before = logged("needs driver hello, which is not loaded");
    put(INDEX, LINE("needs_hello", "command nothing", "hello"));
    expect("missing", index_load_named("needs_hello"), -ENOENT);
    kassert(logged("needs driver hello, which is not loaded") == before + 1);

    /* Needs that lead back. */
    put(INDEX, LINE("slow", "root", "hello") LINE("hello", "command hello", "slow")
                   LINE("needs_hello", "root", "needs_hello"));
    expect("loop", index_load_named("slow"), -ELOOP);
    expect("loop", index_load_named("needs_hello"), -ELOOP);
    kassert(!any_loaded());
    stop();
}

/* Sixteen needs are loaded one by one; here all are the same few. */
BODY(many_needs)
{
    start_with(LINE("needs_hello", "root", "hello;slow;hello;slow;hello;slow;hello;slow;"
                                           "hello;slow;hello;slow;hello;slow;hello;slow")
               LINE("hello", "command hello", "") LINE("slow", "root", ""));
    expect("load", index_load_named("needs_hello"), 0);
    unload("needs_hello");
    unload("slow");
    unload("hello");
    stop();
}

/* ---- an index of any bytes ------------------------------------------------------------------- */

BODY(malformed)
{
    static const char *const lines[] = {
        "hello\n", "hello\thello.drv\n", "hello\thello.drv\t" DIGEST "\n",
        "hello\thello.drv\tabc\tcommand hello\n",
        "hello\t../hello.drv\t" DIGEST "\tcommand hello\n",
        "hello\t\t" DIGEST "\tcommand hello\n",
        "a hello\thello.drv\t" DIGEST "\tcommand hello\n",
        "hello\thello.drv\t" DIGEST "\tcommand \033hello\n",
    };

    start_with("");
    run("hello", 127, "", NULL);
    for (size_t i = 0; i < ARRAY_LENGTH(lines); i++) {
        unsigned before = logged("1 invalid line; it is ignored");
        put(INDEX, lines[i]);
        run("hello", 127, "", NULL);
        kassert(logged("1 invalid line; it is ignored") == before + 1);
    }

    /* What is valid among it is used; of equal names, the first. */
    put(INDEX, "\n\001\002\n" LINE("hello", "command hello", "") LINE("hello", "command other", "")
                   "no newline");
    run("other", 127, "", NULL);
    says("hello", "hello, world\n");
    unload("hello");
    stop();
}

BODY(large)
{
    uint8_t *data = malloc(LARGE_BYTES);
    kassert(data);

    /* One line of 60 KiB, newlines only, zeros, and too large a file. */
    start_with("");
    memset(data, 'a', LARGE_BYTES);
    rig_put_file(INDEX, data, 60 * 1024);
    run("hello", 127, "", NULL);
    rig_put_file(INDEX, data, LARGE_BYTES);
    run("hello", 127, "", NULL);
    kassert(logged("larger than 65536 bytes; it is ignored") == 1);
    memset(data, '\n', LARGE_BYTES);
    rig_put_file(INDEX, data, 64 * 1024);
    run("hello", 127, "", NULL);
    memset(data, 0, LARGE_BYTES);
    rig_put_file(INDEX, data, 64 * 1024);
    run("hello", 127, "", NULL);
    stop();
    free(data);
}

/* Makes a disc with this index and the driver hello, and puts it at `path`. Returns its size. */
static size_t put_disc(const char *path, const char *index)
{
    char folder[] = "/tmp/spindle_index.XXXXXX", text[1024];
    size_t bytes;

    kassert(mkdtemp(folder));
    snprintf(text, sizeof(text),
             "mkdir -p %s/tree/drivers && cp build/drivers/hello.drv %s/tree/drivers && "
             "printf '%s' >%s/tree/drivers/index && "
             "genisoimage -quiet -R -o %s/disc %s/tree 2>%s/err",
             folder, folder, index, folder, folder, folder, folder);
    kassert(!system(text));
    snprintf(text, sizeof(text), "%s/disc", folder);
    uint8_t *data = rig_load(text, &bytes);
    kassert(data);
    rig_put_file(path, data, bytes);
    free(data);
    snprintf(text, sizeof(text), "rm -r %s", folder);
    kassert(!system(text));
    return bytes;
}

/* The index of one disc is parsed once; that of the next one is another. */
BODY(once_for_each_disc)
{
    start_with("");
    unsigned before = logged("1 invalid line; it is ignored");
    put_disc("/disc", LINE("slow", "root", "") "bad\n");
    for (unsigned discs = 1; discs <= 2; discs++) {
        says("mount /disc /System", "");
        for (unsigned i = 0; i < 3; i++)
            run("hello", 127, "", NULL);
        kassert(logged("1 invalid line; it is ignored") == before + discs);
        says("umount /System", "");
    }
    stop();
}

/* ---- a disc that fails ----------------------------------------------------------------------- */

enum { BLOCK_BYTES = 2048 };

/* Each block of the disc fails in turn, and all after it: the driver is loaded, or nothing is. */
BODY(bad_blocks)
{
    char drive[DEVICE_NAME_BYTES];

    start_with("");
    uint64_t blocks = put_disc("/disc", LINE("hello", "command hello", "")) / BLOCK_BYTES;
    expect("add", drives_add(&(struct wanted){ ON(FILE, "/disc"), .flags = VIRTUAL_CD }, drive), 0);
    expect("mount", rig_mount("/System", drive), 0);
    rig_evict_all();

    unsigned loaded = 0, failed = 0;
    for (uint64_t first = 0; first < blocks; first++) {
        expect("fault", drives_fault(drive, VIRTUAL_FAULT_BAD, first, blocks - first), 0);
        status_t status = index_load_named("hello");
        expect("fault", drives_fault(drive, VIRTUAL_FAULT_NONE, 0, 0), 0);
        kassert(!status == any_loaded());
        if (!status)
            unload("hello");
        *(status ? &failed : &loaded) += 1;
        catalog_stop();
        rig_evict_all();
    }
    kassert(loaded && failed);
    expect("load", index_load_named("hello"), 0);
    unload("hello");
    says("umount /System", "");
    expect("remove", drives_remove(drive, VIRTUAL_IF_IDLE), 0);
    stop();
}

/* The disc is taken out, or becomes another, while a thread loads a driver from it. */
static void load_hello(void *result)
{
    *(status_t *)result = index_load_named("hello");
}

BODY(changed_disc)
{
    start_with("");
    put_disc("/disc", LINE("hello", "command hello", ""));
    for (unsigned delay_us = 0; delay_us < 20000; delay_us += 500) {
        char drive[DEVICE_NAME_BYTES];
        status_t status = 1;
        expect("add", drives_add(&(struct wanted){ ON(FILE, "/disc"), .flags = VIRTUAL_CD }, drive),
               0);
        expect("mount", rig_mount("/System", drive), 0);
        rig_evict_all();
        expect("fault", drives_fault(drive, VIRTUAL_FAULT_DELAY, 0, 2), 0);

        struct thread *thread = thread_create("loader", PRIORITY_NORMAL, load_hello, &status);
        kassert(thread);
        thread_sleep_until(time_now_us() + delay_us);
        if (delay_us / 500 % 2)
            expect("remove", drives_remove(drive, VIRTUAL_NOW), 0);
        else
            expect("swap", drives_fault(drive, VIRTUAL_FAULT_ATTENTION, 0, 0), 0);
        thread_join(thread);
        kassert(!status == any_loaded());
        if (!status)
            unload("hello");
        says("umount /System", "");
        IGNORE(drives_remove(drive, VIRTUAL_NOW));
        drives_take_events();
    }
    stop();
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Each allocation of loading on demand fails in turn: nothing is left half loaded. */
BODY(no_memory)
{
    start_with(LINE("needs_hello", "command nothing", "hello") LINE("hello", "command hello", ""));
    for (unsigned long n = 1; n < NTH_MAX; n++) {
        struct object_error error;
        rig_evict_all();
        size_t before = host_memory_used();
        host_fail_nth_allocation(n);
        status_t status = index_load_named("needs_hello");
        bool happened = host_failure_happened();
        host_fail_nth_allocation(0);

        IGNORE(module_unload("needs_hello", false, &error));
        IGNORE(module_unload("hello", false, &error));
        kassert(!any_loaded());
        rig_evict_all();
        if (!happened) {
            expect("load", status, 0);
            stop();
            return;
        }
        kassert(host_memory_used() <= before);
    }
    panic("load: more than %d allocations", NTH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_pipe),
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_summaries),
        cmocka_unit_test(test_needs),
        cmocka_unit_test(test_many_needs),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_once_for_each_disc),
        cmocka_unit_test(test_bad_blocks),
        cmocka_unit_test(test_changed_disc),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
