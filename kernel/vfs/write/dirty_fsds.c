/*
 * dirty_fsds.c - the gate of every change of a file system; and which file systems and files have
 * changes that are not durable yet.
 *
 * Gate        A change of names or nodes is made between fsd_change_begin() and fsd_change_end();
 *             a file that is open for writing counts as a writer. While the gate is closed, both
 *             wait, so that a file system can be made read-only. If that fails, they continue: an
 *             unmount that is refused disturbs nothing.
 * Lists       A file system that has changed is in one list, with the time of its first change;
 *             each of its files with bytes that are not durable is in the file system's own list.
 *             The list has a reference to the vnode: it stays in memory until its bytes are
 *             durable. It also keeps the path that the bytes were written by, as text, for messages
 *             about bytes that are lost: a path itself would keep its mount busy.
 * Locking     One spinlock of rank NAMES, so that vnodes can be referenced under it.
 */
#include "kernel/log.h"
#include "kernel/sched/sync.h"
#include "kernel/vfs/internal.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

struct dirty_fsds dirty_fsds = {
    .lock = SPIN_INIT(RANK_NAMES),
    .list = LIST_INIT(dirty_fsds.list),
    .event = WAIT_QUEUE_INIT(dirty_fsds.event),
};

/* ---- the gate ----------------------------------------------------------------------------- */

/* Waits while the gate is closed: whether the file system will be read-only is decided when it
 * opens. The caller holds the lock. -EROFS, -EINTR. */
static status_t gate_pass(struct fsd *fsd)
{
    status_t status = 0;
    while (fsd->closed && !status)
        status = wait_queue_wait_interruptible(&dirty_fsds.event, &dirty_fsds.lock, TIME_NEVER);
    return !status && fsd->read_only ? -EROFS : status;
}

status_t fsd_change_begin(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    status_t status = gate_pass(fsd);
    fsd->changers += !status;
    spin_unlock(&dirty_fsds.lock);
    return status;
}

void fsd_enter(struct fsd *fsd)
{
    kassert(spin_is_held(&dirty_fsds.lock));
    if (!fsd->ops->flush || !list_empty(&fsd->changed_link))
        return;
    fsd->changed_us = time_now_us();
    list_push_back(&dirty_fsds.list, &fsd->changed_link);
    wait_queue_wake_all(&dirty_fsds.event);
}

void fsd_note_change(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    fsd_enter(fsd);
    spin_unlock(&dirty_fsds.lock);
}

void fsd_leave(struct fsd *fsd)
{
    kassert(spin_is_held(&dirty_fsds.lock));
    list_remove(&fsd->changed_link);
}

void fsd_change_end(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    fsd_enter(fsd);
    if (!--fsd->changers)
        wait_queue_wake_all(&dirty_fsds.event);
    spin_unlock(&dirty_fsds.lock);
}

status_t fsd_writer_begin(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    status_t status = gate_pass(fsd);
    fsd->writers += !status;
    spin_unlock(&dirty_fsds.lock);
    return status;
}

void fsd_writer_end(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    fsd->writers--;
    spin_unlock(&dirty_fsds.lock);
}

status_t fsd_close_gate(struct fsd *fsd, bool force)
{
    spin_lock(&dirty_fsds.lock);
    status_t status = fsd->writers && !force ? -EBUSY : 0;
    if (!status && fsd->closed)
        status = -EBUSY; /* by another thread */
    bool closed = !status;
    if (closed)
        fsd->closed = true;

    /* a change that has passed the gate ends soon: it does not wait for a person */
    while (fsd->changers && !status)
        status = wait_queue_wait_interruptible(&dirty_fsds.event, &dirty_fsds.lock, TIME_NEVER);
    if (status && closed) {
        fsd->closed = false;
        wait_queue_wake_all(&dirty_fsds.event);
    }
    spin_unlock(&dirty_fsds.lock);
    return status;
}

void fsd_open_gate(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    fsd->closed = false;
    wait_queue_wake_all(&dirty_fsds.event);
    spin_unlock(&dirty_fsds.lock);
}

/* ---- for the flusher ---------------------------------------------------------------------- */

void fsd_pin(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    fsd->pins++;
    spin_unlock(&dirty_fsds.lock);
}

void fsd_unpin(struct fsd *fsd)
{
    spin_lock(&dirty_fsds.lock);
    if (!--fsd->pins)
        wait_queue_wake_all(&dirty_fsds.event);
    spin_unlock(&dirty_fsds.lock);
}

void changes_wake(void)
{
    spin_lock(&dirty_fsds.lock);
    wait_queue_wake_all(&dirty_fsds.event);
    spin_unlock(&dirty_fsds.lock);
}

/* ---- files -------------------------------------------------------------------------------- */

bool vnode_is_listed(struct vnode *vnode)
{
    spin_lock(&dirty_fsds.lock);
    bool listed = vnode->listed;
    spin_unlock(&dirty_fsds.lock);
    return listed;
}

void vnode_note_dirty(struct vnode *vnode, struct path *path)
{
    struct fsd *fsd = vnode->fsd;

    /* without memory, a message about the file does not name it */
    char *text = !path || vnode_is_listed(vnode) ? NULL : path_text_copy(path, NULL);

    spin_lock(&dirty_fsds.lock);
    if (!vnode->listed) {
        vnode->listed = true;
        vnode->written_as = text;
        text = NULL;
        vnode_ref(vnode);
        list_push_back(&fsd->dirty, &vnode->dirty_link);
    }
    fsd_enter(fsd);
    spin_unlock(&dirty_fsds.lock);
    mem_free(text);
}

void vnode_unlist(struct vnode *vnode, bool if_clean)
{
    spin_lock(&dirty_fsds.lock);

    /* under the lock: a writer that dirties the cache now enters it again after this */
    bool leaves = vnode->listed && !(if_clean && vnode->cache.ops &&
                                     cache_dirty_bytes(&vnode->cache));
    char *text = leaves ? vnode->written_as : NULL;
    if (leaves) {
        vnode->listed = false;
        vnode->written_as = NULL;
        list_remove(&vnode->dirty_link);
    }
    spin_unlock(&dirty_fsds.lock);

    mem_free(text);
    if (leaves)
        vnode_put(vnode);
}

struct vnode *fsd_next_dirty(struct fsd *fsd)
{
    struct vnode *vnode = NULL;
    spin_lock(&dirty_fsds.lock);
    if (!list_empty(&fsd->dirty)) {
        vnode = vnode_ref(container_of(fsd->dirty.next, struct vnode, dirty_link));

        /* the next call returns another one */
        list_remove(&vnode->dirty_link);
        list_push_back(&fsd->dirty, &vnode->dirty_link);
    }
    spin_unlock(&dirty_fsds.lock);
    return vnode;
}

size_t fsd_count_dirty(struct fsd *fsd)
{
    size_t count = 0;
    spin_lock(&dirty_fsds.lock);
    list_each(link, &fsd->dirty)
        count++;
    spin_unlock(&dirty_fsds.lock);
    return count;
}

char *vnode_take_text(struct vnode *vnode)
{
    spin_lock(&dirty_fsds.lock);
    char *text = vnode->written_as;
    vnode->written_as = NULL;
    spin_unlock(&dirty_fsds.lock);
    return text;
}

void vnode_give_text(struct vnode *vnode, char *text)
{
    spin_lock(&dirty_fsds.lock);
    if (vnode->listed && !vnode->written_as) {
        vnode->written_as = text;
        text = NULL;
    }
    spin_unlock(&dirty_fsds.lock);
    mem_free(text);
}

/* Returns whether the text is the path `above`, or a path below it. */
static bool text_is_below(const char *text, const char *above)
{
    size_t length = strlen(above);
    return text_starts(text, above) && (!text[length] || text[length] == '/');
}

/* Returns the text with its beginning replaced; NULL without memory. */
static char *text_move(const char *text, const char *from, const char *to)
{
    size_t skipped = strlen(from), kept = strlen(text) - skipped, length = strlen(to);
    char *moved = mem_alloc(length + kept + 1);
    if (moved) {
        memcpy(moved, to, length);
        memcpy(moved + length, text + skipped, kept + 1);
    }
    return moved;
}

/* Takes the text of a file that was written by this path, or one below it. Returns a reference, or
 * NULL if there is none. The order of the list stays: another thread may be syncing it. */
static struct vnode *take_text_below(struct fsd *fsd, const char *above, char **text)
{
    struct vnode *found = NULL;
    spin_lock(&dirty_fsds.lock);
    list_each(link, &fsd->dirty) {
        struct vnode *vnode = container_of(link, struct vnode, dirty_link);
        if (vnode->written_as && text_is_below(vnode->written_as, above)) {
            found = vnode_ref(vnode);
            *text = vnode->written_as;
            vnode->written_as = NULL;
            break;
        }
    }
    spin_unlock(&dirty_fsds.lock);
    return found;
}

void vnode_note_rename(struct vnode *file, const char *from, const char *to)
{
    char *text = vnode_take_text(file), *moved = NULL;
    bool follows = text && text_is_below(text, from);
    if (follows)
        moved = text_move(text, from, to);
    vnode_give_text(file, follows ? moved : text);
    if (follows)
        mem_free(text);
}

void fsd_note_rename(struct fsd *fsd, const char *from, const char *to)
{
    struct vnode *vnode;
    char *text;

    /* the moved texts must not be found again */
    if (text_is_below(to, from))
        return;

    while ((vnode = take_text_below(fsd, from, &text))) {
        vnode_give_text(vnode, text_move(text, from, to));
        mem_free(text);
        vnode_put(vnode);
    }
}
