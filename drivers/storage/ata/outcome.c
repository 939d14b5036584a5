/*
 * outcome.c - what the end of a command means: a table over the status and error registers.
 */
#include "drivers/storage/ata/ata.h"
#include "lib/macros.h"

struct ata_rule {
    uint8_t status, error; /* bits of the registers, one of which must be set; 0: any value */
    enum ata_action action;
    status_t result;
    const char *why;
};

/* The first rule that matches decides. The error register is valid only beside ERR, and several of
 * its bits may be set: ABRT comes with most of the others. */
static const struct ata_rule ata_rules[] = {
    { ATA_STATUS_ERR, ATA_ERROR_ICRC, ATA_ACTION_RETRY, -EIO, "damaged on the cable" },
    { ATA_STATUS_ERR, ATA_ERROR_UNC, ATA_ACTION_MEDIUM, -EIO, "uncorrectable error" },
    { ATA_STATUS_ERR, ATA_ERROR_IDNF, ATA_ACTION_MEDIUM, -EIO, "sector not found" },
    { ATA_STATUS_ERR, ATA_ERROR_NM, ATA_ACTION_REFUSE, -ENOMEDIUM, "no medium" },
    { ATA_STATUS_ERR, ATA_ERROR_ABRT, ATA_ACTION_RETRY, -EIO, "command aborted" },
    { ATA_STATUS_DF, 0, ATA_ACTION_RETRY, -EIO, "device fault" },
    { ATA_STATUS_ERR, 0, ATA_ACTION_RETRY, -EIO, "unspecified error" },
};

/* Returns the outcome of a command that the unit did not end. */
static struct ata_outcome transport_outcome(const struct ata_command *command)
{
    switch (command->base.status) {
    case -EIO:
        if (command->base.interrupted)
            return (struct ata_outcome){ ATA_ACTION_AGAIN, -EIO, "interrupted by a reset" };
        return (struct ata_outcome){ ATA_ACTION_RETRY, -EIO, "transfer failed" };
    case -ETIMEDOUT:
        return (struct ata_outcome){ ATA_ACTION_LATE, -ETIMEDOUT, "no answer" };
    default:
        return (struct ata_outcome){ ATA_ACTION_REFUSE, command->base.status, "not carried out" };
    }
}

struct ata_outcome ata_outcome(const struct ata_command *command)
{
    const struct ata_result *result = &command->result;
    if (!command->base.status)
        return (struct ata_outcome){ ATA_ACTION_DONE, 0, "" };
    if (command->base.status != -EIO || !result->valid)
        return transport_outcome(command);

    for (unsigned i = 0; i < ARRAY_LENGTH(ata_rules); i++) {
        const struct ata_rule *rule = &ata_rules[i];
        if (result->status & rule->status && (!rule->error || result->error & rule->error))
            return (struct ata_outcome){ rule->action, rule->result, rule->why };
    }

    /* The transport found the end of the command wrong, such as by less data than expected. */
    return (struct ata_outcome){ ATA_ACTION_RETRY, -EIO, "transfer failed" };
}
