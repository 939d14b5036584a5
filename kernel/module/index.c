/*
 * index.c - finds the drivers that fit in the index of the boot disc, and loads them. See index.h.
 */
#include "kernel/module/index.h"
#include "kernel/bus/pci.h"
#include "kernel/bus/virtio.h"
#include "kernel/dev/tree.h"
#include "kernel/log.h"
#include "kernel/module/catalog.h"
#include "kernel/module/known.h"
#include "kernel/module/module.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum {
    PATH_BYTES = 128,
    ENTRY_BYTES = 128, /* of "what it drives", or a name */
    SIGNATURE_BYTES_MAX = 32,
};

/* Returns whether one entry of "what it drives" fits. */
typedef bool index_match(const char *what, void *context);

static bool allow_any;

void index_allow_any(void)
{
    allow_any = true;
}

/* ---- loading ------------------------------------------------------------------------------- */

status_t index_load_bytes(struct bytes file, const char *origin, const char **name,
                          struct object_error *error)
{
    return module_load(file, origin, allow_any ? MODULE_ANY : 0, name, error);
}

static status_t read_and_load(const char *path, struct object_error *error)
{
    struct path *root = path_root();
    const char *name;
    char *data;
    size_t bytes;

    status_t status = file_read_whole(root, path, OBJECT_BYTES_MAX, &data, &bytes);
    path_put(root);
    if (status)
        return status;

    /* The module was linked into memory of its own, so the file's bytes can be freed either way. */
    status = index_load_bytes((struct bytes){ (uint8_t *)data, bytes }, path, &name, error);
    mem_free(data);
    return status;
}

/* Loads the driver of this line, unless it is loaded. */
static status_t load_line(const struct catalog_line *line)
{
    char path[PATH_BYTES];
    struct object_error error = { "" };

    status_t status = module_find(line->name);
    if (status != -ENOENT)
        return status;

    /* catalog.c refuses names of files with a slash: the path cannot leave the folder of
     * drivers. */
    format_text(path, sizeof(path), CATALOG_FOLDER "%s", line->file);
    status = read_and_load(path, &error);

    /* Another thread began to load it meanwhile: this waits for its end. */
    if (status == -EEXIST && !module_find(line->name))
        return 0;
    if (status)
        log_warn("driver", "%s: %s", path, error.why[0] ? error.why : status_text(status));
    return status;
}

/* An index that cannot be read is as none: the drivers of the disc cannot be read either. */
static status_t get_catalog(struct catalog **catalog)
{
    status_t status = catalog_get(catalog);
    return !status || status == -ENOMEM || status == -EINTR ? status : -ENOENT;
}

/* Copies the next entry of a list and advances past it. Returns false at the end. */
static bool next_entry(const char **list, char entry[ENTRY_BYTES])
{
    if (!**list)
        return false;
    const char *end = strchr(*list, ';');
    size_t length = end ? (size_t)(end - *list) : strlen(*list);
    text_copy(entry, min(length + 1, (size_t)ENTRY_BYTES), *list);
    *list += end ? length + 1 : length;
    return true;
}

/* Returns the line of the first driver that `line` needs and that is not loaded. NULL if all are
 * loaded, or if the index does not have it: then the loader will name it. */
static const struct catalog_line *first_need(const struct catalog *catalog,
                                             const struct catalog_line *line)
{
    char name[ENTRY_BYTES];

    for (const char *list = line->needs; next_entry(&list, name);)
        if (module_find(name))
            return catalog_find(catalog, name);
    return NULL;
}

/* Loads the driver of this line after those that it needs. Each round loads the last of a chain of
 * needs; a chain that leads back into itself has no last one. */
static status_t load_with_needs(const struct catalog *catalog, const struct catalog_line *line)
{
    for (unsigned round = 0; round <= DRIVER_NEEDS_MAX; round++) {
        const struct catalog_line *last = line, *need;
        unsigned depth = 0;

        /* Follow the chain of needs to a driver that needs nothing more. A need that remains at
         * the depth limit is a loop. */
        while ((need = first_need(catalog, last)) && depth++ < DRIVER_NEEDS_MAX)
            last = need;
        if (need)
            break;

        /* A need that failed ends it all: the drivers that need it would be refused. After
         * success the next round starts again from `line`, which has one need less. */
        status_t status = load_line(last);
        if (status || last == line)
            return status;
    }
    log_warn("driver", "%s: needs more than %d other drivers, or itself; it is not loaded",
             line->name, DRIVER_NEEDS_MAX);
    return -ELOOP;
}

static bool line_fits(const struct catalog_line *line, index_match *matches, void *context)
{
    char what[ENTRY_BYTES];

    for (const char *list = line->drives; next_entry(&list, what);)
        if (matches(what, context))
            return true;
    return false;
}

/* Loads the first driver that fits and is not loaded. A loaded one that fits is success too:
 * another thread may have loaded it after the caller looked for it. */
static status_t load_first(index_match *matches, void *context)
{
    struct catalog *catalog;
    status_t status = get_catalog(&catalog);
    if (status)
        return status;

    status = -ENOENT;
    for (unsigned i = 0; i < catalog->count; i++) {
        const struct catalog_line *line = &catalog->lines[i];
        if (!line_fits(line, matches, context))
            continue;

        /* The next one may fit as well, if this one has been asked before. */
        bool was_loaded = module_find(line->name) != -ENOENT;
        status_t found = load_with_needs(catalog, line);
        status = status ? found : 0;
        if (!was_loaded && !found)
            break;
    }
    catalog_put(catalog);
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
        /* A key counts only at the start of a word: "class=" is not found in "subclass=". */
        at += *at == ' ';
        if (strncmp(at, key, length) || at[length] != '=')
            continue;

        /* Digits after the sixteenth push the first ones out. A wrong match does no harm: the
         * driver that is loaded for it refuses the device. */
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

    /* The number of digits decides whether the programming interface is compared: four digits
     * mean every interface of the subclass. */
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

/* "virtio type=N" */
static bool fits_virtio(const char *words, const struct virtio_device *device)
{
    unsigned digits;
    uint64_t wanted = hex_value(words, "type", &digits);
    return digits && wanted == device->type;
}

static bool fits_device(const char *what, void *context)
{
    struct device *device = context;
    const struct pci_function *function = pci_function_of(device);
    const struct virtio_device *virtio = virtio_device_of(device);
    const char *words = after_kind(what, "pci");
    const char *virtio_words = after_kind(what, "virtio");
    const char *bus = after_kind(what, "bus");

    /* An entry names exactly one bus, and a device is on one bus: the others fit nothing. */
    if (words)
        return function && fits_pci(words, function);
    if (virtio_words)
        return virtio && fits_virtio(virtio_words, virtio);
    return bus && device_bus_name(device) && text_equal(bus, device_bus_name(device));
}

/* Returns whether an entry is about a device on a bus, not about a medium, a command or a name. */
static bool is_about_bus(const char *what)
{
    return after_kind(what, "pci") || after_kind(what, "virtio") || after_kind(what, "bus");
}

/* Returns whether there is a device without a driver that the entry fits. */
static bool fits_idle_device(const char *what)
{
    bool fits = false;
    struct device *device;
    for (unsigned last = 0; !fits && (device = tree_next(last));) {
        /* The number is the cursor: the tree may change between two steps, and numbers only
         * grow. */
        last = device_number(device);
        fits = !device_driver(device) && fits_device(what, device);
        device_put(device);
    }
    return fits;
}

bool index_wants_bytes(struct bytes file)
{
    struct object object;
    struct driver_info info;
    struct object_error error;
    if (object_open(file, &object, &error) || driver_info_read(&object, &info, &error))
        return true;

    /* A driver without entries drives nothing by itself, and is wanted by others. So is one for
     * media or commands: it cannot be decided yet whether they will come. */
    const char *what = driver_info_next(&info, "drives", NULL);
    bool wanted = !what;
    for (; what && !wanted; what = driver_info_next(&info, "drives", what))
        wanted = !is_about_bus(what) || fits_idle_device(what);
    return wanted;
}

status_t index_load_for_device(struct device *device)
{
    return load_first(fits_device, device);
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

    /* NULL: an entry of another kind. An offset without bytes after it never fits. */
    if (!at || *at++ != ' ')
        return false;
    for (; count < SIGNATURE_BYTES_MAX && text_hex_digit(at[0]) >= 0 && text_hex_digit(at[1]) >= 0;
         at += 2)
        wanted[count++] = (uint8_t)(text_hex_digit(at[0]) << 4 | text_hex_digit(at[1]));

    /* A medium that is shorter than the signature's end does not fit; nor does one that cannot
     * be read. */
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

    /* One open file for all entries: if the medium is changed meanwhile, the reads fail and
     * nothing fits. */
    status = load_first(fits_medium, file);
    file_close(file);
    return status;
}

static bool fits_command(const char *what, void *context)
{
    const char *command = after_kind(what, "command");
    size_t length = strlen(context);

    /* The group and the summary of the command may follow its name. */
    return command && text_starts(command, context) &&
           (command[length] == ' ' || !command[length]);
}

status_t index_load_for_command(const char *command)
{
    return load_first(fits_command, (void *)(uintptr_t)command);
}

/* Parses "command NAME [GROUP: SUMMARY]". Returns false for an entry of another kind. */
static bool parse_command(const char *what, struct index_command *command)
{
    const char *name = after_kind(what, "command");
    if (!name)
        return false;

    const char *group = strchr(name, ' ');
    size_t length = group ? (size_t)(group - name) : strlen(name);
    text_copy(command->name, min(length + 1, sizeof(command->name)), name);
    command->group[0] = command->summary[0] = '\0';

    /* Without a colon there is no summary: an object from elsewhere may name only the command. */
    const char *colon = group ? strchr(++group, ':') : NULL;
    if (colon) {
        text_copy(command->group, min((size_t)(colon - group) + 1, sizeof(command->group)), group);
        text_copy(command->summary, sizeof(command->summary), colon + 1 + (colon[1] == ' '));
    }
    return true;
}

void index_command_each(void (*visit)(const struct index_command *command, void *context),
                        void *context)
{
    struct catalog *catalog;
    char what[ENTRY_BYTES];
    struct index_command command;
    if (get_catalog(&catalog))
        return;

    for (unsigned i = 0; i < catalog->count; i++)
        for (const char *list = catalog->lines[i].drives; next_entry(&list, what);)
            if (parse_command(what, &command))
                visit(&command, context);
    catalog_put(catalog);
}

bool index_command_is_known(const char *command)
{
    size_t length = strlen(command);
    const char *at = driver_commands;

    /* Blanks surround each name, so that a part of a name is not found. */
    for (; (at = strchr(at, ' ')); at++)
        if (length && !strncmp(at + 1, command, length) && at[1 + length] == ' ')
            return true;
    return false;
}

status_t index_load_named(const char *name)
{
    struct catalog *catalog;
    status_t status = get_catalog(&catalog);
    if (status)
        return status;

    const struct catalog_line *line = catalog_find(catalog, name);
    status = line ? load_with_needs(catalog, line) : -ENOENT;
    catalog_put(catalog);
    return status;
}

status_t index_load_needs(const char *name)
{
    struct catalog *catalog;
    char need[ENTRY_BYTES];
    status_t status = get_catalog(&catalog);
    if (status)
        return status;

    /* Unlike load_with_needs(), a need that the index does not have is an error here: the caller
     * has the driver's bytes already, and cannot load them without it. */
    const struct catalog_line *line = catalog_find(catalog, name);
    status = line ? 0 : -ENOENT;
    for (const char *list = line ? line->needs : ""; !status && next_entry(&list, need);) {
        const struct catalog_line *needed = catalog_find(catalog, need);
        status = needed ? load_with_needs(catalog, needed) : -ENOENT;
    }
    catalog_put(catalog);
    return status;
}

status_t index_mount(struct path *start, const char *text, const char *device, const char *type,
                     const char *options)
{
    status_t status = vfs_mount(start, text, device, type, options);

    /* -EMEDIUMTYPE: every driver has looked at the medium and refused it. -ENODEV with a type:
     * no driver of this name. Another driver would not help with any other error. */
    if (status != -EMEDIUMTYPE && !(type && status == -ENODEV))
        return status;

    /* A failed load hides nothing: the caller gets the first error, and the log the loader's
     * reason. */
    status_t loaded = type ? index_load_named(type) : index_load_for_medium(device);
    return loaded ? status : vfs_mount(start, text, device, type, options);
}
