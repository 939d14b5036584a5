/* drive.c - READ(10) by PACKET and bus master DMA. See bare.h. */
#include "kernel/port.h"
#include "tests/bench/bare/bare.h"

enum {
    CHANNEL = 1,
    COUNT_LOW = IDE_ADDRESS + 1,
    COUNT_HIGH = IDE_ADDRESS + 2,
    FEATURE_DMA = 1,
    COMMAND_PACKET = 0xa0,

    REQUEST_SENSE = 0x03,
    SENSE_BYTES = 18,
    READ_10 = 0x28,
};

void drive_start(void)
{
    channel_start(CHANNEL);
}

/* Sends a packet command that reads `bytes` bytes by DMA. Returns the drive's status after it. */
static uint8_t packet(const uint8_t bytes_of[12], uint32_t physical, uint32_t bytes)
{
    channel_prepare(physical, bytes, true);
    channel_write(IDE_FEATURES, FEATURE_DMA);
    channel_write(COUNT_LOW, 0xfe);
    channel_write(COUNT_HIGH, 0xff);
    channel_write(IDE_COMMAND, COMMAND_PACKET);
    channel_wait(IDE_STATUS_REQUEST);
    channel_send(bytes_of);

    /* The data transfer starts only when both the packet and the bus master are ready. */
    return channel_transfer(true);
}

/* The first command after power-on fails with unit attention: the sense data is read, which clears
 * it, and the command is sent again. */
void drive_read(uint32_t block, uint32_t blocks, uint32_t physical)
{
    static const uint8_t sense[12] = { REQUEST_SENSE, [4] = SENSE_BYTES };
    const uint8_t read[12] = {
        READ_10,
        [2] = (uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8), (uint8_t)block,
        [7] = (uint8_t)(blocks >> 8), (uint8_t)blocks,
    };
    for (int tries = 0; tries < 3; tries++) {
        if (!(packet(read, physical, blocks * BLOCK_BYTES) & IDE_STATUS_ERROR))
            return;
        (void)packet(sense, physical, SENSE_BYTES);
    }
    panic("drive: cannot read block %u", block);
}
