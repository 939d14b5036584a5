/*
 * check.c - findings, and clusters that were seen. See check.h.
 */
#include "kernel/vfs/layout/check.h"
#include "lib/format.h"

enum { PAGE_BITS = PAGE_BYTES * 8 };

void check_found(struct check *c, bool repaired, const char *format, ...)
{
    char text[CHECK_LINE_BYTES];
    va_list arguments;
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

bool check_mark(struct check *c, uint32_t cluster, status_t *status)
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
    return fresh;
}

bool check_is_marked(const struct check *c, uint32_t cluster)
{
    const uint8_t *page = pages_get(&c->seen, cluster / PAGE_BITS);
    return page && page[cluster % PAGE_BITS / 8] >> cluster % 8 & 1;
}
