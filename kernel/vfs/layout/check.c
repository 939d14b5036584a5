/*
 * check.c - findings, and clusters that were seen. See check.h.
 */
#include "kernel/vfs/layout/check.h"
#include "lib/format.h"
#include "lib/string.h"
#include "lib/text.h"

enum { PAGE_BITS = PAGE_BYTES * 8 };

void check_found(struct check *c, bool repaired, const char *format, ...)
{
    char text[CHECK_LINE_BYTES];
    va_list arguments;
    if (c->names)
        return;
    va_start(arguments, format);
    format_text_v(text, sizeof(text), format, arguments);
    va_end(arguments);

    /* A volume that is wrong everywhere is not worth a million lines. */
    c->unrepaired += !repaired;
    if (++c->found == CHECK_FOUND_MAX)
        c->report->found(c->report, "more was found, which is not shown", false);
    else if (c->found < CHECK_FOUND_MAX)
        c->report->found(c->report, text, repaired);
}

/* ---- clusters ----------------------------------------------------------------------------- */

/* Of a long path the end is kept, which says more. */
static void path_keep(char kept[CHECK_PATH_BYTES], const char *path)
{
    size_t length = strlen(path);
    size_t skip = length >= CHECK_PATH_BYTES ? length - CHECK_PATH_BYTES + 1 : 0;
    memcpy(kept, path + skip, length - skip + 1);
}

/* On the second visit, the first file that has a cluster is its owner. */
static void owner_note(struct check *c, uint32_t cluster, const char *path)
{
    for (unsigned i = 0; i < c->crossing_count; i++)
        if (c->crossings[i].cluster == cluster)
            path_keep(c->crossings[i].owner, path);
}

bool check_mark(struct check *c, uint32_t cluster, const char *path, status_t *status)
{
    uint8_t *page = pages_make(&c->seen, cluster / PAGE_BITS, NULL);
    uint8_t mask = (uint8_t)(1 << cluster % 8);
    if (!page) {
        *status = -ENOMEM;
        return false;
    }
    page += cluster % PAGE_BITS / 8;
    bool fresh = !(*page & mask);
    *page |= mask;
    if (fresh && c->names)
        owner_note(c, cluster, path);
    return fresh;
}

bool check_is_marked(const struct check *c, uint32_t cluster)
{
    const uint8_t *page = pages_get(&c->seen, cluster / PAGE_BITS);
    return page && page[cluster % PAGE_BITS / 8] >> cluster % 8 & 1;
}

/* ---- crossings ---------------------------------------------------------------------------- */

static void crossing_report(struct check *c, uint32_t cluster, const char *path, const char *owner,
                            bool repaired)
{
    const char *result = repaired ? "; it now ends before that" : "";
    if (text_equal(path, owner))
        check_found(c, repaired, "%s: its cluster %u comes twice%s", path, cluster, result);
    else
        check_found(c, repaired, "%s: its cluster %u belongs to %s%s", path, cluster, owner,
                    result);
}

void check_crossed(struct check *c, uint32_t cluster, const char *path, bool repaired)
{
    if (c->names)
        return;
    if (!c->crossings)
        c->crossings = mem_zalloc(CHECK_CROSSINGS_MAX * sizeof(*c->crossings));
    if (!c->crossings || c->crossing_count == CHECK_CROSSINGS_MAX) {
        crossing_report(c, cluster, path, "another file, or comes twice", repaired);
        return;
    }
    struct check_crossing *crossing = &c->crossings[c->crossing_count++];
    crossing->cluster = cluster;
    crossing->repaired = repaired;
    path_keep(crossing->path, path);
}

status_t check_report_crossings(struct check *c, status_t (*visit)(struct check *c))
{
    const struct check_report counts = *c->report;
    bool repair = c->repair;
    if (!c->crossing_count)
        return 0;

    /* The same files have the same clusters again, except the crossings that were repaired. */
    pages_cut(&c->seen, 0);
    c->names = true;
    c->repair = false;
    status_t status = visit(c);
    c->names = false;
    c->repair = repair;
    *c->report = counts;

    for (unsigned i = 0; i < c->crossing_count; i++) {
        const struct check_crossing *crossing = &c->crossings[i];
        crossing_report(c, crossing->cluster, crossing->path,
                        *crossing->owner ? crossing->owner : "another file", crossing->repaired);
    }
    mem_free(c->crossings);
    c->crossings = NULL;
    c->crossing_count = 0;
    return status;
}
