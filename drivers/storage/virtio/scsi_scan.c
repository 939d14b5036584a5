/*
 * scsi_scan.c - finds the units of a virtio-scsi device. See scsi.h.
 *
 * Each target is asked for its LUNs; one that does not exist answers at once. REPORT LUNS and
 * INQUIRY touch no medium, and are answered before a unit reports UNIT ATTENTION (SPC-3 6.21).
 */
#include "drivers/storage/virtio/scsi.h"
#include "kernel/dev/deadlines.h"
#include "kernel/log.h"
#include "lib/bytes.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum {
    CDB_INQUIRY = 0x12,
    CDB_REPORT_LUNS = 0xa0,
    CDB_6_LENGTH = 4,
    CDB_12_LENGTH = 9, /* the last byte of the allocation length */

    LUNS_MAX = 16,     /* of a target: more are left out */
    LUN_BYTES = 8,
    LUNS_HEADER_BYTES = 8,
    LUNS_BYTES = LUNS_HEADER_BYTES + LUNS_MAX * LUN_BYTES,
    LUN_METHOD = 0xc0, /* of addressing, in the first byte (SAM-3 4.9.3): */
    LUN_PERIPHERAL = 0x00,
    LUN_FLAT = 0x40,

    INQUIRY_BYTES = 36,
    INQUIRY_TYPE = 0,  /* and the qualifier in the upper three bits: 0 is a unit that exists */
    INQUIRY_VENDOR = 8,
    INQUIRY_PRODUCT = 16,
    INQUIRY_REVISION = 32,

    NAME_BYTES = 16,
    SCAN_TARGETS = 16, /* that are asked at once */
};

/* A scan's place, and a command to it. */
struct scan {
    struct vscsi_unit unit; /* not published */
    struct scsi_command command;
    struct semaphore ended;
    struct io_segment segment;
    uint8_t answer[LUNS_BYTES];
};

/* ---- commands ----------------------------------------------------------------------------- */

static void scan_ended(struct scsi_command *command)
{
    semaphore_up(command->context);
}

/* Submits a command; ask_end() waits for it, and sets *answer to what it returned. */
static void ask_begin(struct scan *scan, const uint8_t cdb[12], uint32_t bytes)
{
    /* The answer goes into the scan's own memory, which is valid until ask_end() has returned. */
    semaphore_init(&scan->ended, 0);
    scan->segment = (struct io_segment){ scan->answer, bytes };
    scan->command = (struct scsi_command){
        .base.timeout_us = DEADLINE_PACKET_SENSE_US,
        .direction = SCSI_DATA_IN,
        .segments = &scan->segment,
        .segment_count = 1,
        .length_bytes = bytes,
        .complete = scan_ended,
        .context = &scan->ended,
    };
    memcpy(scan->command.cdb, cdb, 12);

    scsi_submit(&scan->unit.scsi, &scan->command);
}

static status_t ask_end(struct scan *scan, struct bytes *answer)
{
    /* The wait has no deadline of its own: the packet queue ends each command. */
    while (semaphore_down(&scan->ended, TIME_NEVER))
        ;
    *answer = (struct bytes){ scan->answer, scan->command.done_bytes };
    return scan->command.base.status;
}

/* ---- units -------------------------------------------------------------------------------- */

static void unit_name(char name[NAME_BYTES], unsigned target, unsigned lun)
{
    format_text(name, NAME_BYTES, "%u:%u", target, lun);
}

static struct device *find_unit(struct vscsi *vscsi, unsigned target, unsigned lun)
{
    char name[NAME_BYTES];
    unit_name(name, target, lun);
    return device_find_child(vscsi->device, name, strlen(name));
}

static void unit_describe(struct device *device, char *text, size_t bytes)
{
    const struct vscsi_unit *unit = device_private(device);
    format_text(text, bytes, "%s, firmware %s", unit->scsi.model, unit->scsi.firmware);
}

static void unit_destroy(struct device *device)
{
    mem_free(device_private(device));
}

static const struct device_ops unit_ops = {
    .describe = unit_describe,
    .destroy = unit_destroy,
};

/* Copies a field of INQUIRY's data to the end of text[bytes]. */
static void append_field(char *text, size_t bytes, struct bytes field)
{
    size_t used = strlen(text);
    text_copy_field(text + used, bytes - used, field.data, field.length);
}

static void describe_unit(struct scsi_unit *unit, struct bytes inquiry)
{
    unit->device_type = bytes_u8(inquiry, INQUIRY_TYPE);
    append_field(unit->model, sizeof(unit->model) - 1, bytes_slice(inquiry, INQUIRY_VENDOR, 8));

    /* Vendor and product are two fields; together they are the name that users know. */
    size_t length = strlen(unit->model);
    if (length)
        memcpy(unit->model + length, " ", 2);
    append_field(unit->model, sizeof(unit->model), bytes_slice(inquiry, INQUIRY_PRODUCT, 16));
    append_field(unit->firmware, sizeof(unit->firmware),
                 bytes_slice(inquiry, INQUIRY_REVISION, 4));
}

static status_t publish_unit(struct vscsi *vscsi, struct vscsi_unit *unit)
{
    char name[NAME_BYTES];
    unit_name(name, unit->target, unit->lun);
    const struct device_description description = {
        .name = name,
        .ops = &unit_ops,
        .private_data = unit, /* the device owns it */
        .bus = &scsi_bus,
        .bus_data = &unit->scsi,
    };
    struct device *device = device_create(vscsi->device, &description);
    if (!device) {
        mem_free(unit);
        return -ENOMEM;
    }

    /* From here on the device frees the unit. */
    unit->scsi.device = device;
    log_info("virtio-scsi", "%s: %s is %s, firmware %s", vscsi->virtio->name, name,
             unit->scsi.model, unit->scsi.firmware);
    status_t status = device_publish(device);
    device_put(device);
    return status;
}

/* Publishes a unit that REPORT LUNS named, if it exists and is new. */
static status_t add_unit(struct scan *scan, unsigned lun)
{
    struct vscsi *vscsi = scan->unit.vscsi;
    static const uint8_t cdb[12] = { CDB_INQUIRY, [CDB_6_LENGTH] = INQUIRY_BYTES };
    struct bytes inquiry;

    /* A unit that is published already keeps its device, with what is open on it. */
    struct device *known = find_unit(vscsi, scan->unit.target, lun);
    if (known) {
        device_put(known);
        return 0;
    }

    scan->unit.lun = (uint16_t)lun;
    ask_begin(scan, cdb, INQUIRY_BYTES);
    status_t status = ask_end(scan, &inquiry);
    if (status)
        return status == -ENODEV ? 0 : status; /* removed meanwhile */

    /* A qualifier other than 0: the LUN is listed, but no unit is there. */
    if (!bytes_has(inquiry, 0, INQUIRY_BYTES) || bytes_u8(inquiry, INQUIRY_TYPE) >> 5)
        return 0;

    /* A copy of the scan's unit, which is used for the next LUN. */
    struct vscsi_unit *unit = mem_zalloc(sizeof(*unit));
    if (!unit)
        return -ENOMEM;
    *unit = scan->unit;
    unit->scsi.lun = lun;
    unit->scsi.transfer_bytes = vscsi->transfer_bytes;
    unit->scsi.segment_count = vscsi->segment_count;
    unit->scsi.depth = vscsi->queues[VSCSI_REQUEST]->slots;
    describe_unit(&unit->scsi, inquiry);
    return publish_unit(vscsi, unit);
}

void vscsi_remove_unit(struct vscsi *vscsi, unsigned target, unsigned lun)
{
    struct device *unit = find_unit(vscsi, target, lun);
    if (!unit)
        return;
    log_info("virtio-scsi", "%s: %s was removed", vscsi->virtio->name, device_name(unit));
    device_remove(unit);
    device_put(unit);
}

void vscsi_poll_unit(struct vscsi *vscsi, unsigned target, unsigned lun)
{
    struct device *unit = find_unit(vscsi, target, lun);
    struct device *drive = unit ? device_child(unit, 0) : NULL;

    /* The drive is the unit's only child; without one no driver has taken the unit. */
    if (drive)
        IGNORE(device_poll(drive)); /* what it finds becomes an event */
    device_put(drive);
    device_put(unit);
}

void vscsi_remove_units(struct vscsi *vscsi)
{
    struct device *unit;

    /* Always the first one, as each removal takes it out of the tree. */
    while ((unit = device_child(vscsi->device, 0))) {
        device_remove(unit);
        device_put(unit);
    }
}

/* ---- targets ------------------------------------------------------------------------------ */

/* Removes the units of a target that are not among `luns`. */
static void remove_others(struct vscsi *vscsi, unsigned target, const unsigned luns[],
                          unsigned count)
{
    /* By number and not by position, since a removal moves those after it. */
    struct device *device;
    for (unsigned last = 0; (device = device_child(vscsi->device, last));) {
        const struct vscsi_unit *unit = device_private(device);
        bool listed = unit->target != target;
        last = device_number(device);
        for (unsigned i = 0; i < count; i++)
            listed = listed || unit->lun == luns[i];
        if (!listed)
            vscsi_remove_unit(vscsi, target, unit->lun);
        device_put(device);
    }
}

/* Decodes the LUNs that are one level deep, the only ones that the device's addresses reach. */
static unsigned read_luns(struct bytes answer, unsigned luns[LUNS_MAX])
{
    struct bytes list = bytes_slice(answer, LUNS_HEADER_BYTES, bytes_be32(answer, 0));

    /* The length is the unit's: bytes_slice() cuts it at the answer, LUNS_MAX at the array. */
    unsigned count = 0;
    for (size_t at = 0; bytes_has(list, at, LUN_BYTES) && count < LUNS_MAX; at += LUN_BYTES) {
        uint8_t method = bytes_u8(list, at) & LUN_METHOD;
        if (method == LUN_FLAT || (method == LUN_PERIPHERAL && !bytes_u8(list, at)))
            luns[count++] = bytes_be16(list, at) & 0x3fff;
    }
    return count;
}

static void begin_target(struct scan *scan, struct vscsi *vscsi, unsigned target)
{
    static const uint8_t cdb[12] = { CDB_REPORT_LUNS, [CDB_12_LENGTH] = LUNS_BYTES };

    /* To LUN 0, which answers REPORT LUNS also if it has no unit (SPC-3 6.21). */
    scan->unit = (struct vscsi_unit){
        .scsi = { .channel = &vscsi->packets, .device = vscsi->device },
        .vscsi = vscsi,
        .target = (uint8_t)target,
    };
    ask_begin(scan, cdb, LUNS_BYTES);
}

/* Publishes and removes units by a target's list. */
static status_t take_target(struct scan *scan, status_t status, struct bytes answer)
{
    unsigned luns[LUNS_MAX], count = 0;

    /* -ENODEV: the target does not exist, so it has no units any more. After other errors they are
     * kept. */
    if (status && status != -ENODEV)
        return status;
    if (!status)
        count = read_luns(answer, luns);

    remove_others(scan->unit.vscsi, scan->unit.target, luns, count);
    status = 0;
    for (unsigned i = 0; i < count && !status; i++)
        status = add_unit(scan, luns[i]);
    return status;
}

/* Scans up to SCAN_TARGETS targets. All are asked at once, since most do not exist. */
static status_t scan_some(struct vscsi *vscsi, struct scan scans[], unsigned first, unsigned count)
{
    status_t result = 0;
    for (unsigned i = 0; i < count; i++)
        begin_target(&scans[i], vscsi, first + i);

    /* Each is waited for, even after a failure: its memory is in use. */
    for (unsigned i = 0; i < count; i++) {
        struct bytes answer;
        status_t status = ask_end(&scans[i], &answer);
        if (result)
            continue;
        result = take_target(&scans[i], status, answer);
        if (result && !vscsi->offline)
            log_warn("virtio-scsi", "%s: target %u: %s; the scan ends", vscsi->virtio->name,
                     first + i, status_text(result));
    }
    return result;
}

static void scan_range(struct vscsi *vscsi, unsigned first, unsigned last)
{
    /* Not on the stack, which the answers of all targets would fill. */
    struct scan *scans = mem_zalloc(SCAN_TARGETS * sizeof(*scans));
    status_t status = scans ? 0 : -ENOMEM;
    if (status)
        log_warn("virtio-scsi", "%s: %s; it is not scanned", vscsi->virtio->name,
                 status_text(status));

    /* The first error ends it: the device does not answer, and each target would cost a
     * deadline. */
    for (unsigned count; !status && first <= last; first += count) {
        count = min(last - first + 1, SCAN_TARGETS);
        status = scan_some(vscsi, scans, first, count);
    }
    mem_free(scans);
}

void vscsi_scan_target(struct vscsi *vscsi, unsigned target)
{
    scan_range(vscsi, target, target);
}

void vscsi_scan(struct vscsi *vscsi)
{
    scan_range(vscsi, 0, vscsi->target_last);
}
