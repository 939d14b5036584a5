/*
 * partition.c - lists, creates and changes partition tables: partition.
 *
 * Target      A disk, which nothing else may use meanwhile, or a file with the image of one. Both
 *             are written through their file. The partitions of a disk are found again afterwards.
 * Question    Contents cannot be had back: without -y, the answer must be y. It is asked for before
 *             the disk is claimed, since a person may take long.
 */
#include "kernel/dev/deadlines.h"
#include "kernel/dev/device.h"
#include "kernel/module/info.h"
#include "kernel/monitor.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/partition/edit.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/options.h"
#include "shell/reading/mounts.h"
#include "shell/reading/show.h"

enum { FILE_SECTOR_BYTES = 512, FILE_NAME_BYTES = 300 };

struct target {
    struct partition_edit edit;
    struct identify found;
    struct shell *shell;
    const char *word;           /* as it was typed */
    struct device *device;      /* a reference; NULL: a regular file */
    char name[FILE_NAME_BYTES]; /* of its file */
    struct file *file;
    bool noted; /* what is wrong with the table was reported before */
};

/* ---- the medium --------------------------------------------------------------------------- */

static struct target *target_of(struct partition_edit *edit)
{
    return container_of(edit, struct target, edit);
}

static status_t target_read(struct partition_source *source, uint64_t offset, void *buffer,
                            size_t bytes)
{
    struct target *target = target_of(container_of(source, struct partition_edit, source));
    ssize_t got = file_read_at(target->file, offset, buffer, bytes);
    return got < 0 ? (status_t)got : (size_t)got == bytes ? 0 : -EIO;
}

static status_t target_write(struct partition_edit *edit, uint64_t offset, const void *data,
                             size_t bytes)
{
    /* A file may accept less at a time. */
    while (bytes) {
        ssize_t got = file_write_at(target_of(edit)->file, offset, data, bytes);
        if (got <= 0)
            return got ? (status_t)got : -EIO;
        offset += (uint64_t)got;
        data = (const char *)data + got;
        bytes -= (size_t)got;
    }
    return 0;
}

static status_t target_flush(struct partition_edit *edit)
{
    return file_flush(target_of(edit)->file);
}

/* What is left out of a list, and why. */
static void target_note(struct partition_source *source, const char *text)
{
    struct target *target = target_of(container_of(source, struct partition_edit, source));
    if (!target->noted)
        (void)shell_complain(target->shell, "%s: %s", target->word, text);
}

static status_t target_open(struct target *target, unsigned flags)
{
    status_t status = file_open(target->shell->directory, target->name, flags, &target->file);
    if (status)
        return status;

    uint32_t sector = target->device ? device_block_bytes(target->device) : FILE_SECTOR_BYTES;
    uint64_t size = file_size(target->file);
    struct partition_edit *edit = &target->edit;
    edit->source = (struct partition_source){
        .read = target_read, .note = target_note, .size_bytes = size - size % sector,
        .sector_bytes = sector,
    };
    edit->write = target_write;
    edit->flush = target_flush;
    return 0;
}

static void target_close(struct target *target)
{
    file_close(target->file);
    target->file = NULL;
}

/* Finds the file of the device that a word names, or the file of that name. */
static int target_find(struct target *target)
{
    char path[FILE_NAME_BYTES];
    target->device = mounts_find_device(target->shell, target->word);
    if (!target->device) {
        text_copy(target->name, sizeof(target->name), target->word);
        return strlen(target->word) < sizeof(target->name)
                   ? SHELL_DONE : shell_fail(target->shell, target->word, -ENAMETOOLONG);
    }
    if (device_is_part(target->device))
        return shell_complain(target->shell, "%s: is a partition itself", target->word);
    device_path(target->device, path, sizeof(path));
    format_text(target->name, sizeof(target->name), "/System/Devices/%s", path);
    return SHELL_DONE;
}

/* ---- messages ----------------------------------------------------------------------------- */

/* Reports an error in the editor's own words, if it has some. */
static int edit_fail(struct target *target, status_t status)
{
    const char *why = target->edit.why;
    if (!why && status == -EUCLEAN)
        why = "the table is damaged; `create` makes a new one";
    else if (!why && status == -EMLINK)
        why = "all entries of the table are in use";
    else if (!why && status == -ENOENT)
        why = "no such partition";
    else if (!why && status == -EBUSY)
        why = "in use; unmount its file systems first";
    if (why)
        return shell_complain(target->shell, "%s: %s", target->word, why);
    return shell_fail(target->shell, target->word, status);
}

/* Writes what the medium is and contains. */
static void target_show(struct target *target)
{
    struct stream *out = target->shell->out;
    const struct partition_table *table = &target->edit.table;
    uint64_t bytes = file_size(target->file);
    char size[SIZE_TEXT_BYTES], names[96];

    size_text(size, bytes, true);
    stream_escaped(out, target->word, false);
    stream_format(out, ": %s, %llu bytes, ", size, (unsigned long long)bytes);
    if (table->scheme != PARTITION_NONE)
        stream_format(out, "%s with %u partition%s\n", partition_scheme_name(table->scheme),
                      table->count, text_plural(table->count));

    /* A file system may fill the whole medium. */
    else if (!file_identify(target->file, &target->found) && target->found.count) {
        identify_text(&target->found, true, names, sizeof(names));
        stream_format(out, "no partition table; %s\n", names);
    } else {
        stream_text(out, "no partition table\n");
    }

    for (unsigned i = 0; i < table->count; i++) {
        const struct partition *p = &table->partitions[i];
        size_text(size, p->length_bytes, true);
        stream_format(out, "%4u  at %12llu  %12llu bytes %6s  %s%s", p->number,
                      (unsigned long long)p->base_bytes, (unsigned long long)p->length_bytes,
                      size, p->type, *p->name ? ", " : "");
        stream_escaped(out, p->name, false);
        stream_text(out, "\n");
    }
}

/* Shows the medium, and asks unless -y is given. Returns SHELL_DONE if it may be changed. */
static int target_ask(struct target *target, const char *loss)
{
    struct shell *shell = target->shell;
    status_t status = target_open(target, OPEN_READ);
    if (status)
        return edit_fail(target, status);

    /* A damaged table is shown as far as it could be read. */
    status = partition_table_read(&target->edit.source, &target->edit.table);
    if (!status)
        target_show(target);
    target_close(target);
    target->noted = true;
    if (status)
        return edit_fail(target, status);
    if (option_given(shell, 'y'))
        return SHELL_DONE;
    int answer = shell_ask(shell, "%s: %s Continue? [y/N] ", target->word, loss);
    if (answer < 0)
        return shell_fail(shell, target->word, answer);
    return answer ? SHELL_DONE : shell_complain(shell, "%s: nothing was changed", target->word);
}

/* ---- changes ------------------------------------------------------------------------------ */

/* Fills in random numbers for identities. */
static status_t target_random(struct target *target)
{
    struct file *file;
    status_t status = file_open(target->shell->directory, "/System/Devices/urandom", OPEN_READ,
                                &file);
    if (status)
        return status;
    ssize_t got = file_read(file, target->edit.random, sizeof(target->edit.random));
    file_close(file);
    return got < 0 ? (status_t)got : 0;
}

/* Finds the partitions again, and waits until they are devices. */
static status_t target_rescan(struct target *target)
{
    if (!target->device)
        return 0;
    status_t status = device_want_parts(target->device);
    if (!status)
        status = monitor_wait_idle(target->device, time_now_us() + DEADLINE_SETTLE_US);

    /* -EINVAL: the device is one whose partitions are not shown. */
    return status == -EINVAL ? 0 : status;
}

/* Changes the table by `change`, which may report the number of a partition. */
static int target_change(struct target *target,
                         status_t (*change)(struct target *target, unsigned *number,
                                            const void *wanted),
                         const void *wanted, bool loads)
{
    unsigned number = 0;
    status_t status = target_random(target);
    if (!status)
        status = target_open(target, OPEN_READ | OPEN_WRITE);
    if (status)
        return edit_fail(target, status);

    status = loads ? partition_edit_load(&target->edit) : 0;
    if (!status && loads && target->edit.table.scheme == PARTITION_NONE) {
        target->edit.why = "no partition table; `create` makes one";
        status = -EINVAL;
    }
    if (!status)
        status = change(target, &number, wanted);
    target_close(target);
    if (status)
        return edit_fail(target, status);

    status = target_rescan(target);
    if (status)
        return edit_fail(target, status);
    if (number)
        stream_format(target->shell->out, "partition %u\n", number);
    return SHELL_DONE;
}

static status_t do_create(struct target *target, unsigned *number, const void *wanted)
{
    (void)number;
    return partition_edit_create(&target->edit, *(const enum partition_scheme *)wanted);
}

struct new_partition {
    uint64_t bytes; /* 0: the largest free space */
    struct partition_kind kind;
};

static status_t do_add(struct target *target, unsigned *number, const void *wanted)
{
    const struct new_partition *new = wanted;
    return partition_edit_add(&target->edit, new->bytes, &new->kind, number);
}

static status_t do_delete(struct target *target, unsigned *number, const void *wanted)
{
    (void)number;
    return partition_edit_delete(&target->edit, *(const unsigned *)wanted);
}

/* ---- the command -------------------------------------------------------------------------- */

static int verb_list(struct target *target, int count, char **words)
{
    (void)count, (void)words;
    status_t status = target_open(target, OPEN_READ);
    if (!status) {
        status = partition_table_read(&target->edit.source, &target->edit.table);
        if (!status)
            target_show(target);
        target_close(target);
    }
    return status ? edit_fail(target, status) : SHELL_DONE;
}

static int verb_create(struct target *target, int count, char **words)
{
    enum partition_scheme scheme = PARTITION_NONE;
    if (count == 1 && text_equal(words[0], "gpt"))
        scheme = PARTITION_GPT;
    else if (count == 1 && text_equal(words[0], "mbr"))
        scheme = PARTITION_MBR;
    else
        return shell_usage(target->shell);
    int result = target_ask(target, "All of this will be lost.");
    return result ? result : target_change(target, do_create, &scheme, false);
}

static int verb_add(struct target *target, int count, char **words)
{
    struct shell *shell = target->shell;
    struct new_partition new = { 0 };
    const char *kind = count > 1 ? words[1] : "fat";
    if (count < 1 || count > 2)
        return shell_usage(shell);
    if (!text_equal(words[0], "rest") &&
        !shell_number(shell, "SIZE", words[0], 1, INT64_MAX, &new.bytes))
        return SHELL_USAGE;
    if (!partition_kind_find(kind, &new.kind)) {
        shell_complain(shell, "%s: unknown type; try partition --help", kind);
        return SHELL_USAGE;
    }
    int result = target_ask(target, "A partition will be added in its free space.");
    return result ? result : target_change(target, do_add, &new, true);
}

static int verb_delete(struct target *target, int count, char **words)
{
    uint64_t value;
    if (count != 1)
        return shell_usage(target->shell);
    if (!shell_number(target->shell, "NUMBER", words[0], 1, PARTITION_COUNT_MAX, &value))
        return SHELL_USAGE;
    unsigned number = (unsigned)value;
    char loss[64];
    format_text(loss, sizeof(loss), "Partition %u will be lost.", number);
    int result = target_ask(target, loss);
    return result ? result : target_change(target, do_delete, &number, true);
}

static int run_partition(struct shell *shell, int count, char **words)
{
    static const struct {
        const char *name;
        int (*run)(struct target *target, int count, char **words);
    } verbs[] = {
        { "list", verb_list }, { "create", verb_create }, { "add", verb_add },
        { "delete", verb_delete },
    };
    const char *verb = count > 2 ? words[2] : "list";
    struct target *target = mem_zalloc(sizeof(*target));
    if (!target)
        return shell_fail(shell, NULL, -ENOMEM);

    target->shell = shell;
    target->word = words[1];
    int result = target_find(target);
    size_t i = 0;
    while (i < ARRAY_LENGTH(verbs) && !text_equal(verbs[i].name, verb))
        i++;
    if (!result && i == ARRAY_LENGTH(verbs))
        result = shell_usage(shell);
    else if (!result)
        result = verbs[i].run(target, max(count - 3, 0), words + 3);
    device_put(target->device);
    mem_free(target);
    return result;
}

static const struct shell_option partition_options[] = {
    { 'y', "yes", NULL, "do not ask" },
    { 0 },
};

static const struct shell_command command_partition = {
    .name = "partition",
    .arguments = "[-y] DISK [create gpt|mbr | add SIZE|rest [TYPE] | delete N]",
    .summary = "show or change the partitions of a disk or image",
    .arguments_min = 1,
    .arguments_max = 4,
    .run = run_partition,
    .options = partition_options,
    .group = "Devices and mounts",
};
SHELL_COMMAND(command_partition);
DRIVER_DRIVES("command partition Devices and mounts: "
              "show or change the partitions of a disk or image");
