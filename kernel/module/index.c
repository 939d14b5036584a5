/*
 * index.c - reads /System/drivers/index, and loads what it names. See index.h.
 */
#include "kernel/module/index.h"
#include "kernel/bus/pci.h"
#include "kernel/log.h"
#include "kernel/module/module.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

#define INDEX_FOLDER "/System/drivers/"

enum {
    INDEX_BYTES_MAX = 64 * 1024,
    PATH_BYTES = 128,
    SIGNATURE_BYTES_MAX = 32,
};

/* Returns whether one entry of "what it drives" fits. */
typedef bool index_match(const char *what, void *context);

static bool allow_any;

void index_allow_any(void)
{
    allow_any = true;
}

/* ---- reading ------------------------------------------------------------------------------- */

static status_t read_file(const char *path, size_t most, char **data, size_t *bytes)
{
    struct path *root = path_root();
    status_t status = file_read_whole(root, path, most, data, bytes);
    path_put(root);
    return status;
}

/* Ends the text at the next separator, and returns what follows; NULL at the end of the text. */
static char *cut(char *text, char separator)
{
    char *end = strchr(text, separator);
    if (!end)
        return NULL;
    *end = '\0';
    return end + 1;
}

static bool line_matches(char *drives, index_match *matches, void *context)
{
    for (char *next; drives; drives = next) {
        next = cut(drives, ';');
        if (matches(drives, context))
            return true;
    }
    return false;
}

static bool is_loaded(const char *name)
{
    struct module_facts *facts = mem_alloc(sizeof(*facts));
    bool found = false;
    for (unsigned i = 0; facts && !found && !module_describe(i, facts); i++)
        found = text_equal(facts->name, name);
    mem_free(facts);
    return found;
}

status_t index_load_bytes(struct bytes file, const char *origin, const char **name,
                          struct object_error *error)
{
    return module_load(file, origin, allow_any ? MODULE_ANY : 0, name, error);
}

static status_t load_file(const char *file)
{
    char path[PATH_BYTES];
    struct object_error error = { "" };
    const char *name;
    char *data;
    size_t bytes;

    format_text(path, sizeof(path), INDEX_FOLDER "%s", file);
    status_t status = read_file(path, OBJECT_BYTES_MAX, &data, &bytes);
    if (!status) {
        status = index_load_bytes((struct bytes){ (uint8_t *)data, bytes }, path, &name, &error);
        mem_free(data);
    }
    if (status)
        log_warn("driver", "%s: %s", path, error.why[0] ? error.why : status_text(status));
    return status;
}

/* Loads the first object of the index that has this name or, with `matches`, drives what it
 * accepts. */
static status_t load_first(const char *wanted, index_match *matches, void *context)
{
    char *text;
    size_t bytes;
    status_t status = read_file(INDEX_FOLDER "index", INDEX_BYTES_MAX, &text, &bytes);
    if (status)
        return status == -ENOMEM || status == -EINTR ? status : -ENOENT;

    status = -ENOENT;
    for (char *line = text, *next; status == -ENOENT && line && *line; line = next) {
        next = cut(line, '\n');
        char *file = cut(line, '\t');
        char *digest = file ? cut(file, '\t') : NULL;
        char *drives = digest ? cut(digest, '\t') : NULL;
        bool fits = drives && (wanted ? text_equal(line, wanted)
                                      : line_matches(drives, matches, context));
        if (fits && !is_loaded(line))
            status = load_file(file);
    }
    mem_free(text);
    return status;
}

/* ---- what fits ----------------------------------------------------------------------------- */

/* Returns the text after "KIND ", or NULL for another kind. */
static const char *after_kind(const char *what, const char *kind)
{
    size_t length = strlen(kind);
    return text_starts(what, kind) && what[length] == ' ' ? what + length + 1 : NULL;
}

/* Returns the value of "KEY=" among words, and how many digits it has: 0 if it is not there. */
static uint64_t hex_value(const char *words, const char *key, unsigned *digits)
{
    size_t length = strlen(key);
    uint64_t value = 0;

    *digits = 0;
    for (const char *at = words; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if (strncmp(at, key, length) || at[length] != '=')
            continue;
        for (at += length + 1; text_hex_digit(*at) >= 0; at++, ++*digits)
            value = value << 4 | (unsigned)text_hex_digit(*at);
        break;
    }
    return value;
}

/* "pci class=CCSS[PP] vendor=VVVV device=DDDD": a key that is absent fits every function. */
static bool fits_pci(const char *words, const struct pci_function *function)
{
    unsigned digits;
    uint64_t wanted = hex_value(words, "class", &digits);
    uint64_t class_code = (uint64_t)function->class_code << 8 | function->subclass;
    if (digits > 4)
        class_code = class_code << 8 | function->interface;
    if (digits && wanted != class_code)
        return false;

    wanted = hex_value(words, "vendor", &digits);
    if (digits && wanted != function->vendor)
        return false;
    wanted = hex_value(words, "device", &digits);
    return !digits || wanted == function->product;
}

static bool fits_device(const char *what, void *context)
{
    struct device *device = context;
    const struct pci_function *function = pci_function_of(device);
    const char *words = after_kind(what, "pci");
    const char *bus = after_kind(what, "bus");

    if (words)
        return function && fits_pci(words, function);
    return bus && device_bus_name(device) && text_equal(bus, device_bus_name(device));
}

status_t index_load_for_device(struct device *device)
{
    return load_first(NULL, fits_device, device);
}

/* "signature OFFSET HEX": the bytes are compared with those of the medium. */
static bool fits_medium(const char *what, void *context)
{
    struct file *file = context;
    uint8_t wanted[SIGNATURE_BYTES_MAX], got[SIGNATURE_BYTES_MAX];
    uint64_t offset = 0;
    size_t count = 0;
    const char *at = after_kind(what, "signature");

    for (; at && *at >= '0' && *at <= '9'; at++)
        offset = offset * 10 + (unsigned)(*at - '0');
    if (!at || *at++ != ' ')
        return false;
    for (; count < SIGNATURE_BYTES_MAX && text_hex_digit(at[0]) >= 0 && text_hex_digit(at[1]) >= 0;
         at += 2)
        wanted[count++] = (uint8_t)(text_hex_digit(at[0]) << 4 | text_hex_digit(at[1]));

    return count && file_read_at(file, offset, got, count) == (ssize_t)count &&
           !memcmp(got, wanted, count);
}

status_t index_load_for_medium(const char *device)
{
    char path[PATH_BYTES];
    struct path *root = path_root();
    struct file *file;
    struct device *found = device_find(device);
    status_t status = found ? 0 : -ENODEV;

    if (found) {
        format_text(path, sizeof(path), "/System/Devices/Classes/%s", device_alias(found));
        status = file_open(root, path, OPEN_READ, &file);
        device_put(found);
    }
    path_put(root);
    if (status)
        return status;
    status = load_first(NULL, fits_medium, file);
    file_close(file);
    return status;
}

static bool fits_command(const char *what, void *context)
{
    const char *command = after_kind(what, "command");
    return command && text_equal(command, context);
}

status_t index_load_for_command(const char *command)
{
    return load_first(NULL, fits_command, (void *)(uintptr_t)command);
}

status_t index_load_named(const char *name)
{
    return load_first(name, NULL, NULL);
}

status_t index_mount(struct path *start, const char *text, const char *device, const char *type,
                     const char *options)
{
    status_t status = vfs_mount(start, text, device, type, options);
    if (status != -EMEDIUMTYPE && !(type && status == -ENODEV))
        return status;

    status_t loaded = type ? index_load_named(type) : index_load_for_medium(device);
    return loaded ? status : vfs_mount(start, text, device, type, options);
}
