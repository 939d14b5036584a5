/*
 * table.c - chooses the scheme of a partition table.
 */
#include "lib/partition/decode.h"
#include "lib/macros.h"
#include "lib/string.h"

const char *partition_scheme_name(enum partition_scheme scheme)
{
    static const char *const names[] = {
        [PARTITION_NONE] = "none", [PARTITION_MBR] = "MBR", [PARTITION_GPT] = "GPT"
    };
    return names[scheme];
}

status_t partition_table_read(struct partition_source *source, struct partition_table *table)
{
    struct decoder decoder = { .source = source, .table = table };
    struct bytes sector;
    struct mbr mbr;

    /* The list is empty also after an error. */
    table->scheme = PARTITION_NONE;
    table->count = table->chain_length = table->notes = 0;

    /* On a medium shorter than a sector there is no table. */
    decoder_set_sector(&decoder, source->sector_bytes);
    if (!decoder.sectors)
        return 0;
    status_t status = decoder_read(&decoder, 0, 1, &sector);
    if (status)
        return status;

    /* The decoders read into the same memory. */
    memcpy(mbr.bytes, sector.data, sizeof(mbr.bytes));
    if (!mbr_is_table(&mbr))
        return 0;

    /* UEFI 5.2.3: a GPT is valid only with a protective MBR. Without one it is a remnant. */
    if (mbr_is_protective(&mbr) && gpt_decode(&decoder)) {
        table->scheme = PARTITION_GPT;
        return 0;
    }
    decoder_set_sector(&decoder, source->sector_bytes);

    /* Its entries are used also if a GPT was announced and is invalid: they may be those of a
     * hybrid MBR. */
    table->scheme = PARTITION_MBR;
    mbr_decode(&decoder, &mbr);
    return 0;
}

bool partition_is_volume(struct partition_source *source, struct partition_table *table)
{
    enum { DESCRIPTOR_OFFSET = 16 * 2048 }; /* ECMA-119 6.2.1: the first block of the data area */
    struct decoder decoder = { .source = source, .table = table };
    struct bytes b;

    /* Read in pieces that are whole sectors of any size. */
    decoder_set_sector(&decoder, PARTITION_PIECE_BYTES);
    return !decoder_read(&decoder, DESCRIPTOR_OFFSET / PARTITION_PIECE_BYTES, 1, &b) &&
           memcmp(b.data + 1, "CD001", 5) == 0;
}
