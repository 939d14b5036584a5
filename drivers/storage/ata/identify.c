/*
 * identify.c - IDENTIFY data: 256 words in which a unit describes itself (ATA/ATAPI-6 8.15, 8.16).
 */
#include "drivers/storage/ata/ata.h"

/* Indexes of words. */
enum {
    WORD_CONFIGURATION = 0, /* packet units: packet length 1:0, device type 12:8 */
    WORD_SERIAL = 10,
    WORD_FIRMWARE = 23,
    WORD_MODEL = 27,
    WORD_CAPABILITIES = 49,
    WORD_DMA_DIRECTION = 62,

    CONFIGURATION_PACKET_MASK = 3,
    CONFIGURATION_PACKET_16 = 1,
    CONFIGURATION_TYPE_SHIFT = 8,
    CONFIGURATION_TYPE_MASK = 0x1f,
    CAPABILITY_DMA = 1 << 8,
    DMA_DIRECTION_WANTED = 1 << 15,
};

/* Strings are stored in words, first character in the high byte, padded with spaces. Some units pad
 * with other bytes, or end the string early with a zero. */
static void decode_text(const uint16_t *words, char *text, size_t bytes)
{
    size_t length = 0, end = 0;
    for (size_t i = 0; i + 1 < bytes; i++) {
        /* `bytes` counts the terminator, so a text of n words has room for all of its
         * 2n characters. */
        char c = (char)(i % 2 ? words[i / 2] & 0xff : words[i / 2] >> 8);

        if (!c)
            break;

        /* The text goes to the log and to the console: no control characters of the unit
         * may get there. */
        if (c < ' ' || c > '~')
            c = '?';

        /* Some units align their text to the right. */
        if (c == ' ' && !length)
            continue;

        /* `end` is after the last character that is not a space: the padding is cut off there. */
        text[length++] = c;
        if (c != ' ')
            end = length;
    }
    text[end] = '\0';
}

void ata_identify_decode(const uint16_t words[ATA_IDENTIFY_WORDS], struct ata_identity *identity)
{
    unsigned configuration = words[WORD_CONFIGURATION];
    bool long_packet = (configuration & CONFIGURATION_PACKET_MASK) == CONFIGURATION_PACKET_16;

    decode_text(words + WORD_MODEL, identity->model, sizeof(identity->model));
    decode_text(words + WORD_FIRMWARE, identity->firmware, sizeof(identity->firmware));
    decode_text(words + WORD_SERIAL, identity->serial, sizeof(identity->serial));

    /* Packet units report the rest here too; for a disk only the DMA bit means anything. */
    identity->dma = words[WORD_CAPABILITIES] & CAPABILITY_DMA;
    identity->device_type = configuration >> CONFIGURATION_TYPE_SHIFT & CONFIGURATION_TYPE_MASK;
    identity->packet_bytes = long_packet ? 16 : 12;
    identity->dma_direction = words[WORD_DMA_DIRECTION] & DMA_DIRECTION_WANTED;
}
