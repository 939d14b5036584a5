/*
 * mutate.c - changes to an input of fuzz_mount that know the structures of a disc.
 *
 * Most random changes of bytes are refused by the first check. These changes apply to what a reader
 * acts on: lengths, numbers in both byte orders that name sectors, flags, tags, and pointers from
 * one structure to another; they also move whole records, entries and sectors.
 */
#include <string.h>

#include "lib/macros.h"
#include "tests/fuzz/fuzz.h"

enum { CHUNKS_MAX = 256, RECORD_BYTES_MIN = 34 };

struct chunk {
    unsigned sector, length;
    uint8_t data[FUZZ_SECTOR_BYTES];
};

static struct {
    uint8_t header[FUZZ_HEADER_BYTES];
    struct chunk chunks[CHUNKS_MAX];
    unsigned count;
    uint64_t random;
} disc;

static unsigned pick(unsigned below)
{
    disc.random = disc.random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(disc.random >> 33) % below;
}

/* ---- form --------------------------------------------------------------------------------- */

static void disc_parse(const uint8_t *data, size_t bytes)
{
    disc.count = 0;
    memcpy(disc.header, "SPZ1\0\2\0\0", FUZZ_HEADER_BYTES);
    if (bytes >= FUZZ_HEADER_BYTES)
        memcpy(disc.header + FUZZ_BLOCKS, data + FUZZ_BLOCKS, FUZZ_HEADER_BYTES - FUZZ_BLOCKS);
    for (size_t at = FUZZ_HEADER_BYTES; at + FUZZ_CHUNK_BYTES <= bytes;) {
        if (disc.count == CHUNKS_MAX)
            break;
        struct chunk *chunk = &disc.chunks[disc.count++];
        size_t length = data[at + 2] | (size_t)data[at + 3] << 8;
        chunk->sector = data[at] | (unsigned)data[at + 1] << 8;
        at += FUZZ_CHUNK_BYTES;
        length = min(length, FUZZ_SECTOR_BYTES);
        length = min(length, bytes - at);
        memset(chunk->data, 0, sizeof(chunk->data));
        memcpy(chunk->data, data + at, length);
        chunk->length = (unsigned)length;
        at += length;
    }
}

static size_t disc_write(uint8_t *data, size_t room)
{
    memcpy(data, disc.header, FUZZ_HEADER_BYTES);
    size_t at = FUZZ_HEADER_BYTES;
    for (unsigned i = 0; i < disc.count; i++) {
        const struct chunk *chunk = &disc.chunks[i];
        unsigned length = chunk->length;
        while (length && !chunk->data[length - 1])
            length--;
        if (at + FUZZ_CHUNK_BYTES + length > room)
            break;
        data[at] = (uint8_t)chunk->sector;
        data[at + 1] = (uint8_t)(chunk->sector >> 8);
        data[at + 2] = (uint8_t)length;
        data[at + 3] = (uint8_t)(length >> 8);
        memcpy(data + at + FUZZ_CHUNK_BYTES, chunk->data, length);
        at += FUZZ_CHUNK_BYTES + length;
    }
    return at;
}

/* ---- numbers ------------------------------------------------------------------------------ */

static uint32_t some_number(const struct chunk *chunk)
{
    static const uint32_t edges[] = { 0, 1, 2, 24, 33, 34, 127, 128, 254, 255, 256, 2047, 2048,
                                      2049, 4096, 32768, 65535, 65536, 0x1fffff, 0x200000,
                                      0x7fffffff, 0x80000000, 0xfffff800, 0xffffffff };
    switch (pick(5)) {
    case 0: return chunk->sector;
    case 1: return disc.chunks[pick(disc.count)].sector;
    case 2: return pick(16) * FUZZ_SECTOR_BYTES;
    case 3: return pick(300);
    default: return edges[pick(ARRAY_LENGTH(edges))];
    }
}

static void put_byte(struct chunk *chunk, unsigned at, unsigned value)
{
    if (at >= FUZZ_SECTOR_BYTES)
        return;
    chunk->data[at] = (uint8_t)value;
    if (chunk->length <= at)
        chunk->length = at + 1;
}

/* 7.3.3: little-endian, then big-endian; now and then the two differ. */
static void put_both(struct chunk *chunk, unsigned at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        put_byte(chunk, at + i, value >> 8 * i);
    if (pick(16))
        for (unsigned i = 0; i < 4; i++)
            put_byte(chunk, at + 4 + i, value >> 8 * (3 - i));
}

static unsigned some_byte(unsigned old)
{
    static const uint8_t edges[] = { 0, 1, 2, 3, 4, 5, 7, 8, 14, 15, 33, 34, 0x7f, 0x80, 0xff };
    switch (pick(4)) {
    case 0: return old ^ 1u << pick(8);
    case 1: return old + 1;
    case 2: return old - 1;
    default: return edges[pick(sizeof(edges))];
    }
}

/* Opens or closes a gap of `count` bytes. */
static void shift(struct chunk *chunk, unsigned at, int count)
{
    unsigned bytes = (unsigned)(count < 0 ? -count : count);
    if (at + bytes >= FUZZ_SECTOR_BYTES)
        return;
    unsigned rest = FUZZ_SECTOR_BYTES - at - bytes;
    if (count > 0) {
        memmove(chunk->data + at + bytes, chunk->data + at, rest);
        chunk->length = chunk->length + bytes < FUZZ_SECTOR_BYTES ? chunk->length + bytes
                                                                  : FUZZ_SECTOR_BYTES;
    } else {
        memmove(chunk->data + at, chunk->data + at + bytes, rest);
        memset(chunk->data + at + rest, 0, bytes);
    }
}

/* ---- directory records -------------------------------------------------------------------- */

/* One of the records of the chunk, as its offset; -1 when it does not begin with any. */
static int some_record(const struct chunk *chunk)
{
    unsigned count = 0;
    int found = -1;
    for (unsigned at = 0; at + RECORD_BYTES_MIN <= chunk->length;) {
        unsigned length = chunk->data[at];
        if (length < RECORD_BYTES_MIN || at + length > FUZZ_SECTOR_BYTES)
            break;
        if (pick(++count) == 0)
            found = (int)at;
        at += length;
    }
    return found;
}

static unsigned records_end(const struct chunk *chunk)
{
    unsigned at = 0;
    while (at < chunk->length && chunk->data[at] >= RECORD_BYTES_MIN &&
           at + chunk->data[at] <= FUZZ_SECTOR_BYTES)
        at += chunk->data[at];
    return at;
}

/* Another record of the disc behind those of this chunk. */
static void append_record(struct chunk *chunk)
{
    const struct chunk *from = &disc.chunks[pick(disc.count)];
    int record = some_record(from);
    unsigned at = records_end(chunk);
    if (record < 0 || at + from->data[record] > FUZZ_SECTOR_BYTES)
        return;
    unsigned length = from->data[record];
    memmove(chunk->data + at, from->data + record, length);
    chunk->length = max(chunk->length, at + length);
}

static void change_record(struct chunk *chunk)
{
    int found = some_record(chunk);
    if (found < 0)
        return;
    unsigned at = (unsigned)found;
    static const uint8_t bytes_of_interest[] = { 0, 1, 18, 25, 25, 25, 26, 27, 28, 32, 33, 34 };
    switch (pick(6)) {
    case 0: put_both(chunk, at + 2, some_number(chunk)); break;
    case 1: put_both(chunk, at + 10, some_number(chunk)); break;
    case 2: append_record(chunk); break;
    case 3: shift(chunk, at, -(int)chunk->data[at]); break;
    default: {
        unsigned where = at + bytes_of_interest[pick(sizeof(bytes_of_interest))];
        put_byte(chunk, where, some_byte(chunk->data[where % FUZZ_SECTOR_BYTES]));
    }
    }
}

/* ---- system use entries ------------------------------------------------------------------- */

static const char tags[][3] = { "CE", "SP", "ST", "ER", "ES", "PX", "PN", "SL", "NM", "CL", "PL",
                                "RE", "TF", "SF", "ZF", "AL", "AS", "PD", "RR" };

enum { TAG_COUNT = ARRAY_LENGTH(tags) };

static int some_entry(const struct chunk *chunk)
{
    unsigned count = 0;
    int found = -1;
    for (unsigned at = 0; at + 4 <= chunk->length; at++)
        for (unsigned i = 0; i < TAG_COUNT; i++)
            if (!memcmp(chunk->data + at, tags[i], 2) && chunk->data[at + 3] == 1 &&
                pick(++count) == 0)
                found = (int)at;
    return found;
}

/* A new entry before this one; the record that holds it, if any, grows. */
static void insert_entry(struct chunk *chunk, unsigned at)
{
    unsigned length = 4 + pick(40), record = 0;
    while (record < at && chunk->data[record] >= RECORD_BYTES_MIN &&
           record + chunk->data[record] <= at)
        record += chunk->data[record];
    if (at + length >= FUZZ_SECTOR_BYTES)
        return;
    if (chunk->data[record] >= RECORD_BYTES_MIN && chunk->data[record] + length <= 255)
        chunk->data[record] = (uint8_t)(chunk->data[record] + length);
    shift(chunk, at, (int)length);
    memcpy(chunk->data + at, tags[pick(TAG_COUNT)], 2);
    put_byte(chunk, at + 2, length);
    put_byte(chunk, at + 3, 1);
    for (unsigned i = 4; i + 8 <= length; i += 8)
        put_both(chunk, at + i, some_number(chunk));
}

static void change_entry(struct chunk *chunk)
{
    int found = some_entry(chunk);
    if (found < 0)
        return;
    unsigned at = (unsigned)found, field = at + 4 + 8 * pick(4);
    switch (pick(6)) {
    case 0: memcpy(chunk->data + at, tags[pick(TAG_COUNT)], 2); break;
    case 1: put_byte(chunk, at + 2, some_byte(chunk->data[at + 2])); break;
    case 2: put_byte(chunk, at + 4, some_byte(chunk->data[at + 4])); break;
    case 3: insert_entry(chunk, at); break;
    case 4: field = at + 4 + pick(12);
        put_byte(chunk, field, some_byte(chunk->data[field % FUZZ_SECTOR_BYTES])); break;
    default: put_both(chunk, field, some_number(chunk)); break;
    }
}

/* ---- sectors and the disc ----------------------------------------------------------------- */

/* What a volume descriptor says that counts: type, version, escapes, block size, root record. */
static void change_descriptor(struct chunk *chunk)
{
    static const uint8_t places[] = { 0, 6, 88, 89, 90, 128, 129, 156, 157, 181, 188, 189 };
    unsigned at = places[pick(sizeof(places))];
    if (memcmp(chunk->data + 1, "CD001", 5) != 0)
        return;
    switch (pick(4)) {
    case 0: put_both(chunk, 158, some_number(chunk)); break;
    case 1: put_both(chunk, 166, some_number(chunk)); break;
    case 2: put_byte(chunk, 129, pick(2) ? 2 : 4), put_byte(chunk, 130, chunk->data[129]); break;
    default: put_byte(chunk, at, some_byte(chunk->data[at])); break;
    }
}

static void copy_chunk(const struct chunk *chunk)
{
    if (disc.count == CHUNKS_MAX)
        return;
    struct chunk *fresh = &disc.chunks[disc.count++];
    *fresh = *chunk;
    fresh->sector = pick(2) ? chunk->sector + 1 : 16 + pick(64);
}

static void remove_chunk(struct chunk *chunk)
{
    if (disc.count > 1)
        *chunk = disc.chunks[--disc.count];
}

/* Bytes of one sector over those of another. */
static void splice(struct chunk *chunk)
{
    const struct chunk *from = &disc.chunks[pick(disc.count)];
    unsigned length = 1 + pick(256), at = pick(FUZZ_SECTOR_BYTES - length);
    unsigned source = pick(FUZZ_SECTOR_BYTES - length);
    memmove(chunk->data + at, from->data + source, length);
    chunk->length = max(chunk->length, at + length);
}

static void change_header(void)
{
    unsigned at = FUZZ_BLOCKS + pick(4);
    disc.header[at] = (uint8_t)(pick(3) ? some_byte(disc.header[at]) : pick(256));
    if (pick(4))
        disc.header[FUZZ_FAIL] = 0; /* most runs shall be whole */
}

static void change(void)
{
    struct chunk *chunk = &disc.chunks[pick(disc.count)];
    switch (pick(14)) {
    case 0: case 1: case 2: case 3: change_record(chunk); break;
    case 4: case 5: case 6: case 7: change_entry(chunk); break;
    case 8: change_descriptor(&disc.chunks[0]); break;
    case 9: copy_chunk(chunk); break;
    case 10: pick(3) ? splice(chunk) : remove_chunk(chunk); break;
    case 11: change_header(); break;
    case 12: put_both(chunk, pick(1020) * 2, some_number(chunk)); break;
    default:
        chunk->length = (unsigned)LLVMFuzzerMutate(chunk->data, chunk->length,
                                                   FUZZ_SECTOR_BYTES);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t bytes, size_t room, unsigned seed)
{
    if (room < FUZZ_HEADER_BYTES)
        return 0;
    disc.random = seed;
    disc_parse(data, bytes);
    if (!disc.count)
        disc.chunks[disc.count++] = (struct chunk){ .sector = 16 };
    for (unsigned n = 1 + pick(4); n; n--)
        change();
    return disc_write(data, room);
}
