/*
 * upcase.c - the up-case table: which names are equal (specification 7.2).
 */
#include "fs/exfat/exfat.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/utf8.h"

enum {
    UNITS = 65536,
    BYTES_MAX = UNITS * 2,
    RUN_MARK = 0xffff, /* the next number counts units that are their own upper case */
    PIECE_BYTES = 512,
};

uint32_t exfat_table_checksum(uint32_t sum, struct bytes data)
{
    for (size_t i = 0; i < data.length; i++)
        sum = (sum << 31 | sum >> 1) + data.data[i];
    return sum;
}

/* A table while it is decoded. */
struct decoding {
    uint16_t *table;
    unsigned next; /* unit */
    bool run;      /* the number that follows is a count */
    uint32_t sum;
};

static void take_number(struct decoding *d, uint16_t number)
{
    if (d->run) {
        d->next += number; /* they are set to themselves at first */
        d->run = false;
    } else if (number == RUN_MARK && d->next != RUN_MARK) {
        d->run = true;
    } else if (d->next < UNITS) {
        d->table[d->next++] = number;
    }
}

static status_t table_read(struct exfat *exfat, const struct runs *runs, struct decoding *d)
{
    uint8_t piece[PIECE_BYTES];
    uint64_t bytes = exfat->upcase_place.size_bytes;
    for (uint64_t at = 0; at < bytes; at += sizeof(piece)) {
        /* Clusters are multiples of a piece. */
        const struct run *run = runs_find(runs, at);
        size_t length = (size_t)min(bytes - at, (uint64_t)sizeof(piece));
        status_t status = run ? exfat_read(exfat, run->address + (at - run->offset_bytes), piece,
                                           length)
                              : -EUCLEAN;
        if (status)
            return status;

        struct bytes data = { piece, length };
        d->sum = exfat_table_checksum(d->sum, data);
        for (size_t i = 0; i + 1 < length; i += 2)
            take_number(d, bytes_le16(data, i));
    }
    return 0;
}

status_t exfat_upcase_load(struct exfat *exfat)
{
    struct runs runs = { 0 };
    if (exfat->upcase)
        return 0;
    uint64_t bytes = exfat->upcase_place.size_bytes;
    if (!bytes || bytes % 2 || bytes > BYTES_MAX)
        return -EUCLEAN;

    struct decoding d = { .table = mem_alloc(BYTES_MAX) };
    if (!d.table)
        return -ENOMEM;
    for (unsigned i = 0; i < UNITS; i++)
        d.table[i] = (uint16_t)i;

    /* Without the right table, names would get wrong hashes, and other systems not find them. */
    status_t status = exfat_chain_read(exfat, &exfat->upcase_place, false, &runs);
    if (!status)
        status = table_read(exfat, &runs, &d);
    if (!status && d.sum != exfat->upcase_checksum)
        status = -EUCLEAN;
    runs_free(&runs);
    if (status)
        mem_free(d.table);
    else
        exfat->upcase = d.table;
    return status;
}

uint16_t exfat_name_hash(const struct exfat *exfat, const struct wide_name *name)
{
    uint16_t hash = 0;
    for (unsigned i = 0; i < name->count; i++) {
        /* Of the upper case, a byte at a time (7.6.4). */
        uint16_t unit = exfat->upcase[name->units[i]];
        hash = (uint16_t)(((uint32_t)hash << 15 | hash >> 1) + (unit & 0xff));
        hash = (uint16_t)(((uint32_t)hash << 15 | hash >> 1) + (unit >> 8));
    }
    return hash;
}

/* ---- making a table ----------------------------------------------------------------------- */

/* Sets the upper case of all letters: of those that lib/utf8.h folds to one letter, the nearest
 * one, so that the names that are equal on the volume are equal in an index of names. */
static void table_fill(uint16_t *table)
{
    for (unsigned i = 0; i < UNITS; i++)
        table[i] = (uint16_t)i;
    for (unsigned i = 0; i < UNITS; i++) {
        uint32_t fold = unicode_fold(i);
        if (fold == i || fold >= UNITS)
            continue;
        uint32_t best = table[fold], distance = i > fold ? i - fold : fold - i;
        if (best == fold || distance < (best > fold ? best - fold : fold - best))
            table[fold] = (uint16_t)i;
    }

    /* The other upper cases of the same letter are equal too. */
    for (unsigned i = 0; i < UNITS; i++) {
        uint32_t fold = unicode_fold(i);
        if (fold != i && fold < UNITS)
            table[i] = table[fold];
    }
}

static size_t put_number(uint8_t *out, size_t bytes, unsigned number)
{
    bytes_put_le16(out + bytes, (uint16_t)number);
    return bytes + 2;
}

status_t exfat_upcase_encode(uint8_t *out, size_t *bytes)
{
    uint16_t *table = mem_alloc(BYTES_MAX);
    if (!table)
        return -ENOMEM;
    table_fill(table);

    /* Three or more units that are their own upper case cost two numbers. */
    *bytes = 0;
    for (unsigned i = 0, run; i < UNITS && *bytes < EXFAT_UPCASE_ROOM - 4; i += run) {
        for (run = 0; i + run < UNITS && table[i + run] == i + run;)
            run++;
        if (run > 2 || i + run == UNITS) {
            *bytes = put_number(out, *bytes, RUN_MARK);
            *bytes = put_number(out, *bytes, run);
        } else {
            *bytes = put_number(out, *bytes, table[i]);
            run = 1;
        }
    }
    mem_free(table);
    return 0;
}
