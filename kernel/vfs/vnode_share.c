/*
 * vnode_share.c - counts how a vnode's content is open, and refuses openings that exclude each
 * other.
 *
 * A vnode whose writes bypass its cache, such as a device, has one writer, and then no readers: a
 * reader would still see the pages of the cache. Files that are written through their cache have
 * any number of both.
 */
#include "kernel/vfs/internal.h"

static struct spin share_lock = SPIN_INIT(RANK_VNODE); /* guards the counts of every vnode */

/* Returns whether a file opened with these flags excludes all others. */
static bool wants_alone(const struct vnode *vnode, unsigned flags)
{
    return flags & OPEN_EXCLUSIVE || (flags & OPEN_WRITE && vnode_bypasses_cache(vnode));
}

static void vnode_count_open(struct vnode *vnode, unsigned flags, unsigned by)
{
    vnode->opens += by;
    vnode->readers += flags & OPEN_READ ? by : 0;
    vnode->writers += flags & OPEN_WRITE ? by : 0;
    vnode->read_denials += flags & OPEN_DENY_READ ? by : 0;
    vnode->write_denials += flags & OPEN_DENY_WRITE ? by : 0;
}

/* Returns 0 if the content may be opened so. A refused reader is counted even if other flags
 * exclude it as well (an image's drive denies writing): the writer must not replace what was to be
 * read. */
static status_t vnode_may_share(struct vnode *vnode, unsigned flags, bool alone)
{
    if (vnode->retired)
        return -ENOENT;
    if (flags & OPEN_READ && vnode->read_denials && !vnode->stream) {
        vnode->readers_refused++;
        return -ETXTBSY;
    }

    if (vnode->exclusive || vnode->writes_left || (alone && vnode->opens) ||
        (flags & OPEN_WRITE && vnode->write_denials) ||
        (flags & OPEN_DENY_WRITE && vnode->writers))
        return -EBUSY;
    return flags & OPEN_DENY_READ && vnode->readers && !vnode->stream ? -ETXTBSY : 0;
}

void vnode_unshare(struct vnode *vnode, unsigned flags)
{
    spin_lock(&share_lock);
    if (vnode->exclusive) /* it was this file's */
        vnode->exclusive = false;

    vnode_count_open(vnode, flags, -1u);
    spin_unlock(&share_lock);
}

/* Empties the cache, which the writer bypasses. */
static status_t vnode_empty_cache(struct vnode *vnode)
{
    status_t status = cache_settle(&vnode->cache);
    if (status)
        return status;
    cache_destroy(&vnode->cache);
    vnode_cache_start(vnode);
    return 0;
}

status_t vnode_share(struct vnode *vnode, unsigned flags)
{
    bool alone = wants_alone(vnode, flags);

    /* Reserve the vnode first, so that no other file is opened while its cache is emptied. */
    spin_lock(&share_lock);
    status_t status = vnode_may_share(vnode, flags, alone);
    if (!status) {
        if (alone) /* else other files may be reading the flag, without the lock */
            vnode->exclusive = true;
        vnode_count_open(vnode, flags, 1);
    }
    spin_unlock(&share_lock);

    if (!status && alone && vnode_bypasses_cache(vnode)) {
        status = vnode_empty_cache(vnode);
        if (status)
            vnode_unshare(vnode, flags);
    }
    return status;
}

bool vnode_retire(struct vnode *vnode)
{
    spin_lock(&share_lock);
    vnode->retired |= !vnode->opens;
    bool retired = vnode->retired;
    spin_unlock(&share_lock);
    return retired;
}

void vnode_write_left(struct vnode *vnode, bool left)
{
    spin_lock(&share_lock);
    vnode->writes_left += left ? 1 : -1u;
    spin_unlock(&share_lock);
}
