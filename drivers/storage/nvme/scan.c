/*
 * scan.c - which namespaces a controller has: at the start, and when it reports a change.
 *
 * The scanner is a thread of its own, because publishing a disk may read from it, and a read that
 * fails needs the worker.
 */
#include "drivers/storage/nvme/nvme.h"

#include "kernel/log.h"
#include "lib/macros.h"

enum {
    EVENTS_MAX = 256,           /* then it is not asked for more: it may be reporting endlessly */
    EVENT_INFORMATION_SHIFT = 8, /* DW0 of the completion: type 2:0, information 15:8 */
    EVENT_BYTE_MASK = 0xff,
    EVENT_TYPE_MASK = 7,
    EVENT_TYPE_NOTICE = 2,
    EVENT_NAMESPACES = 0,       /* a notice: attributes of namespaces were changed */
    LOG_DWORDS_SHIFT = 16,      /* CDW10 of GET LOG PAGE: dwords, 0-based; below them the page */
};

/* ---- namespaces ----------------------------------------------------------------------------- */

static struct nvme_namespace *find(const struct nvme_controller *controller, uint32_t id)
{
    list_each(link, &controller->namespaces) {
        struct nvme_namespace *namespace = container_of(link, struct nvme_namespace, link);
        if (namespace->id == id)
            return namespace;
    }
    return NULL;
}

static bool listed(const struct nvme_list *list, uint32_t id)
{
    for (unsigned i = 0; i < list->count; i++)
        if (list->ids[i] == id)
            return true;
    return false;
}

/* Adopts the new attributes of a namespace. Returns false if it must be published again. */
static bool update(struct nvme_namespace *namespace,
                   const struct nvme_namespace_identity *identity)
{
    struct nvme_namespace_identity *old = &namespace->identity;

    /* These are constant for a device: its cache and its partitions are based on them. */
    if (identity->block_bytes != old->block_bytes || identity->read_only != old->read_only)
        return false;
    if (identity->blocks == old->blocks)
        return true;

    /* What was read of it may not be there any more, so this is another medium. */
    log_info("nvme", "%s: namespace %u: resized from %llu to %llu blocks",
             namespace->controller->name, namespace->id, (unsigned long long)old->blocks,
             (unsigned long long)identity->blocks);
    old->blocks = identity->blocks;
    device_set_medium(namespace->device, identity->blocks * identity->block_bytes);
    return true;
}

/* Returns whether the controller works, so that an error concerns the command alone. */
static bool works(struct nvme_controller *controller)
{
    spin_lock(&controller->lock);
    bool running = controller->state == NVME_RUNNING && !controller->broken &&
                   !controller->reset_wanted;
    spin_unlock(&controller->lock);
    return running;
}

/* Reads the attributes of a namespace, and makes its device agree with them. Only errors of the
 * controller are errors here: a namespace that cannot be used is logged. */
static status_t scan_namespace(struct nvme_controller *controller, uint32_t id, unsigned depth)
{
    struct nvme_namespace *present = find(controller, id);
    struct nvme_namespace_identity identity;

    /* An error of a controller that works concerns this namespace alone. */
    status_t status = nvme_identify(controller, NVME_IDENTIFY_NAMESPACE, id);
    if (status && !works(controller))
        return status;

    /* It may have been detached since it was listed. */
    const char *why = nvme_decode_namespace(nvme_data(controller), &identity);
    if (status)
        why = "no attributes";

    /* A disk that cannot keep its device is removed first: the new one has the same name. */
    if (present && !why && update(present, &identity))
        return 0;
    if (present)
        nvme_namespace_remove(present);

    /* Version 1.0 has no list: an identifier that is not in use has no blocks. */
    if (why) {
        if (identity.blocks || controller->version >= NVME_VERSION_1_1)
            log_warn("nvme", "%s: namespace %u has %s; ignored", controller->name, id, why);
        return 0;
    }

    status = nvme_namespace_publish(controller, id, &identity, depth);
    if (status)
        log_error("nvme", "%s: namespace %u: %s", controller->name, id, status_text(status));
    return 0;
}

/* Lists the namespaces: asks for them, or with version 1.0 tries each number. */
static status_t read_list(struct nvme_controller *controller, struct nvme_list *list)
{
    if (controller->version < NVME_VERSION_1_1) {
        *list = (struct nvme_list){ 0 };
        while (list->count < NVME_NAMESPACES_MAX &&
               list->count < controller->identity.namespaces) {
            list->ids[list->count] = list->count + 1;
            list->count++;
        }
        return 0;
    }

    /* From identifier 0 on, which returns all of those in use (5.15.1). */
    status_t status = nvme_identify(controller, NVME_IDENTIFY_LIST, 0);
    if (status)
        return status;
    const char *why = nvme_decode_list(nvme_data(controller), list);
    if (why) {
        spin_lock(&controller->lock);
        nvme_break(controller, why);
        spin_unlock(&controller->lock);
    }
    if (list->left_out)
        log_warn("nvme", "%s: more than %u namespaces; %u are ignored", controller->name,
                 NVME_NAMESPACES_MAX, list->left_out);
    return why ? -ENODEV : 0;
}

static void remove_unlisted(struct nvme_controller *controller, const struct nvme_list *list)
{
    list_each_safe(link, &controller->namespaces) {
        struct nvme_namespace *namespace = container_of(link, struct nvme_namespace, link);
        if (listed(list, namespace->id))
            continue;
        log_info("nvme", "%s: namespace %u: removed", controller->name, namespace->id);
        nvme_namespace_remove(namespace);
    }
}

status_t nvme_scan(struct nvme_controller *controller)
{
    struct nvme_list list;
    status_t status = read_list(controller, &list);
    if (status)
        return status;

    /* First, so that their memory is free for the new ones. */
    remove_unlisted(controller, &list);

    /* They share the queue, and the memory that requests need. */
    unsigned share = list.count ? controller->depth / list.count : 0;
    unsigned depth = min(share, IO_DEPTH_MAX);
    for (unsigned i = 0; i < list.count && !status; i++)
        status = scan_namespace(controller, list.ids[i], max(depth, 1));
    return status;
}

/* ---- events --------------------------------------------------------------------------------- */

/* Asks the controller to report the next event. */
static void ask_for_event(struct nvme_controller *controller)
{
    const struct nvme_command enable = {
        .opcode = NVME_SET_FEATURES,
        .words = { NVME_FEATURE_EVENTS, NVME_EVENT_NAMESPACES },
    };
    const struct nvme_command ask = { .opcode = NVME_ASYNC_EVENT };
    if (!controller->identity.namespace_events || controller->events >= EVENTS_MAX)
        return;

    /* Without events everything else works: a controller that refuses them is not an error. */
    if (nvme_admin(controller, NVME_SLOT_SCAN, &enable, NULL) ||
        nvme_admin_send(controller, NVME_SLOT_EVENT, &ask))
        return;

    /* The command ends when there is an event, maybe never, so no thread waits for it. The answer
     * cannot be missed: only this thread looks for it. */
    spin_lock(&controller->lock);
    controller->event_sent = true;
    spin_unlock(&controller->lock);
}

/* Reads the log page that belongs to an event, which makes the controller report the next one of
 * its type (5.2). Its contents are not needed: all namespaces are looked at. */
static void acknowledge_event(struct nvme_controller *controller)
{
    const struct nvme_command command = {
        .opcode = NVME_GET_LOG_PAGE,
        .namespace = UINT32_MAX,
        .prp1 = mem_physical(controller->data),
        .words = { (NVME_IDENTIFY_BYTES / 4 - 1) << LOG_DWORDS_SHIFT | NVME_LOG_NAMESPACES },
    };
    IGNORE(nvme_admin(controller, NVME_SLOT_SCAN, &command, NULL));
}

static void handle_event(struct nvme_controller *controller)
{
    uint32_t event = controller->slots[NVME_SLOT_EVENT].result;
    unsigned type = event & EVENT_TYPE_MASK;
    unsigned information = event >> EVENT_INFORMATION_SHIFT & EVENT_BYTE_MASK;

    /* Others are not asked for, but some cannot be masked. Their log pages are not read, so that
     * the controller does not repeat them. */
    if (type == EVENT_TYPE_NOTICE && information == EVENT_NAMESPACES) {
        acknowledge_event(controller);
        IGNORE(nvme_scan(controller));
    } else {
        log_warn("nvme", "%s: event of type %u, information %u", controller->name, type,
                 information);
    }

    /* An event ends its command: the next one needs another. */
    controller->events++;
    spin_lock(&controller->lock);
    controller->event_wanted = true;
    spin_unlock(&controller->lock);
}

/* ---- the thread ----------------------------------------------------------------------------- */

enum scan_step { SCAN_WAIT, SCAN_STOP, SCAN_REMOVE, SCAN_ALL, SCAN_ASK, SCAN_EVENT };

/* Returns what is to be done. Caller holds the lock. */
static enum scan_step choose_step(struct nvme_controller *controller)
{
    const struct nvme_slot *slot = &controller->slots[NVME_SLOT_EVENT];
    if (controller->scanner_stops)
        return SCAN_STOP;

    /* Being offline is final: what is left to do is to remove the namespaces. */
    if (controller->state == NVME_OFFLINE)
        return list_empty(&controller->namespaces) ? SCAN_WAIT : SCAN_REMOVE;

    /* Commands would be refused now. After the reset the worker wakes this thread. */
    if (controller->state != NVME_RUNNING || controller->broken)
        return SCAN_WAIT;

    /* Cleared before the work begins, so that a change during it causes another scan. */
    if (controller->rescan) {
        controller->rescan = false;
        return SCAN_ALL;
    }
    if (controller->event_wanted) {
        controller->event_wanted = false;
        return SCAN_ASK;
    }

    /* Answered: an event, or the controller does not report events. */
    if (controller->event_sent && !slot->busy) {
        controller->event_sent = false;
        return slot->status ? SCAN_WAIT : SCAN_EVENT;
    }
    return SCAN_WAIT;
}

static enum scan_step next_step(struct nvme_controller *controller)
{
    enum scan_step step;
    spin_lock(&controller->lock);
    while ((step = choose_step(controller)) == SCAN_WAIT)
        IGNORE(wait_queue_wait(&controller->scanner_wake, &controller->lock, TIME_NEVER));
    spin_unlock(&controller->lock);
    return step;
}

void nvme_scanner(void *argument)
{
    static const struct nvme_list none;
    struct nvme_controller *controller = argument;
    for (enum scan_step step; (step = next_step(controller)) != SCAN_STOP;) {
        if (step == SCAN_REMOVE)
            remove_unlisted(controller, &none);
        else if (step == SCAN_ALL)
            IGNORE(nvme_scan(controller)); /* logged, or followed by a reset */
        else if (step == SCAN_ASK)
            ask_for_event(controller);
        else
            handle_event(controller);
    }
}
