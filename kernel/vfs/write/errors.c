/*
 * errors.c - errors of write-back, each of which every open handle gets once.
 *
 * A write-back that fails increments a count of its file, and one of its file system. A handle has
 * the count of when it was opened, and compares: Linux's errseq has the same meaning. A program
 * that syncs a whole file system compares likewise, with the count of when it began to write.
 *
 * Locking     One spinlock of rank VNODE. It may be taken under dirty_fsds.lock.
 */
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/status.h"

static struct spin errors_lock = SPIN_INIT(RANK_VNODE);

static void error_add(struct write_errors *errors, status_t status)
{
    errors->latest = status;
    errors->count++;
}

static unsigned error_count(const struct write_errors *errors)
{
    spin_lock(&errors_lock);
    unsigned count = errors->count;
    spin_unlock(&errors_lock);
    return count;
}

static status_t error_take(const struct write_errors *errors, unsigned *seen)
{
    spin_lock(&errors_lock);
    status_t status = *seen != errors->count ? errors->latest : 0;
    *seen = errors->count;
    spin_unlock(&errors_lock);
    return status;
}

/* ---- files -------------------------------------------------------------------------------- */

unsigned vnode_error_count(struct vnode *vnode)
{
    return error_count(&vnode->errors);
}

status_t vnode_take_error(struct vnode *vnode, unsigned *seen)
{
    return error_take(&vnode->errors, seen);
}

void vnode_note_error(struct vnode *vnode, status_t status, bool reported)
{
    spin_lock(&errors_lock);
    bool known = vnode->errors.latest == status && vnode->failing;
    error_add(&vnode->errors, status);
    error_add(&vnode->fsd->errors, status);
    vnode->failing = true;
    spin_unlock(&errors_lock);

    /* The device's driver has logged the block. Further attempts that fail alike are not logged. */
    if (known || reported)
        return;
    char *text = vnode_take_text(vnode);
    log_error("vfs", "%s: cannot be written to %s: %s; kept in memory to try again",
              text ? text : "a file", fsd_label(vnode->fsd), status_text(status));
    vnode_give_text(vnode, text);
}

void vnode_note_success(struct vnode *vnode)
{
    spin_lock(&errors_lock);
    vnode->failing = false;
    spin_unlock(&errors_lock);
}

/* ---- file systems ------------------------------------------------------------------------- */

unsigned fsd_error_count(struct fsd *fsd)
{
    return error_count(&fsd->errors);
}

status_t fsd_take_error(struct fsd *fsd, unsigned *seen)
{
    return error_take(&fsd->errors, seen);
}

void fsd_note_error(struct fsd *fsd, status_t status)
{
    spin_lock(&errors_lock);
    error_add(&fsd->errors, status);
    spin_unlock(&errors_lock);
}
