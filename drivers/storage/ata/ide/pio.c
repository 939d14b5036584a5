/*
 * pio.c - data through the data register, which moves words of 16 bits.
 *
 * A piece of memory may end inside a word, whose second byte then belongs to the next piece.
 */
#include "drivers/storage/ata/ide/ide.h"
#include "lib/macros.h"
#include "lib/string.h"

enum { DRAIN_WORDS_MAX = 0x8000 }; /* a burst of a packet, or 128 sectors */

static bool is_aligned(const void *memory)
{
    return (uintptr_t)memory % sizeof(uint16_t) == 0;
}

static void take_word(struct ide_channel *channel, struct ata_data *data, uint32_t bytes)
{
    /* The first byte of the data is in the lower half. */
    uint16_t word = register_read16(&channel->place.command, IDE_DATA);
    uint8_t *memory;
    for (unsigned i = 0; i < bytes && ata_data_next(data, 1, &memory); i++)
        *memory = (uint8_t)(word >> 8 * i);
}

static void give_word(struct ide_channel *channel, struct ata_data *data, uint32_t bytes)
{
    uint16_t word = 0;
    uint8_t *memory;
    for (unsigned i = 0; i < bytes && ata_data_next(data, 1, &memory); i++)
        word = (uint16_t)(word | *memory << 8 * i);
    register_write16(&channel->place.command, IDE_DATA, word);
}

/* Returns the number of whole words that can be moved at once, and steps over their memory. */
static uint32_t next_words(struct ata_data *data, uint32_t bytes, uint16_t **words)
{
    uint8_t *memory;

    /* Not beyond the last whole word; the rest is moved byte by byte. */
    uint32_t count = ata_data_peek(data, bytes, &memory) / 2;
    if (!count || !is_aligned(memory))
        return 0;
    ata_data_step(data, count * 2);
    *words = (uint16_t *)(void *)memory;
    return count;
}

void ide_take(struct ide_channel *channel, struct ata_data *data, uint32_t bytes)
{
    const struct registers *window = &channel->place.command;
    while (bytes) {
        uint16_t *words;
        uint32_t count = next_words(data, bytes, &words), odd = min(bytes, 2u);
        if (count)
            register_read_words(window, IDE_DATA, words, count);
        else
            take_word(channel, data, odd);
        bytes -= count ? count * 2 : odd;
    }
}

void ide_give(struct ide_channel *channel, struct ata_data *data, uint32_t bytes)
{
    const struct registers *window = &channel->place.command;
    while (bytes) {
        uint16_t *words;
        uint32_t count = next_words(data, bytes, &words), odd = min(bytes, 2u);
        if (count)
            register_write_words(window, IDE_DATA, words, count);
        else
            give_word(channel, data, odd);
        bytes -= count ? count * 2 : odd;
    }
}

void ide_give_packet(struct ide_channel *channel, const uint8_t cdb[SCSI_CDB_BYTES],
                     uint32_t bytes)
{
    uint16_t words[SCSI_CDB_BYTES / 2];
    memcpy(words, cdb, sizeof(words));
    register_write_words(&channel->place.command, IDE_DATA, words, bytes / 2);
}

void ide_drain(struct ide_channel *channel)
{
    for (unsigned i = 0; i < DRAIN_WORDS_MAX && ide_status(channel) & ATA_STATUS_DRQ; i++)
        (void)register_read16(&channel->place.command, IDE_DATA);
}
