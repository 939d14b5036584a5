/*
 * test_module.c - promise: a driver that is loaded works as one that is built in; what cannot be
 * loaded is refused with its reason and leaves nothing behind; code that is in use is never freed.
 * C1: DrvInit, which the Möbius book's driver exports, is the object's table of drivers.
 *
 * The objects are those of `make drivers` (the Book's examples) and hello.c, which the kernel does
 * not know. They run in this process, which is linked below 2 GiB. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/log.h"
#include "kernel/module/module.h"
#include "lib/macros.h"
#include "shell/language/run.h"
#include "tests/host/drives.h"
#include "tests/host/rig.h"
#include "tests/host/said.h"

enum { NTH_MAX = 2000, CYCLES = 10000, FILE_BYTES = 5000, IMAGE_BYTES = 4096 + 8192 };

/* Puts an object that was built into the file system of the shell. */
static void put_object(const char *name)
{
    char path[64], host_path[96];
    size_t bytes;

    snprintf(host_path, sizeof(host_path), "build/drivers/%s.drv", name);
    snprintf(path, sizeof(path), "/%s.drv", name);
    uint8_t *data = rig_load(host_path, &bytes);
    kassert(data);
    rig_put_file(path, data, bytes);
    free(data);
}

static void start_with(const char *first, const char *second)
{
    start();
    put_object(first);
    if (second)
        put_object(second);
}

static status_t load_any(const char *path, struct object_error *error)
{
    static uint8_t data[64 * 1024];
    const char *name;
    ssize_t bytes = rig_get_file(path, data, sizeof(data));
    kassert(bytes > 0);
    return module_load((struct bytes){ data, (size_t)bytes }, path, MODULE_ANY, &name, error);
}

BODY(counter)
{
    start_with("counter", NULL);
    says("load /counter.drv; hexdump /System/Devices/Classes/disk0 0x1000 0x10",
         "00001000  00 10 00 00 00 00 00 00  08 10 00 00 00 00 00 00  |................|\n"
         "00001010\n");
    run("drivers", 0, NULL, "");
    kassert(strstr(out.text, "counter") && strstr(out.text, "1 use "));
    run("drivers -v", 0, NULL, "");
    kassert(strstr(out.text, "    from /counter.drv, licence MIT, digest "));
    kassert(strstr(out.text, "    drives: root\n    used by: device counter\n"));
    says("drivers --why disk0", "disk0: published by driver counter, which is loaded\n");
    says("drivers --why virtual", "virtual: part of the kernel\n");
    run("drivers --why nothing", 1, "", NULL);
    fails("load /counter.drv", "load: /counter.drv: driver counter is loaded already\n");
    fails("unload counter", "unload: counter: device counter uses it\n");
    says("unload -f counter; drivers; ls /System/Devices/Classes", "");
    fails("unload counter", "unload: counter: no such loaded driver\n");
    stop();
}

static void put_image(void)
{
    static uint8_t image[IMAGE_BYTES];

    memcpy(image, "ONEFILE1", 8);
    image[8] = FILE_BYTES & 255;
    image[9] = FILE_BYTES >> 8;
    strcpy((char *)image + 16, "greeting");
    memcpy(image + 4096, "hello\n", 6);
    rig_put_file("/image", image, sizeof(image));
}

BODY(file_system)
{
    start_with("onefile", NULL);
    put_image();
    run("mkdir /m; mount /image /m", 1, "", NULL);
    says("load /onefile.drv; mount /image /m; ls /m; head -c 6 /m/greeting", "greeting\nhello\n");
    fails("unload onefile", "unload: onefile: mounted file system onefile uses it\n");
    says("umount /m; unload onefile; drivers", "");
    run("mount /image /m", 1, "", NULL);
    stop();
}

/* A device that is open when its driver is unloaded by force is unplugged; its code stays until the
 * last close. */
BODY(open_device)
{
    struct file *file;
    uint8_t byte;

    start_with("counter", NULL);
    says("load /counter.drv", "");
    kassert(!rig_open("/System/Devices/Classes/disk0", OPEN_READ, &file));
    fails("unload -f counter",
          "unload: counter: device counter still uses it; its drivers are unregistered\n");
    kassert(file_read_at(file, 0, &byte, 1) == -ENODEV);
    file_close(file);
    says("unload counter; drivers", "");
    stop();
}

BODY(command)
{
    struct object_error error;

    start_with("hello", "needs_hello");
    run("hello", 127, "", NULL);
    run("load /hello.drv", 1, "", NULL);
    kassert(strstr(err.text, "not built with this kernel") && strstr(err.text, "load --any"));
    run("load --any /hello.drv", 1, NULL, NULL); /* there is no answer */
    kassert(!module_tainted_by());
    run("version", 0, NULL, "");
    kassert(!strstr(out.text, "tainted"));

    kassert(load_any("/needs_hello.drv", &error) == -ENOENT);
    kassert(strstr(error.why, "needs driver hello"));
    kassert(!load_any("/hello.drv", &error));
    kassert(!strcmp(module_tainted_by(), "hello"));
    run("version", 0, NULL, "");
    kassert(strstr(out.text, "tainted: driver hello was not built with this kernel\n"));
    says("hello; hello -l you", "hello, world\nhello, you!\n");
    run("help hello", 0, NULL, "");
    kassert(strstr(out.text, "print a greeting"));
    run("help", 0, NULL, "");
    kassert(strstr(out.text, "  hello      print a greeting\n"));

    kassert(!load_any("/needs_hello.drv", &error));
    fails("unload hello", "unload: hello: driver needs_hello needs it\n");
    says("unload needs_hello hello; drivers",
         "The kernel is tainted: it has loaded drivers that were not built with it.\n");
    run("hello", 127, "", NULL);
    stop();
}

/* A byte that changes is another driver; a changed interface is another kernel. */
BODY(refused)
{
    static uint8_t data[64 * 1024];
    struct object_error error;
    const char *name;

    start_with("counter", NULL);
    put("/text", "not a driver\n");
    fails("load /text", "load: /text: not an ELF file\n");
    fails("load nothere", "load: /System/drivers/nothere.drv: No such file or directory\n");

    /* Names in an object cannot control the terminal that shows the reason. */
    IGNORE(object_refuse(&error, "section %s", "a\033[2J\n"));
    kassert(!strcmp(error.why, "section a?[2J?"));

    ssize_t bytes = rig_get_file("/counter.drv", data, sizeof(data));
    const char *abi = NULL;
    struct object object;
    kassert(!object_open((struct bytes){ data, (size_t)bytes }, &object, &error));
    struct driver_info info;
    kassert(!driver_info_read(&object, &info, &error));
    abi = (const char *)info.abi.data;
    data[(const uint8_t *)abi - data] ^= 1;
    kassert(module_load((struct bytes){ data, (size_t)bytes }, "x", 0, &name, &error) == -EPERM);
    kassert(module_load((struct bytes){ data, (size_t)bytes }, "x", MODULE_ANY, &name, &error) ==
            -ENOEXEC);
    kassert(strstr(error.why, "compiled for another kernel"));
    stop();
}

/* Each allocation of loading and of using fails in turn: nothing is left half loaded. */
BODY(no_memory)
{
    start_with("counter", "onefile");
    put_image();
    for (unsigned long n = 1; n < NTH_MAX; n++) {
        size_t before = host_memory_used();
        host_fail_nth_allocation(n);
        int status = shell_run_text(&shell, "load /counter.drv /onefile.drv");
        bool happened = host_failure_happened();
        host_fail_nth_allocation(0);
        IGNORE(shell_run_text(&shell, "unload -f counter; unload onefile"));
        says("drivers; ls /System/Devices/Classes", "");
        rig_evict_all();
        if (!happened) {
            kassert(!status);
            stop();
            return;
        }
        kassert(host_memory_used() <= before);
    }
    panic("load: more than %d allocations", NTH_MAX);
}

static void load_and_unload(struct bytes counter, struct bytes onefile)
{
    struct object_error error;
    const char *name;

    expect("load", module_load(counter, "counter", 0, &name, &error), 0);
    expect("load", module_load(onefile, "onefile", 0, &name, &error), 0);
    expect("unload", module_unload("onefile", false, &error), 0);

    /* The events of its device, which there is no monitor to handle, are uses of it. */
    expect("unload", module_unload("counter", true, &error), -EBUSY);
    drives_take_events();
    expect("unload", module_unload("counter", true, &error), 0);
}

/* Loading and unloading leaves nothing, not even a few bytes each time. */
BODY(cycles)
{
    struct bytes counter, onefile;

    start();
    counter.data = rig_load("build/drivers/counter.drv", &counter.length);
    onefile.data = rig_load("build/drivers/onefile.drv", &onefile.length);
    load_and_unload(counter, onefile);
    size_t before = host_memory_used();
    log_set_level(LOG_WARN);
    for (unsigned i = 0; i < CYCLES; i++)
        load_and_unload(counter, onefile);
    log_set_level(LOG_INFO);
    kassert(host_memory_used() <= before);
    free((void *)(uintptr_t)counter.data);
    free((void *)(uintptr_t)onefile.data);
    stop();
}

static bool is_hello(const void *entry, void *context)
{
    (void)context;
    return !strcmp(((const struct shell_command *)entry)->name, "hello");
}

/* Each kind of use names itself, and the driver can be unloaded once it has ended. */
BODY(holders)
{
    struct object_error error;
    struct code_use use = { 0 };
    struct file *file;

    /* A file that is open, and a current directory, keep the file system mounted. */
    start_with("onefile", "hello");
    put_image();
    says("load /onefile.drv; mkdir /m; mount /image /m; cd /m", "");
    run("umount /m", 1, "", NULL);
    fails("unload onefile", "unload: onefile: mounted file system onefile uses it\n");
    says("cd /", "");
    kassert(!rig_open("/m/greeting", OPEN_READ, &file));
    run("umount /m", 1, "", NULL);
    fails("unload onefile", "unload: onefile: mounted file system onefile uses it\n");
    file_close(file);
    says("umount /m; unload onefile", "");

    /* A command that runs. */
    kassert(!load_any("/hello.drv", &error));
    kassert(module_entry_find("shell_commands", is_hello, NULL, &use, "command", "hello"));
    fails("unload hello", "unload: hello: command hello uses it\n");
    fails("unload -f hello",
          "unload: hello: command hello still uses it; its drivers are unregistered\n");
    run("hello", 127, "", NULL);
    code_use_end(&use);
    says("unload hello", "");
    stop();
}

/* Names that are in use, a driver that fails, and too many needs. */
BODY(clashes)
{
    struct object_error error;

    start_with("clash", "fails");
    put_object("needs_16");
    put_object("needs_17");
    kassert(load_any("/clash.drv", &error) == -EEXIST);
    kassert(!strcmp(error.why, "a driver named cdfs is registered already"));
    run("ls /System/Devices | grep -c clash", 1, "0\n", "");

    /* An event still refers to the device that its first driver published. */
    says("drivers | grep -c unregistered", "1\n");
    says("unload -f clash", "");
    run("drivers | grep -c clash", 1, "0\n", "");

    /* The built-in command has precedence. */
    expect("fails", load_any("/fails.drv", &error), 0);
    says("true; unload fails", "");

    kassert(load_any("/needs_16.drv", &error) == -ENOENT);
    kassert(strstr(error.why, "which is not loaded"));
    kassert(load_any("/needs_17.drv", &error) == -ENOEXEC);
    kassert(!strcmp(error.why, "driver_info: needs more than 16 drivers"));
    stop();
}

/* Two threads unload one module: the first waits in the driver while the second tries. */
static void unload_slow(void *result)
{
    struct object_error error;
    *(status_t *)result = module_unload("slow", false, &error);
}

BODY(unload_twice)
{
    struct object_error error;
    status_t other = 1;

    start_with("slow", NULL);
    kassert(!load_any("/slow.drv", &error));
    struct thread *thread = thread_create("other", PRIORITY_NORMAL, unload_slow, &other);
    kassert(thread);
    status_t mine = module_unload("slow", false, &error);
    thread_join(thread);
    kassert((!mine && other == -EBUSY) || (!other && mine == -EBUSY) ||
            (!mine && other == -ENOENT) || (!other && mine == -ENOENT));
    stop();
}

static void load_slow(void *result)
{
    struct object_error error;
    *(status_t *)result = load_any("/slow.drv", &error);
}

/* Loads "slow" on another thread, and tries to unload it meanwhile. Returns that status; 0 if the
 * loading had ended before this thread ran. */
static status_t unload_meanwhile(struct object_error *error)
{
    status_t loaded = 1, status;
    struct thread *thread = thread_create("loader", PRIORITY_NORMAL, load_slow, &loaded);
    kassert(thread);
    while ((status = module_unload("slow", true, error)) == -ENOENT)
        thread_yield();
    thread_join(thread);
    kassert(!loaded);
    return status;
}

BODY(unload_while_loading)
{
    struct object_error error;
    status_t status;
    unsigned tries = 0;

    /* On real threads, the moment is not under this test's control. */
    start_with("slow", NULL);
    while (!(status = unload_meanwhile(&error)))
        kassert(++tries < 1000);
    kassert(status == -EBUSY && !strcmp(error.why, "it is being loaded"));
    kassert(!module_unload("slow", false, &error));
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),
        cmocka_unit_test(test_file_system),
        cmocka_unit_test(test_open_device),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_command), /* from here on: they taint */
        cmocka_unit_test(test_holders),
        cmocka_unit_test(test_clashes),
        cmocka_unit_test(test_unload_twice),
        cmocka_unit_test(test_unload_while_loading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
