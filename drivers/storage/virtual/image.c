/*
 * image.c - opens an image in steps: the file or memory at the bottom of the stack, the window, the
 * CD sectors, the copy in memory or the overlay, and finally its block size; image.h.
 */
#include "drivers/storage/virtual/image.h"
#include "drivers/storage/virtual/disc/disc.h"
#include "kernel/dev/geometry.h"
#include "kernel/log.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum { TRY_BYTES_MAX = 64 * 1024 };

static void image_put_holders(struct image *image)
{
    for (; image->holder_count; image->holder_count--)
        device_put(image->holders[image->holder_count - 1]);
}

/* ---- the bottom of the stack -------------------------------------------------------------- */

/* Finds how many bytes of the image the request asks for; 0: all from the offset on. */
static status_t image_wanted(const struct virtual_register *request, uint64_t *bytes)
{
    *bytes = request->size_bytes;

    /* A geometry replaces the size: its product is the number of bytes. */
    if (request->flags & VIRTUAL_GEOMETRY)
        return geometry_size(&request->geometry, bytes);
    return 0;
}

static status_t open_ram(const struct virtual_register *request, struct image *image)
{
    uint64_t bytes;
    status_t status = image_wanted(request, &bytes);
    if (status)
        return status;

    /* Memory has no size of its own, so one must be given. */
    return bytes ? store_ram_create(bytes, &image->store) : -ENODATA;
}

static status_t open_memory(const struct virtual_register *request, struct image *image)
{
    uint64_t bytes;
    status_t status = request->memory ? image_wanted(request, &bytes) : -EINVAL;
    return status ? status : store_memory_create(request->memory, bytes, &image->store);
}

/* Replaces the text of a sheet by the disc that it describes. */
static status_t image_take_sheet(struct virtual_register *request,
                                 const struct sheet_opener *opener, struct image *image)
{
    static const uint32_t refused = VIRTUAL_WRITABLE | VIRTUAL_GEOMETRY;
    struct sheet_result result;
    struct store *text = image->store;

    /* All of these would be about the bytes of the text, which the drive does not show. */
    if (request->flags & refused || request->offset_bytes || request->size_bytes ||
        (request->block_bytes && request->block_bytes != CD_DATA_BYTES)) {
        text_copy(request->reason, sizeof(request->reason),
                  "a sheet is shown as a whole, read-only, in blocks of 2048");
        return -EINVAL;
    }

    status_t status = sheet_open(request->image, text, opener, &image->ledger, request->reason,
                                 &result);
    if (status)
        return status;

    /* From here on the image consists of the files that the sheet names. */
    store_close(text);
    image_put_holders(image);
    memcpy(image->holders, result.holders, sizeof(result.holders));
    image->holder_count = result.holder_count;
    image->store = result.store;
    image->toc = result.toc;
    image->facts->raw_sector_bytes = result.sector_bytes;

    /* A disc is a CD drive's. An overlay is not, since CDs are read-only. */
    if (request->store != VIRTUAL_OVERLAY)
        image->facts->flags |= VIRTUAL_CD;
    return 0;
}

static status_t open_file(struct virtual_register *request, const struct sheet_opener *opener,
                          struct image *image)
{
    /* The file itself is written by a plain drive and by the commit of an overlay. A copy in memory
     * leaves it alone. */
    bool writable = request->flags & VIRTUAL_WRITABLE &&
                    (request->store == VIRTUAL_FILE || request->store == VIRTUAL_OVERLAY);

    struct device *holder = NULL;
    status_t status = opener->open(request->image, writable, &image->store, &holder);
    if (status)
        return status;

    /* The holder is remembered, so that a drive is never put on itself. */
    if (holder)
        image->holders[image->holder_count++] = holder;
    return sheet_has_name(request->image) ? image_take_sheet(request, opener, image) : 0;
}

static status_t image_open_bottom(struct virtual_register *request,
                                  const struct sheet_opener *opener, struct image *image)
{
    switch (request->store) {
    case VIRTUAL_RAM: return open_ram(request, image);
    case VIRTUAL_MEMORY: return open_memory(request, image);
    default: return open_file(request, opener, image);
    }
}

/* ---- window, sectors, memory, overlay ------------------------------------------------------- */

/* Enlarges the file to `end` if a geometry asks for more than it has. */
static status_t image_grow(const struct virtual_register *request, struct image *image,
                           uint64_t end)
{
    if (end <= image->store->size_bytes || !(request->flags & VIRTUAL_GEOMETRY))
        return 0;
    if (request->store != VIRTUAL_FILE || !(request->flags & VIRTUAL_WRITABLE))
        return -EROFS;

    /* The old size is kept: if the drive is not created after all, the file gets it back. */
    uint64_t size = image->store->size_bytes;
    status_t status = store_file_grow(image->store, end);
    if (!status) {
        image->grown = image->store;
        image->grown_from_bytes = size;
    }
    return status;
}

static status_t image_cut(const struct virtual_register *request, struct image *image)
{
    uint64_t offset = request->offset_bytes, wanted, end;

    /* The part that the request asks for: from the offset on, up to `end`. */
    status_t status = image_wanted(request, &wanted);
    if (!status && __builtin_add_overflow(offset, wanted, &end))
        status = -EOVERFLOW;
    if (!status)
        status = image_grow(request, image, end);
    if (status)
        return status;

    /* The file may have been enlarged, so its size is looked at only now. */
    uint64_t size = image->store->size_bytes;
    if (end > size)
        return -EINVAL;

    /* Without a size, all the rest. A window as large as the store would do nothing. */
    if (!wanted)
        wanted = size - offset;
    if (wanted == size)
        return 0;
    return store_window_create(image->store, offset, wanted, &image->store);
}

/* Replaces an image of CD sectors by their data. Bytes after the last whole sector cannot be
 * verified, and are left out. */
static status_t image_take_raw(struct image *image)
{
    uint64_t size = image->store->size_bytes;
    uint32_t sector_bytes;
    status_t status = store_raw_detect(&image->store, &image->ledger, &sector_bytes, &image->toc);

    /* Not an image of sectors: sector_bytes is 0, and blocks are counted later. */
    image->facts->raw_sector_bytes = sector_bytes;
    image->facts->tail_bytes = sector_bytes ? size % sector_bytes : 0;

    /* After ^C every read fails: nothing was found out about the sectors. */
    return !status && thread_interrupted() ? -EINTR : status;
}

static status_t image_load(const struct virtual_register *request, struct image *image)
{
    struct store *from = image->store;

    /* store_ram_load() closes the file in any case. Nothing holds the copy, since
     * it is in memory. */
    image->store = NULL;
    image_put_holders(image);
    return store_ram_load(from, request->progress, &image->store);
}

static status_t image_overlay(struct image *image)
{
    struct store *inner = image->store;

    /* Closed with the overlay, and by store_overlay_create() if that fails. */
    image->store = NULL;
    status_t status = store_overlay_create(inner, &image->store);
    image->overlay = image->store;
    return status;
}

static status_t image_stack(const struct virtual_register *request, struct image *image)
{
    /* Sectors are recognised only if the request leaves the format open, and never in a file that
     * may be written. */
    bool guess = !request->block_bytes && !(request->flags & (VIRTUAL_GEOMETRY | VIRTUAL_WRITABLE));

    status_t status = image_cut(request, image);
    if (!status && guess && *request->image && !image->toc)
        status = image_take_raw(image);

    /* On top: the copy in memory, or the overlay. Both see the data of sectors, not the sectors. */
    if (!status && request->store == VIRTUAL_RAM_IMAGE)
        status = image_load(request, image);
    if (!status && request->store == VIRTUAL_OVERLAY)
        status = image_overlay(image);
    return status;
}

/* ---- blocks ------------------------------------------------------------------------------- */

static uint32_t image_choose_block(const struct virtual_register *request,
                                   const struct image *image)
{
    if (request->flags & VIRTUAL_GEOMETRY)
        return request->geometry.sector_bytes;
    if (request->block_bytes)
        return request->block_bytes;
    return image->toc || request->flags & VIRTUAL_CD ? CD_DATA_BYTES : VIRTUAL_BLOCK_BYTES;
}

static status_t image_measure(const struct virtual_register *request, struct image *image)
{
    uint64_t size = image->store->size_bytes;
    image->facts->block_bytes = image_choose_block(request, image);

    /* A drive has at least one block. */
    if (size < image->facts->block_bytes)
        return -ENODATA;

    image->content = image->store;
    image->facts->size_bytes = size;
    image->facts->level = image->store->level;

    /* A CD is read-only even if its store could be written. */
    image->facts->read_only = image->facts->flags & VIRTUAL_CD || !image->store->writable;

    /* The last bytes are not shown if they do not fill a block. This is often a sign of a damaged
     * copy, so it is logged. */
    if (!image->facts->raw_sector_bytes)
        image->facts->tail_bytes = size % image->facts->block_bytes;
    if (image->facts->tail_bytes)
        log_info("vdrive", "%s: %u byte%s after the last whole %s of %u", image->facts->path,
                 (unsigned)image->facts->tail_bytes, text_plural(image->facts->tail_bytes),
                 image->facts->raw_sector_bytes ? "sector" : "block",
                 image->facts->raw_sector_bytes ? image->facts->raw_sector_bytes
                                               : image->facts->block_bytes);

    image->facts->geometry = request->flags & VIRTUAL_GEOMETRY
                          ? request->geometry
                          : geometry_derive(size, image->facts->block_bytes);
    return 0;
}

/* ---- opening and closing ------------------------------------------------------------------ */

static struct image *image_create(const struct virtual_register *request)
{
    size_t path_bytes = strlen(request->image) + 1;
    struct image *image = mem_zalloc(sizeof(*image));
    struct image_facts *facts = mem_zalloc(sizeof(*facts) + path_bytes);
    /* Two allocations, since the facts outlive the image in a halted drive. */
    if (!image || !facts) {
        mem_free(image);
        mem_free(facts);
        return NULL;
    }

    atomic_init(&facts->references, 1);
    facts->kind = request->store;
    facts->flags = request->flags;
    facts->offset_bytes = request->offset_bytes;
    text_copy(facts->path, path_bytes, request->image);
    atomic_init(&image->references, 1);
    image->facts = facts;
    image->ledger.name = facts->path;
    return image;
}

status_t image_open_from(struct virtual_register *request, const struct sheet_opener *opener,
                         struct image **result)
{
    struct image *image = image_create(request);
    request->reason[0] = '\0';
    if (!image)
        return -ENOMEM;

    /* From the bottom of the stack to the top. What was opened before a failure is closed by
     * image_put(). */
    status_t status = image_open_bottom(request, opener, image);
    if (!status)
        status = image_stack(request, image);
    if (!status)
        status = image_measure(request, image);

    if (status)
        image_put(image);
    else
        *result = image;
    return status;
}

status_t image_open(struct virtual_register *request, struct image **image)
{
    static const struct sheet_opener opener = { store_file_create, store_file_fold };
    return image_open_from(request, &opener, image);
}

struct image_facts *image_facts_get(struct image_facts *facts)
{
    atomic_fetch_add_explicit(&facts->references, 1, memory_order_relaxed);
    return facts;
}

void image_facts_put(struct image_facts *facts)
{
    if (facts && atomic_fetch_sub(&facts->references, 1) == 1)
        mem_free(facts);
}

struct image *image_get(struct image *image)
{
    atomic_fetch_add_explicit(&image->references, 1, memory_order_relaxed);
    return image;
}

void image_put(struct image *image)
{
    if (!image || atomic_fetch_sub(&image->references, 1) != 1)
        return;

    /* No drive was created with the file that was enlarged. Shrinking needs no room, so it does not
     * fail for lack of it. */
    if (image->grown)
        IGNORE(store_file_grow(image->grown, image->grown_from_bytes));

    /* The stores first: they use the ledger, and the files may be on a holder. */
    store_close(image->store);
    ledger_clear(&image->ledger);
    image_put_holders(image);
    mem_free(image->toc);
    image_facts_put(image->facts);
    mem_free(image);
}

enum image_service image_service(const struct image *image, const struct io_transfer *transfer)
{
    /* A store of memory does not wait. In tests a fault lets every other transfer end inside the
     * submission. */
    if (!image->store->waits || (image->fault && store_fault_flips(image->fault)))
        return IMAGE_AT_ONCE;

    /* A long transfer is better read by the worker, while its submitter does something else. */
    bool tries = image->store->tries && transfer->op == IO_READ;
    return tries && transfer->length_bytes <= TRY_BYTES_MAX ? IMAGE_TRY : IMAGE_LATER;
}

status_t image_make_faulty(struct image *image)
{
    struct store *faulty;
    if (image->fault)
        return 0;

    status_t status = store_fault_create(image->store, image->facts->block_bytes, &faulty);
    if (!status) {
        /* The pointer that others read without the lock is set last: they may ask the
         * store at once. */
        image->store = faulty;
        atomic_store(&image->fault, faulty);
    }
    return status;
}
