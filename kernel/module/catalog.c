/*
 * catalog.c - reads the index of driver objects, and keeps it in memory. See catalog.h.
 */
#include "kernel/module/catalog.h"
#include "kernel/log.h"
#include "kernel/module/info.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/vfs.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

#define INDEX_PATH CATALOG_FOLDER "index"

enum {
    FILE_NAME_BYTES_MAX = 63,
    DIGEST_BYTES = 64,
    LINE_BYTES_MIN = DIGEST_BYTES + 6, /* a name, a file, three tabs, a newline */
};

/* Which file on which medium a catalog was made of. The device and the generation of its medium
 * identify a disc; device numbers are not used twice. */
struct stamp {
    unsigned device;
    uint32_t generation;
    vnode_id_t id;
};

static struct {
    struct mutex lock;
    bool has_stamp;
    struct stamp stamp;      /* of the file that was read last */
    status_t status;         /* why it cannot be used */
    struct catalog *catalog; /* a reference; NULL with a status */
} kept = {
    .lock = MUTEX_INIT(kept.lock, RANK_MOUNT),
};

/* ---- parsing ------------------------------------------------------------------------------- */

/* Ends the text at the next separator, and returns what follows; NULL at the end of the text. */
static char *cut(char *text, char separator)
{
    char *end = strchr(text, separator);
    if (!end)
        return NULL;
    *end = '\0';
    return end + 1;
}

/* Columns end with tabs; other control characters could control a terminal that shows the text. */
static bool has_control_characters(const char *text, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        if (text[i] != '\t' && ((uint8_t)text[i] < ' ' || text[i] == 0x7f))
            return true;
    return false;
}

static bool is_file_name(const char *text)
{
    size_t length = strlen(text);
    return length && length <= FILE_NAME_BYTES_MAX && !strchr(text, '/');
}

/* Parses a line of `bytes`, terminated in place, and appends it unless it is invalid. */
static bool add_line(struct catalog *catalog, char *text, size_t bytes)
{
    if (has_control_characters(text, bytes))
        return false;

    /* Only the fifth column may be missing: a driver that needs no other has none. */
    char *file = cut(text, '\t');
    char *digest = file ? cut(file, '\t') : NULL;
    char *drives = digest ? cut(digest, '\t') : NULL;
    char *needs = drives ? cut(drives, '\t') : NULL;
    if (!drives || strlen(digest) != DIGEST_BYTES || !driver_name_is_valid(text) ||
        !is_file_name(file) || catalog_find(catalog, text))
        return false;

    /* Pointers into the text, which the catalog owns: nothing is copied for a line. */
    catalog->lines[catalog->count++] =
        (struct catalog_line){ text, file, drives, needs ? needs : "" };
    return true;
}

/* Takes over `text`. Returns NULL if memory is exhausted. A valid line has at least LINE_BYTES_MIN
 * bytes, so the list is large enough. */
static struct catalog *parse(char *text, size_t bytes)
{
    size_t invalid = 0;
    struct catalog *catalog = mem_zalloc(sizeof(*catalog));
    struct catalog_line *list = mem_zalloc((bytes / LINE_BYTES_MIN + 1) * sizeof(*list));
    if (!catalog || !list) {
        mem_free(catalog);
        mem_free(list);
        mem_free(text);
        return NULL;
    }

    *catalog = (struct catalog){ .references = 1, .text = text, .lines = list };
    for (char *line = text, *end = text + bytes, *next; line < end; line = next) {
        /* The last line may lack its newline. file_read_whole() has put a NUL after it, which
         * ends it. */
        char *newline = memchr(line, '\n', (size_t)(end - line));
        next = newline ? newline + 1 : end;
        if (newline)
            *newline = '\0';
        invalid += !add_line(catalog, line, (size_t)((newline ? newline : end) - line));
    }

    /* One message for the whole file: a hostile index could have thousands of invalid lines. */
    if (invalid)
        log_warn("driver", "%s: %zu invalid line%s; %s ignored", INDEX_PATH, invalid,
                 text_plural(invalid), invalid == 1 ? "it is" : "they are");
    return catalog;
}

const struct catalog_line *catalog_find(const struct catalog *catalog, const char *name)
{
    for (unsigned i = 0; i < catalog->count; i++)
        if (text_equal(catalog->lines[i].name, name))
            return &catalog->lines[i];
    return NULL;
}

/* ---- keeping it ---------------------------------------------------------------------------- */

void catalog_put(struct catalog *catalog)
{
    if (!catalog || atomic_fetch_sub(&catalog->references, 1) > 1)
        return;
    mem_free(catalog->lines);
    mem_free(catalog->text);
    mem_free(catalog);
}

/* Finds the file and the medium that it is on. Returns false if its content may change. */
static bool find_stamp(struct path *index, struct stamp *stamp)
{
    struct fsd *fsd = path_fsd(index);
    struct node_info info;

    /* A file that can be written may change while its medium stays. A file system in memory has
     * no medium whose generation could be compared. */
    if (!fsd->read_only || !fsd_device(fsd)->device || path_info(index, 0, &info))
        return false;

    /* While the mount is valid, the medium is still that of its handle. */
    const struct device_handle *handle = fsd_device(fsd);
    *stamp = (struct stamp){ device_number(handle->device), handle->generation, info.id };
    return !fsd_check(fsd);
}

/* Returns true if the last file read is this one, with its status and a reference. */
static bool find_kept(const struct stamp *stamp, status_t *status, struct catalog **catalog)
{
    mutex_lock(&kept.lock);

    /* The id is compared too: another directory of the same medium may be mounted at /System. */
    bool same = kept.has_stamp && kept.stamp.device == stamp->device &&
                kept.stamp.generation == stamp->generation && kept.stamp.id == stamp->id;
    if (same) {
        *status = kept.status;
        *catalog = kept.catalog;
        if (kept.catalog)
            kept.catalog->references++;
    }
    mutex_unlock(&kept.lock);
    return same;
}

static void keep(const struct stamp *stamp, status_t status, struct catalog *catalog)
{
    mutex_lock(&kept.lock);

    /* `kept` has a reference of its own. The old catalog is released after the lock, since that
     * may free it. */
    struct catalog *old = kept.catalog;
    if (catalog)
        catalog->references++;
    kept.has_stamp = stamp;
    if (stamp)
        kept.stamp = *stamp;
    kept.status = status;
    kept.catalog = catalog;
    mutex_unlock(&kept.lock);
    catalog_put(old);
}

static status_t read_index(struct path *root, struct catalog **catalog)
{
    char *text;
    size_t bytes;
    status_t status = file_read_whole(root, INDEX_PATH, CATALOG_BYTES_MAX, &text, &bytes);
    if (status)
        return status;
    *catalog = parse(text, bytes);
    return *catalog ? 0 : -ENOMEM;
}

status_t catalog_get(struct catalog **catalog)
{
    struct path *root = path_root(), *index;
    struct stamp stamp;
    *catalog = NULL;

    status_t status = path_walk(root, INDEX_PATH, 0, &index);
    if (status) {
        path_put(root);
        return status;
    }

    bool keeps = find_stamp(index, &stamp);
    if (!keeps || !find_kept(&stamp, &status, catalog)) {
        status = read_index(root, catalog);

        /* A failure of the disc, or an interrupt, is not a property of the file. */
        if (status == -EFBIG)
            log_warn("driver", "%s: larger than %d bytes; it is ignored", INDEX_PATH,
                     CATALOG_BYTES_MAX);
        if (keeps && (!status || status == -EFBIG))
            keep(&stamp, status, *catalog);
    }
    path_put(index);
    path_put(root);
    return status;
}

void catalog_stop(void)
{
    keep(NULL, 0, NULL);
}
