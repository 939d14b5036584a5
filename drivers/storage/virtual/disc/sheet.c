/*
 * sheet.c - reads a sheet, selects its parser, and opens the files that it names; sheet.h.
 */
#include "drivers/storage/virtual/disc/sheet.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "lib/utf8.h"

/* ---- names -------------------------------------------------------------------------------- */

static const struct {
    const char *extension;
    status_t (*parse)(struct sheet *sheet);
} kinds[] = {
    { ".cue", sheet_parse_cue }, { ".ccd", sheet_parse_ccd }, { ".toc", sheet_parse_toc },
};

static int sheet_kind(const char *path)
{
    size_t length = strlen(path);
    for (int i = 0; i < (int)(ARRAY_LENGTH(kinds)); i++)
        if (length > 4 && text_equal_fold(path + length - 4, kinds[i].extension))
            return i;
    return -1;
}

bool sheet_has_name(const char *path)
{
    return sheet_kind(path) >= 0;
}

/* Returns the text after the last slash. */
static char *last_element(char *path)
{
    char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Joins the sheet's directory and a name, unless the name is absolute. False: too long. */
static bool name_join(const char *sheet_path, const char *name, char *path)
{
    /* The length of the sheet's path up to its last slash. */
    size_t directory = 0;
    for (size_t i = 0; *name != '/' && sheet_path[i]; i++)
        if (sheet_path[i] == '/')
            directory = i + 1;

    /* A name that was cut off would be another file's, so it counts as too long. */
    memcpy(path, sheet_path, directory);
    return text_copy(path + directory, VIRTUAL_IMAGE_BYTES - directory, name) <
           VIRTUAL_IMAGE_BYTES - directory;
}

/* Opens a file by its exact name, or by one that differs in case. */
static status_t name_open(const char *sheet_path, const char *name,
                          const struct sheet_opener *opener, char *path, struct store **store,
                          struct device **holder)
{
    if (!name_join(sheet_path, name, path))
        return -ENAMETOOLONG;

    status_t status = opener->open(path, false, store, holder);
    if (status != -ENOENT || !opener->fold || !*last_element(path))
        return status;

    /* Sheets often come from systems that ignore case. The exact name takes precedence. */
    status = opener->fold(path, VIRTUAL_IMAGE_BYTES);
    return status ? status : opener->open(path, false, store, holder);
}

static status_t file_open_named(const char *sheet_path, const char *name,
                                const struct sheet_opener *opener, struct store **store,
                                struct device **holder)
{
    char *path = mem_alloc(VIRTUAL_IMAGE_BYTES);
    if (!path)
        return -ENOMEM;
    status_t status = name_open(sheet_path, name, opener, path, store, holder);

    /* A path with backslashes is one of the system where the sheet was made. Its last element may
     * be beside the sheet. */
    const char *other = strrchr(name, '\\');
    if (status == -ENOENT && other && other[1])
        status = name_open(sheet_path, other + 1, opener, path, store, holder);

    mem_free(path);
    return status;
}

/* ---- files -------------------------------------------------------------------------------- */

/* Adds a device that holds a file's bytes, unless it is there. Takes the reference over. */
static status_t result_add_holder(struct sheet_result *result, struct device *holder)
{
    /* Most discs have all files on one device. Files in memory have no holder. */
    for (unsigned i = 0; i < result->holder_count; i++)
        if (!holder || result->holders[i] == holder) {
            device_put(holder);
            return 0;
        }
    if (!holder)
        return 0;

    if (result->holder_count == VIRTUAL_HOLDERS_MAX) {
        device_put(holder);
        return -EMLINK;
    }

    result->holders[result->holder_count++] = holder;
    return 0;
}

static status_t files_open(struct sheet *sheet, const char *path,
                           const struct sheet_opener *opener, struct store **files,
                           unsigned *count, struct sheet_result *result)
{
    for (*count = 0; *count < sheet->file_count; ++*count) {
        const struct sheet_file *file = &sheet->files[*count];
        struct device *holder = NULL;
        status_t status = file_open_named(path, file->name, opener, &files[*count], &holder);

        /* The reason names the line of the sheet, since that is what has to be corrected. */
        if (status) {
            IGNORE(sheet_refuse(sheet, file->line, "%.80s: %s", file->name, status_text(status)));
            return status;
        }

        /* On failure *count files are open, without this one; the caller closes those. */
        status = result_add_holder(result, holder);
        if (status) {
            store_close(files[*count]);
            IGNORE(sheet_refuse(sheet, file->line, "files on more than %u devices",
                                VIRTUAL_HOLDERS_MAX));
            return status;
        }
    }
    return 0;
}

static status_t sheet_build(struct sheet *sheet, const char *path,
                            const struct sheet_opener *opener, struct ledger *ledger,
                            struct sheet_result *result)
{
    struct store **files = mem_zalloc(SHEET_FILES_MAX * sizeof(*files));
    unsigned count = 0;
    if (!files)
        return -ENOMEM;

    status_t status = files_open(sheet, path, opener, files, &count, result);
    if (!status)
        status = sheet_layout(sheet, files, ledger, result);

    /* After a failure nothing of the result is left; after a success the disc owns the files. */
    for (unsigned i = 0; status && i < count; i++)
        store_close(files[i]);
    for (; status && result->holder_count; result->holder_count--)
        device_put(result->holders[result->holder_count - 1]);

    mem_free(files);
    return status;
}

/* Returns the sheet's name with .img in place of .ccd, in the same case. */
static char *image_name(const char *path)
{
    size_t bytes = strlen(path) + 1;
    char *copy = mem_alloc(bytes), *name = NULL;
    if (!copy)
        return NULL;

    text_copy(copy, bytes, path);

    /* The caller has checked the extension, so the path has these four characters. Names of all
     * capitals come from old systems, and both files have the same case then. */
    bool upper = copy[bytes - 4] == 'C';
    text_copy(copy + bytes - 4, 4, upper ? "IMG" : "img");

    /* Only the last element: like all names in sheets it is relative to the sheet's directory. */
    size_t at = (size_t)(last_element(copy) - copy);
    name = mem_alloc(bytes - at);
    if (name)
        text_copy(name, bytes - at, copy + at);

    mem_free(copy);
    return name;
}

static status_t sheet_read(struct sheet *sheet, struct store *from)
{
    size_t bytes = (size_t)from->size_bytes;
    sheet->text = mem_alloc(bytes + 2);
    if (!sheet->text)
        return -ENOMEM;

    /* Room for one character before the first word (token_end()), and for a terminator. */
    sheet->text[0] = '\n';
    status_t status = bytes ? store_read(from, 0, sheet->text + 1, (uint32_t)bytes, true) : 0;
    sheet->text[bytes + 1] = '\0';
    sheet->at = sheet->text + 1;

    /* Editors put a byte order mark in front. */
    if (text_starts(sheet->at, UTF8_MARK))
        sheet->at += strlen(UTF8_MARK);

    /* The parsers take the first NUL for the end. A binary file with such a name would be cut off
     * there without an error. */
    if (!status && strlen(sheet->text) != bytes + 1)
        status = sheet_refuse(sheet, 1, "a NUL: not a sheet");
    return status;
}

status_t sheet_open(const char *path, struct store *from, const struct sheet_opener *opener,
                    struct ledger *ledger, char *reason, struct sheet_result *result)
{
    *result = (struct sheet_result){ 0 };

    struct sheet *sheet = mem_zalloc(sizeof(*sheet));
    char *image = image_name(path);
    status_t status = sheet && image ? 0 : -ENOMEM;

    /* Read the text. Its limit also bounds the time that the parsers take. */
    if (!status) {
        sheet->reason = reason;
        sheet->image_name = image;
        status = from->size_bytes > SHEET_BYTES_MAX
                     ? sheet_refuse(sheet, 1, "larger than a sheet: %u KiB", SHEET_BYTES_MAX / 1024)
                     : sheet_read(sheet, from);
    }
    if (!status) {
        /* The caller has checked the extension, so it is one of the three. sheet_token() counts
         * lines as it passes them, so the count begins with 1; sheet_line() counts each line as
         * it returns it. */
        const int kind = sheet_kind(path);
        sheet->line = kinds[kind].parse == sheet_parse_toc;
        status = kinds[kind].parse(sheet);
    }

    /* Open the files and build the disc. Names and words point into the text, so
     * it is freed last. */
    if (!status)
        status = sheet_build(sheet, path, opener, ledger, result);

    if (sheet)
        mem_free(sheet->text);
    mem_free(sheet);
    mem_free(image);
    return status;
}
