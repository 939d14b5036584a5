/*
 * transfer.h - io transfers as SCSI commands: READ, WRITE and SYNCHRONIZE CACHE.
 *
 * Model       A transfer becomes one command, which is repeated where that may help, and ends once.
 *             `transfer_answers` in transfer.c lists what each failure leads to. Everything happens
 *             in callbacks on the channel's worker, and nothing is allocated: the command is stored
 *             in the transfer's driver_data.
 * Bad blocks  A command of many blocks that meets a bad one has a good part before it. The unit may
 *             name the bad block, but it does not report whether the good part was transferred.
 *             That part is therefore transferred again by itself, and reported only if that worked.
 * Flush       A unit that does not know SYNCHRONIZE CACHE counts as one without a cache, after a
 *             warning.
 * References  SBC-3 5.8 (READ), 5.20 (SYNCHRONIZE CACHE), 5.32 (WRITE), 4.18.3 (information field).
 */
#ifndef DRIVERS_STORAGE_SCSI_TRANSFER_H
#define DRIVERS_STORAGE_SCSI_TRANSFER_H

#include "drivers/storage/scsi/command.h"

/* A transfer's driver_data. */
struct scsi_transfer {
    struct scsi_client *client;
    struct io_transfer *transfer;
    uint32_t block_bytes;
    uint8_t tries[SENSE_ACTIONS]; /* how often each kind of answer was followed by another try */
    uint8_t interruptions;        /* by resets for other commands */
    bool prefix_only;             /* the good part before a bad block is being transferred */
    struct scsi_command command;  /* last, since its sense data are not cleared */
};

/* Sends the transfer's command. The driver has ended those that it refuses. */
void scsi_transfer_start(struct scsi_client *client, struct io_transfer *transfer);

#endif
