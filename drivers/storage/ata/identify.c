/*
 * identify.c - IDENTIFY data: 256 words in which a unit describes itself (ATA/ATAPI-6 8.15 and
 * 8.16, ACS-2 7.16). A word that a unit does not know is 0 in most of them, and 0xffff in some.
 */
#include "drivers/storage/ata/ata.h"
#include "kernel/dev/geometry.h"
#include "lib/macros.h"
#include "lib/text.h"

/* Indexes of words. */
enum {
    WORD_CONFIGURATION = 0, /* packet units: packet length 1:0, device type 12:8 */
    WORD_SERIAL = 10,
    WORD_FIRMWARE = 23,
    WORD_MODEL = 27,
    WORD_CAPABILITIES = 49,
    WORD_SECTORS_28 = 60,
    WORD_DMA_DIRECTION = 62,
    WORD_QUEUE_DEPTH = 75,
    WORD_SATA_CAPABILITIES = 76,
    WORD_SUPPORTED_2 = 83,
    WORD_ENABLED_1 = 85,
    WORD_ENABLED_3 = 87,
    WORD_SECTORS_48 = 100,
    WORD_SECTOR_SIZE = 106,
    WORD_SECTOR_WORDS = 117,
    WORD_SECURITY = 128,
    WORD_ROTATION = 217,
    WORD_INTEGRITY = 255,
};

/* Bits and fields of them. */
enum {
    CONFIGURATION_PACKET_MASK = 3,
    CONFIGURATION_PACKET_16 = 1,
    CONFIGURATION_REMOVABLE = 1 << 7,
    CONFIGURATION_TYPE_SHIFT = 8,
    CONFIGURATION_TYPE_MASK = 0x1f,
    CAPABILITY_DMA = 1 << 8,
    CAPABILITY_LBA = 1 << 9,
    DMA_DIRECTION_WANTED = 1 << 15,
    QUEUE_DEPTH_MASK = 0x1f, /* the depth less 1 */
    SATA_NCQ = 1 << 8,
    SUPPORTED_LBA48 = 1 << 10,
    SUPPORTED_FLUSH = 1 << 12,
    SUPPORTED_FLUSH_EXT = 1 << 13,
    ENABLED_WRITE_CACHE = 1 << 5,
    SECTOR_PHYSICAL_MASK = 0xf,  /* logical sectors in a physical one, as a power of two */
    SECTOR_LONG = 1 << 12,       /* words 117 and 118 have the size of a logical sector */
    SECTOR_MULTIPLE = 1 << 13,   /* a physical sector has several logical ones */
    SECURITY_LOCKED = 1 << 2,
    INTEGRITY_SIGNATURE = 0xa5,

    /* In words of features, bit 14 is 1 and bit 15 is 0 if the word is valid. */
    VALID_MASK = 3 << 14,
    VALID = 1 << 14,
};

enum {
    LBA28_SECTORS_MAX = 1 << 28,
    SECTOR_BYTES = 512,
    MODEL_BYTES = 40, /* the longest string */
};

static const uint64_t LBA48_SECTORS_MAX = (uint64_t)1 << 48;

/* Strings are stored in words, first character in the high byte. text[bytes] has room for all
 * characters and a NUL. */
static void decode_text(const uint16_t *words, char *text, size_t bytes)
{
    uint8_t field[MODEL_BYTES];
    for (size_t i = 0; i + 1 < bytes; i++)
        field[i] = (uint8_t)(i % 2 ? words[i / 2] : words[i / 2] >> 8);
    text_copy_field(text, bytes, field, bytes - 1);
}

/* Returns a word of features; 0 if the unit did not fill it. */
static unsigned valid_word(const uint16_t *words, unsigned index)
{
    return (words[index] & VALID_MASK) == VALID ? words[index] : 0;
}

static uint32_t double_word(const uint16_t *words, unsigned index)
{
    return words[index] | (uint32_t)words[index + 1] << 16;
}

/* The sizes of sectors (ACS-2 7.16.7.43, 7.16.7.49). */
static void decode_sector_sizes(const uint16_t *words, struct ata_identity *identity)
{
    unsigned size = valid_word(words, WORD_SECTOR_SIZE);
    identity->sector_bytes = SECTOR_BYTES;

    /* A number of words that overflows 32 bits as bytes is as invalid as 0. */
    if (size & SECTOR_LONG) {
        uint32_t sector_words = double_word(words, WORD_SECTOR_WORDS);
        identity->sector_bytes = sector_words <= UINT32_MAX / 2 ? sector_words * 2 : 0;
    }

    /* Only shown: a shift that loses bits does no harm. */
    unsigned shift = size & SECTOR_MULTIPLE ? size & SECTOR_PHYSICAL_MASK : 0;
    identity->physical_bytes = identity->sector_bytes << shift;
}

static void decode_disk(const uint16_t *words, struct ata_identity *identity)
{
    /* Words 82 to 84 share the validity of word 83, words 85 to 87 that of word 87. */
    unsigned supported = valid_word(words, WORD_SUPPORTED_2);
    bool enabled = valid_word(words, WORD_ENABLED_3);

    identity->lba = words[WORD_CAPABILITIES] & CAPABILITY_LBA;
    identity->lba48 = supported & SUPPORTED_LBA48;
    identity->sectors = double_word(words, WORD_SECTORS_28);
    if (identity->lba48)
        identity->sectors = double_word(words, WORD_SECTORS_48) |
                            (uint64_t)double_word(words, WORD_SECTORS_48 + 2) << 32;
    decode_sector_sizes(words, identity);

    /* Queued commands are extended ones. A parallel unit leaves word 76 at 0 or at 0xffff. */
    unsigned sata = words[WORD_SATA_CAPABILITIES];
    bool queued = identity->lba48 && sata != 0xffff && sata & SATA_NCQ;
    identity->queue_depth = queued ? (words[WORD_QUEUE_DEPTH] & QUEUE_DEPTH_MASK) + 1u : 0;

    identity->flush = supported & SUPPORTED_FLUSH;
    identity->flush_extended = identity->lba48 && supported & SUPPORTED_FLUSH_EXT;
    identity->write_cache = enabled && words[WORD_ENABLED_1] & ENABLED_WRITE_CACHE;

    identity->removable = words[WORD_CONFIGURATION] & CONFIGURATION_REMOVABLE;
    identity->locked = words[WORD_SECURITY] & SECURITY_LOCKED;
    identity->rotation = words[WORD_ROTATION] == 0xffff ? 0 : words[WORD_ROTATION];
}

/* The sum of all bytes is 0 if there is a checksum (ACS-2 7.16.7.88). */
static bool checksum_is_right(const uint16_t *words)
{
    uint8_t sum = 0;
    if ((words[WORD_INTEGRITY] & 0xff) != INTEGRITY_SIGNATURE)
        return true;

    for (unsigned i = 0; i < ATA_IDENTIFY_WORDS; i++)
        sum = (uint8_t)(sum + words[i] + (words[i] >> 8));
    return !sum;
}

bool ata_identify_decode(const uint16_t words[ATA_IDENTIFY_WORDS], struct ata_identity *identity)
{
    unsigned configuration = words[WORD_CONFIGURATION];
    bool long_packet = (configuration & CONFIGURATION_PACKET_MASK) == CONFIGURATION_PACKET_16;

    decode_text(words + WORD_MODEL, identity->model, sizeof(identity->model));
    decode_text(words + WORD_FIRMWARE, identity->firmware, sizeof(identity->firmware));
    decode_text(words + WORD_SERIAL, identity->serial, sizeof(identity->serial));
    identity->dma = words[WORD_CAPABILITIES] & CAPABILITY_DMA;

    /* Which of the two is meant, the signature has shown: both are decoded. */
    identity->device_type = configuration >> CONFIGURATION_TYPE_SHIFT & CONFIGURATION_TYPE_MASK;
    identity->packet_bytes = long_packet ? 16 : 12;
    identity->dma_direction = words[WORD_DMA_DIRECTION] & DMA_DIRECTION_WANTED;
    decode_disk(words, identity);
    return checksum_is_right(words);
}

const char *ata_identity_fault(const struct ata_identity *identity)
{
    uint64_t most = identity->lba48 ? LBA48_SECTORS_MAX : LBA28_SECTORS_MAX;

    if (!identity->lba)
        return "it has no LBA";
    if (!identity->sectors)
        return "it reports 0 sectors";
    if (identity->sectors > most)
        return "it reports more sectors than it can address";
    if (!block_bytes_valid(identity->sector_bytes))
        return "its sectors are not of 512 to 4096 bytes";
    return NULL;
}
