/*
 * build.c - checks and links a driver object. See build.h.
 */
#include "kernel/module/build.h"
#include "kernel/dev/driver.h"
#include "kernel/module/export.h"
#include "kernel/module/known.h"
#include "lib/digest/digest.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

/* The shell's own types are not known here: a command is only checked to begin in the object. */
static const struct {
    const char *name;
    size_t entry_bytes;
} table_kinds[TABLE_KINDS] = {
    [TABLE_DRIVERS] = { "drivers", sizeof(struct driver) },
    [TABLE_COMMANDS] = { "shell_commands", sizeof(void *) },
    [TABLE_SELFTESTS] = { "selftests", 2 * sizeof(void *) },
};

int module_table_named(const char *name)
{
    for (int i = 0; i < TABLE_KINDS; i++)
        if (text_equal(table_kinds[i].name, name))
            return i;
    return -1;
}

/* ---- memory -------------------------------------------------------------------------------- */

void module_destroy(struct module *module)
{
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        code_free(module->pages[kind].memory, module->pages[kind].count);
    functions_free(&module->functions);
    mem_free(module);
}

static status_t allocate_pages(struct module *module, const struct link *link)
{
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++) {
        struct module_pages *pages = &module->pages[kind];

        /* A kind without sections has no pages: its span stays empty and owns no address. */
        size_t count = (link->bytes[kind] + PAGE_BYTES - 1) / PAGE_BYTES;
        if (!count)
            continue;

        /* After a failure the caller's module_destroy() frees the kinds that were allocated. */
        pages->memory = code_alloc(count);
        if (!pages->memory)
            return -ENOMEM;
        pages->count = count;

        module->owner.spans[kind] = (struct code_span){ (uintptr_t)pages->memory,
                                                        count * PAGE_BYTES };
        module->facts.bytes += count * PAGE_BYTES;
    }
    return 0;
}

static void protect_pages(struct module *module)
{
    static const enum code_rights rights[LINK_KINDS] = {
        [LINK_TEXT] = CODE_EXECUTABLE,
        [LINK_CONSTANTS] = CODE_CONSTANT,
        [LINK_DATA] = CODE_WRITABLE,
    };
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        if (module->pages[kind].count)
            code_protect(module->pages[kind].memory, module->pages[kind].count, rights[kind]);
}

/* ---- what it is ------------------------------------------------------------------- */

static void make_digest(struct bytes file, char text[MODULE_DIGEST_BYTES])
{
    struct digest digest;
    char hex[DIGEST_HEX_BYTES];

    digest_init(&digest, digest_kind_find("sha256"));
    digest_update(&digest, file.data, file.length);
    digest_hex(&digest, hex);
    text_copy(text, MODULE_DIGEST_BYTES, hex);
}

static bool is_known(const char *digest)
{
    for (const char *const *known = driver_digests; *known; known++)
        if (text_equal(*known, digest))
            return true;
    return false;
}

static status_t check_abi(const struct driver_info *info, struct object_error *error)
{
    if (!memcmp(info->abi.data, driver_abi, DRIVER_ABI_BYTES))
        return 0;
    return object_refuse(error, "compiled for another kernel (interface %.16s, here %.16s)",
                         (const char *)info->abi.data, driver_abi);
}

static void copy_needs(struct module *module, const struct driver_info *info)
{
    for (const char *need = NULL; (need = driver_info_next(info, "needs", need));)
        text_copy(module->needs[module->need_count++], sizeof(module->needs[0]), need);
}

static void copy_drives(char *to, size_t bytes, const struct driver_info *info)
{
    size_t used = 0;
    const char *what = NULL;
    while ((what = driver_info_next(info, "drives", what)) && used < bytes) {
        /* After a command's name its summary follows, which is for `help`. */
        const char *end = text_starts(what, "command ") ? strchr(strchr(what, ' ') + 1, ' ') : NULL;
        size_t length = end ? (size_t)(end - what) : strlen(what);
        used += (size_t)format_text(to + used, bytes - used, "%s%.*s", used ? "; " : "",
                                    (int)length, what);
    }
}

static void describe(struct module *module, struct bytes file, const char *origin,
                     const struct driver_info *info)
{
    struct module_facts *facts = &module->facts;

    text_copy(facts->name, sizeof(facts->name), info->name);
    text_copy(facts->version, sizeof(facts->version), info->version);
    text_copy(facts->licence, sizeof(facts->licence), info->licence);
    text_copy(facts->description, sizeof(facts->description), info->description);
    text_copy(facts->origin, sizeof(facts->origin), origin);

    /* For people only: entries beyond the room are cut. */
    copy_drives(facts->drives, sizeof(facts->drives), info);

    /* The digest covers the whole file, so that a change of any byte makes it an unknown driver. */
    make_digest(file, facts->digest);
    facts->known = is_known(facts->digest);
}

static status_t check_trust(const struct module *module, unsigned flags,
                            struct object_error *error)
{
    if (module->facts.known || (flags & MODULE_ANY))
        return 0;

    /* -EPERM, not -ENOEXEC: the same file is accepted with MODULE_ANY. */
    IGNORE(object_refuse(error, "not built with this kernel (digest %.16s...)",
                         module->facts.digest));
    return -EPERM;
}

/* ---- linking ------------------------------------------------------------------------------- */

static uint64_t resolve(void *context, const char *name)
{
    (void)context;
    return (uint64_t)(uintptr_t)export_find(name);
}

static status_t read_tables(struct module *module, const struct link *link,
                            struct object_error *error)
{
    status_t status = 0;
    for (enum module_table i = 0; !status && i < TABLE_KINDS; i++)
        status = link_table(link, table_kinds[i].name, table_kinds[i].entry_bytes,
                            &module->tables[i], &module->table_counts[i], error);
    return status;
}

static status_t link_module(struct module *module, struct link *link, struct object_error *error)
{
    struct link_run runs[LINK_KINDS];

    status_t status = allocate_pages(module, link);
    if (status)
        return status;
    for (enum link_kind kind = 0; kind < LINK_KINDS; kind++)
        runs[kind] = (struct link_run){ module->pages[kind].memory,
                                        (uintptr_t)module->pages[kind].memory };

    /* After an error the runs contain a half-relocated driver. Nothing of it is executable yet,
     * and the caller frees it. */
    status = link_apply(link, runs, resolve, NULL, error);
    if (!status)
        status = read_tables(module, link, error);
    if (!status)
        status = functions_copy(&module->functions, link);
    if (!status)
        protect_pages(module);
    return status;
}

status_t module_build(struct module *module, struct bytes file, const char *origin,
                      unsigned flags, struct object_error *error)
{
    struct object object;
    struct driver_info info;
    struct link link = { 0 };

    status_t status = object_open(file, &object, error);
    if (!status)
        status = driver_info_read(&object, &info, error);
    if (status)
        return status;

    /* The facts come first: check_trust() needs the digest, and a message about a refused driver
     * its name. */
    describe(module, file, origin, &info);
    copy_needs(module, &info);

    /* Trust before the interface: a stranger's object is refused as such, whatever it was
     * compiled for. */
    status = check_trust(module, flags, error);
    if (!status)
        status = check_abi(&info, error);
    if (!status)
        status = link_plan(&link, &object, error);
    if (!status)
        status = link_module(module, &link, error);
    link_free(&link);
    return status;
}
