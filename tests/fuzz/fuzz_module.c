/*
 * fuzz_module.c - any bytes as a driver object: checked, linked and freed; loaded and unloaded.
 *
 * The digests that the loader compares are written into the object first, as no input would have
 * them. Code of an input must not run: an object that has drivers, whose functions loading calls,
 * is only built (kernel/module/build.h), which includes every check.
 */
#include <stdlib.h>
#include <string.h>

#include "kernel/log.h"
#include "kernel/module/build.h"
#include "kernel/module/known.h"
#include "lib/hash.h"
#include "tests/fuzz/fuzz.h"
#include "tests/host/rig.h"

enum { MEMORY_BYTES = 64 << 20, ALLOCATIONS = 32 };

static struct bytes input;

const char *__asan_default_options(void)
{
    return "abort_on_error=1:detect_leaks=0:quarantine_size_mb=16";
}

/* Makes the object one for this kernel, if it has the section for that. */
static void put_abi(uint8_t *data)
{
    struct object object;
    struct driver_info info;
    struct object_error error;

    if (!object_open(input, &object, &error) && !driver_info_read(&object, &info, &error))
        memcpy(data + (info.abi.data - input.data), driver_abi, DRIVER_ABI_BYTES);
}

/* Returns whether loading it would call functions of its own. */
static bool build(void)
{
    struct object_error error = { "" };
    struct module *module = mem_zalloc(sizeof(*module));
    kassert(module);

    status_t status = module_build(module, input, "input", MODULE_ANY, &error);
    kassert(status != -ENOEXEC || *error.why);
    bool has_drivers = module->table_counts[TABLE_DRIVERS];
    module_destroy(module);
    return status || has_drivers;
}

static void load(void)
{
    struct object_error error;
    const char *name;
    status_t status = module_load(input, "input", MODULE_ANY, &name, &error);
    if (status)
        return;

    char copy[DRIVER_NAME_BYTES_MAX + 1];
    memcpy(copy, name, strlen(name) + 1);
    kassert(!module_find(copy));
    kassert(!module_unload(copy, false, &error));
}

/* The second time, an allocation fails. */
static void run_input(void *argument)
{
    (void)argument;
    rig_start();
    bool only_built = build();
    for (unsigned nth = 0; !only_built && nth < 2; nth++) {
        host_fail_nth_allocation(nth * (1 + hash_bytes(input.data, input.length, 2) % ALLOCATIONS));
        load();
        host_fail_nth_allocation(0);
    }
    rig_stop();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint8_t *copy = malloc(bytes + 1);
    if (!copy)
        return 0;
    memcpy(copy, data, bytes);
    input = (struct bytes){ copy, bytes };
    put_abi(copy);

    log_set_level(LOG_ERROR);
    host_memory_limit(MEMORY_BYTES);
    sim_run(hash_bytes(data, bytes, 1), run_input, NULL);
    free(copy);
    return 0;
}
