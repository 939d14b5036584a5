/*
 * drivers.c - drivers that are loaded at run time: load, unload, drivers.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/module/catalog.h"
#include "kernel/module/index.h"
#include "kernel/module/module.h"
#include "kernel/monitor.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"
#include "shell/shell.h"

#define DRIVER_FOLDER "/System/drivers/"

enum { ANSWER_BYTES = 16, PATH_BYTES = 256 };

/* Reports why a driver could not be loaded or unloaded: the reason in words, else the errno's. The
 * reason of an earlier try does not explain an interrupt. */
static int fail(struct shell *shell, const char *word, status_t status,
                const struct object_error *error)
{
    if (!error->why[0] || status == -EINTR)
        return shell_fail(shell, word, status);
    return shell_complain(shell, "%s: %s", word, error->why);
}

/* ---- load ---------------------------------------------------------------------------------- */

/* A word without a slash that does not end in ".drv" names a driver on the boot disc. */
static const char *path_of(const char *word, char path[PATH_BYTES])
{
    size_t length = strlen(word);
    bool is_file = strchr(word, '/') || (length > 4 && text_equal(word + length - 4, ".drv"));

    if (is_file || length + sizeof(DRIVER_FOLDER ".drv") > PATH_BYTES)
        return word;
    text_copy(path, PATH_BYTES, DRIVER_FOLDER);
    text_copy(path + strlen(path), PATH_BYTES - strlen(path), word);
    text_copy(path + strlen(path), PATH_BYTES - strlen(path), ".drv");
    return path;
}

/* Code that the kernel does not know can do anything: only a person may let it in. */
static status_t ask(struct shell *shell, const char *word, bool *yes)
{
    char answer[ANSWER_BYTES];

    stream_format(shell->out, "%s was not built with this kernel. Load it? [y/N] ", word);
    ssize_t got = shell_read(shell, answer, sizeof(answer));
    if (got < 0)
        return (status_t)got;
    *yes = got > 0 && (answer[0] == 'y' || answer[0] == 'Y');
    return 0;
}

/* Loads an object; if it is one of the boot disc, after those that it needs. */
static status_t load_object(struct bytes file, const char *word, const char *path, unsigned flags,
                            struct object_error *error)
{
    const char *name;
    status_t status = module_load(file, path, flags, &name, error);
    if (status == -ENOENT && path != word && !index_load_needs(word))
        status = module_load(file, path, flags, &name, error);
    return status;
}

static int load(struct shell *shell, const char *word, bool any)
{
    char place[PATH_BYTES];
    const char *path = path_of(word, place);
    struct object_error error = { "" };
    char *data;
    size_t bytes;

    status_t status = file_read_whole(shell->directory, path, OBJECT_BYTES_MAX, &data, &bytes);
    if (status)
        return shell_fail(shell, path, status);

    struct bytes file = { (const uint8_t *)data, bytes };
    status = load_object(file, word, path, 0, &error);
    if (status == -EPERM && any) {
        bool yes = false;
        status = ask(shell, word, &yes);
        if (!status)
            status = yes ? load_object(file, word, path, MODULE_ANY, &error) : -EPERM;
    } else if (status == -EPERM) {
        text_copy(error.why + strlen(error.why), sizeof(error.why) - strlen(error.why),
                  "; `load --any` asks and loads it");
    }
    mem_free(data);
    return status ? fail(shell, word, status, &error) : SHELL_DONE;
}

static int run_load(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count && !shell_interrupted(); i++) {
        int one = load(shell, words[i], option_given_name(shell, "any"));
        result = max(result, one);
    }
    return result;
}

static const struct shell_option load_options[] = {
    { 0, "any", NULL, "ask before an unknown driver, and load it" },
    { 0 },
};

static const struct shell_command command_load = {
    .name = "load",
    .arguments = "[--any] DRIVER...",
    .summary = "load drivers: files, or names from " DRIVER_FOLDER,
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_load,
    .options = load_options,
    .group = "Drivers",
};
SHELL_COMMAND(command_load);

/* ---- unload -------------------------------------------------------------------------------- */

/* Waits twice for the monitor: the driver may be looking at a device that has just arrived, and a
 * device that was removed is in use until it was unmounted. */
static status_t unload(const char *name, bool remove_devices, struct object_error *error)
{
    status_t status = module_unload(name, remove_devices, error);
    for (unsigned waits = 0; waits < 2 && status == -EBUSY && remove_devices; waits++) {
        status = monitor_wait_idle(NULL, time_now_us() + DEADLINE_SETTLE_US);
        if (status != -EINTR)
            status = module_unload(name, true, error);
    }
    return status;
}

static int run_unload(struct shell *shell, int count, char **words)
{
    int result = SHELL_DONE;
    for (int i = 1; i < count; i++) {
        struct object_error error;
        status_t status = unload(words[i], option_given(shell, 'f'), &error);
        if (status == -ENOENT)
            result = shell_complain(shell, "%s: no such loaded driver", words[i]);
        else if (status)
            result = fail(shell, words[i], status, &error);
    }
    return result;
}

static const struct shell_option unload_options[] = {
    { 'f', "force", NULL, "remove its devices first, as if they were unplugged" },
    { 0 },
};

static const struct shell_command command_unload = {
    .name = "unload",
    .arguments = "[-f] NAME...",
    .summary = "unload drivers that are not in use",
    .arguments_min = 1,
    .arguments_max = -1,
    .run = run_unload,
    .options = unload_options,
    .group = "Drivers",
};
SHELL_COMMAND(command_unload);

/* ---- drivers ------------------------------------------------------------------------------- */

/* Names the driver that published a device: a loaded one by the device's operations, one that is
 * built in because it has the parent. Returns false if neither is known. */
static bool explain_publisher(struct shell *shell, const char *word, const struct device *device)
{
    char name[DRIVER_NAME_BYTES_MAX + 1];
    const struct device *parent = device_parent(device);
    const struct driver *driver = parent ? device_driver(parent) : NULL;

    if (device_code_name(device, name, sizeof(name)))
        stream_format(shell->out, "%s: published by driver %s, which is loaded\n", word, name);
    else if (driver)
        stream_format(shell->out, "%s: published by driver %s\n", word, driver->name);
    else
        return false;
    return true;
}

/* Explains which driver has a device, and which published it. Only a device on a bus needs a driver
 * that accepts it. */
static int explain(struct shell *shell, const char *word)
{
    struct device *device = mounts_find_device(shell, word);
    if (!device)
        return shell_fail(shell, word, -ENODEV);

    const struct driver *driver = device_driver(device);
    const char *bus = device_bus_name(device);
    bool explained = explain_publisher(shell, word, device) && !bus;
    if (driver)
        stream_format(shell->out, "%s: accepted by driver %s\n", word, driver->name);
    else if (bus)
        stream_format(shell->out, "%s: no driver accepted it, built in, loaded or in %sindex\n",
                      word, DRIVER_FOLDER);
    else if (!explained)
        stream_format(shell->out, "%s: part of the kernel\n", word);
    device_put(device);
    return driver || !bus ? SHELL_DONE : SHELL_FAILED;
}

static void show_module(struct shell *shell, const struct module_facts *facts)
{
    stream_format(shell->out, "%-12s %-8s %4llu KiB %3u use%s  %.12s%s%s  %s\n", facts->name,
                  facts->version, (unsigned long long)(facts->bytes + 1023) / 1024, facts->uses,
                  facts->uses == 1 ? " " : "s", facts->digest, facts->known ? "" : " (not known)",
                  facts->closed ? " (unregistered)" : "", facts->description);
}

static void show_details(struct shell *shell, const struct module_facts *facts)
{
    stream_format(shell->out, "    from %s, licence %s, digest %s\n", facts->origin,
                  facts->licence, facts->digest);
    stream_format(shell->out, "    drives: %s\n", *facts->drives ? facts->drives : "nothing");
    if (facts->uses)
        stream_format(shell->out, "    used by: %s%s\n", facts->user,
                      facts->uses > 1 ? " and others" : "");
}

/* Shows the objects of the boot disc that are not loaded. A name in their entries is that of a
 * command, after which its summary follows. */
static int show_unloaded(struct shell *shell)
{
    struct catalog *catalog;
    status_t status = catalog_get(&catalog);
    if (status)
        return shell_fail(shell, DRIVER_FOLDER "index", status);

    for (unsigned i = 0; i < catalog->count && !shell_interrupted(); i++) {
        const struct catalog_line *line = &catalog->lines[i];
        if (!module_find(line->name))
            continue;

        stream_format(shell->out, "%-12s not loaded ", line->name);
        for (const char *at = line->drives; *at;) {
            size_t length = strchr(at, ';') ? (size_t)(strchr(at, ';') - at) : strlen(at);
            const char *end = text_starts(at, "command ") ? strchr(at + 8, ' ') : NULL;
            size_t shown = end && end < at + length ? (size_t)(end - at) : length;
            stream_text(shell->out, at == line->drives ? " " : "; ");
            stream_write(shell->out, at, shown);
            at += length + (at[length] == ';');
        }
        stream_text(shell->out, "\n");
    }
    catalog_put(catalog);
    return SHELL_DONE;
}

static int run_drivers(struct shell *shell, int count, char **words)
{
    const char *why = option_value_name(shell, "why");
    (void)count, (void)words;
    if (why)
        return explain(shell, why);

    struct module_facts *facts = mem_alloc(sizeof(*facts));
    if (!facts)
        return shell_fail(shell, NULL, -ENOMEM);
    for (unsigned i = 0; !module_describe(i, facts); i++) {
        show_module(shell, facts);
        if (option_given(shell, 'v'))
            show_details(shell, facts);
    }
    mem_free(facts);
    int result = option_given(shell, 'a') ? show_unloaded(shell) : SHELL_DONE;
    if (module_tainted_by())
        stream_text(shell->out, "The kernel is tainted: it has loaded drivers that were not built "
                                "with it.\n");
    return result;
}

static const struct shell_option drivers_options[] = {
    { 'a', "all", NULL, "list those of the boot disc too, with what they drive" },
    { 'v', "verbose", NULL, "show origin, licence, digest, what it drives and a user" },
    { 0, "why", "DEVICE", "print which driver has this device" },
    { 0 },
};

static const struct shell_command command_drivers = {
    .name = "drivers",
    .arguments = "[-av] [--why=DEVICE]",
    .summary = "list the loaded drivers",
    .run = run_drivers,
    .options = drivers_options,
    .group = "Drivers",
};
SHELL_COMMAND(command_drivers);
