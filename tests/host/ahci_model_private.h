/*
 * ahci_model_private.h - what the two files of the model of an AHCI controller share.
 *
 *   ahci_model.c       the controller: registers, links, the command list, interrupts
 *   ahci_model_unit.c  the units: what a command does, and its data
 */
#ifndef TESTS_HOST_AHCI_MODEL_PRIVATE_H
#define TESTS_HOST_AHCI_MODEL_PRIVATE_H

#include "tests/host/ahci_model.h"

enum {
    READ_LOG_EXT = 0x2f, READ_FPDMA = 0x60, WRITE_FPDMA = 0x61, PACKET = 0xa0,
    IDENTIFY_PACKET = 0xa1, READ_DMA = 0xc8, READ_DMA_EXT = 0x25, WRITE_DMA = 0xca,
    WRITE_DMA_EXT = 0x35, FLUSH = 0xe7, FLUSH_EXT = 0xea, IDENTIFY = 0xec,

    STATUS_GOOD = 0x50, STATUS_ERR = 0x51, STATUS_BUSY = 0x80, ERROR_ABRT = 4, ERROR_IDNF = 0x10,
};

/* What the controller knows of a command while it processes it. */
struct ahci_model_carried {
    struct ahci_model_port *port;
    unsigned slot;
    uint8_t *header;
    const uint8_t *fis;
    uint8_t operation;
    bool queued;
    struct ahci_model_step step;
    uint8_t status, error;
    uint32_t events, done_bytes;
    bool hang;
};

static inline uint32_t get32(const uint8_t *at)
{
    return (uint32_t)(at[0] | at[1] << 8 | at[2] << 16) | (uint32_t)at[3] << 24;
}

static inline void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> i * 8);
}

static inline uint8_t *ahci_model_memory_at(struct ahci_model *model, uint32_t low, uint32_t high)
{
    return pci_model_dma(&model->pci, (uint64_t)high << 32 | low);
}

/* Carries the command out: its data are moved, but its end is not reported. */
void ahci_model_carry_out(struct ahci_model *model, struct ahci_model_carried *carried);
/* Fills the log of queued errors, whose bytes add up to 0. */
void ahci_model_fill_log(struct ahci_model_carried *carried);

#endif
