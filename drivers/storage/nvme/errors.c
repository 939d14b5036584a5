/*
 * errors.c - what the status of a completion means: an errno, and what to do about it.
 *
 * The table has the codes that a driver of the NVM command set may get (NVMe 1.4, 4.6.1.2). A code
 * that is not in it is an error that is not repeated, since its meaning is unknown.
 */
#include "drivers/storage/nvme/nvme.h"
#include "lib/macros.h"

static const struct {
    uint16_t code;
    status_t status;
    enum nvme_action action;
    const char *text;
} answers[] = {
    { NVME_INVALID_OPCODE, -EOPNOTSUPP, NVME_FAIL, "invalid opcode" },
    { NVME_INVALID_FIELD, -EIO, NVME_FAIL, "invalid field" },
    { NVME_TRANSFER_ERROR, -EIO, NVME_RETRY, "data transfer error" },
    { NVME_POWER_LOSS, -EIO, NVME_RETRY, "power loss" },
    { NVME_INTERNAL_ERROR, -EIO, NVME_RETRY, "internal error" },
    { NVME_ABORT_REQUESTED, -ETIMEDOUT, NVME_FAIL, "aborted" },
    { NVME_QUEUE_DELETED, -EIO, NVME_RETRY, "queue deleted" },
    { NVME_INTERRUPTED, -EIO, NVME_RETRY, "interrupted" },
    { NVME_TRANSIENT_ERROR, -EIO, NVME_RETRY, "transient transport error" },

    /* The namespace was detached, resized or formatted: its attributes are read again. */
    { NVME_INVALID_NAMESPACE, -ENODEV, NVME_RESCAN, "invalid namespace" },
    { NVME_LBA_OUT_OF_RANGE, -EIO, NVME_RESCAN, "block out of range" },
    { NVME_FORMAT_IN_PROGRESS, -EBUSY, NVME_FAIL, "format in progress" },
    { NVME_NAMESPACE_NOT_READY, -EBUSY, NVME_RETRY, "namespace not ready" },

    { NVME_WRITE_PROTECTED, -EROFS, NVME_FAIL, "namespace is write protected" },
    { NVME_READ_ONLY_RANGE, -EROFS, NVME_FAIL, "write to a read-only range" },
    { NVME_CAPACITY_EXCEEDED, -ENOSPC, NVME_FAIL, "capacity exceeded" },
    { NVME_RESERVATION_CONFLICT, -EBUSY, NVME_FAIL, "reservation conflict" },
    { NVME_ACCESS_DENIED, -EACCES, NVME_FAIL, "access denied" },

    { NVME_WRITE_FAULT, -EIO, NVME_MEDIUM, "write fault" },
    { NVME_UNRECOVERED_READ, -EIO, NVME_MEDIUM, "unrecovered read error" },
    { NVME_GUARD_CHECK, -EIO, NVME_MEDIUM, "guard check error" },
    { NVME_APPLICATION_TAG_CHECK, -EIO, NVME_MEDIUM, "application tag check error" },
    { NVME_REFERENCE_TAG_CHECK, -EIO, NVME_MEDIUM, "reference tag check error" },
    { NVME_UNWRITTEN_BLOCK, -EIO, NVME_MEDIUM, "deallocated or unwritten block" },
};

struct nvme_answer nvme_answer(uint16_t status)
{
    struct nvme_answer answer = { .status = -EIO, .action = NVME_FAIL, .text = "unknown error" };

    /* A code of a vendor, or of a later version, keeps these values. */
    for (size_t i = 0; i < ARRAY_LENGTH(answers); i++)
        if (answers[i].code == (status & NVME_STATUS_CODE_MASK)) {
            answer.status = answers[i].status;
            answer.action = answers[i].action;
            answer.text = answers[i].text;
        }

    /* With DNR, the controller reports that the same command would fail again. */
    answer.again = !(status & NVME_STATUS_NO_RETRY) &&
                   (answer.action == NVME_RETRY || answer.action == NVME_MEDIUM);
    return answer;
}
