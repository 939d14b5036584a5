/* virtio.c - a virtio-blk disk by the legacy interface, one request at a time. See bare.h. */
#include "kernel/port.h"
#include "kernel/x86/ports.h"
#include "tests/bench/bare/bare.h"

enum {
    ID_DISK = 0x10011af4,

    /* Ports (virtio 1.1, 4.1.4.8). */
    FEATURES_OF_GUEST = 0x04,
    QUEUE_PAGE = 0x08,
    QUEUE_SIZE = 0x0c,
    QUEUE_SELECT = 0x0e,
    QUEUE_NOTIFY = 0x10,
    STATUS = 0x12,
    INTERRUPT = 0x13, /* reading it takes the interrupt back */
    STATUS_DRIVER_OK = 7,
    FEATURE_FLUSH = 1 << 9,

    /* The queue's layout: descriptors, available ring, and on the next page the used ring. */
    QUEUE_SIZE_MAX = 256,
    NEXT = 1,
    DEVICE_WRITES = 2,

    REQUEST_READ = 0,
    REQUEST_WRITE = 1,
    REQUEST_FLUSH = 4,
    REQUEST_DONE = 0,
};

struct descriptor {
    uint64_t address;
    uint32_t bytes;
    uint16_t flags, next;
};

struct request {
    uint32_t type, reserved;
    uint64_t sector;
    volatile uint8_t status;
};

static uint8_t queue[3 * PAGE_BYTES] __attribute__((aligned(PAGE_BYTES)));
static struct request request;
static volatile uint16_t *available, *used;
static uint16_t base;

static void virtio_start(void)
{
    uint32_t function = pci_find(PCI_ID, 0, ID_DISK, "virtio-blk disk");
    base = (uint16_t)(pci_read(function, PCI_BAR) & 0xfffc);
    port_out8(base + STATUS, 0);
    port_out32(base + FEATURES_OF_GUEST, FEATURE_FLUSH);

    port_out16(base + QUEUE_SELECT, 0);
    unsigned size = port_in16(base + QUEUE_SIZE);
    if (!size || size > QUEUE_SIZE_MAX)
        panic("virtio: a queue of %u", size);
    size_t ring_at = size * sizeof(struct descriptor);
    size_t used_at = (ring_at + (3 + size) * sizeof(uint16_t) + PAGE_BYTES - 1) & -PAGE_BYTES;
    available = (void *)(queue + ring_at);
    used = (void *)(queue + used_at);
    port_out32(base + QUEUE_PAGE, physical_of(queue) / PAGE_BYTES);

    port_out8(base + STATUS, STATUS_DRIVER_OK);
    machine_listen(pci_read(function, PCI_LINE) & 0xf);
}

/* Sends the request in descriptors 0 to 2, without the second if it has no data, and sleeps until
 * the device has used it. The rings' second words count entries. */
static void send(uint32_t physical, uint32_t bytes, uint16_t data_flags)
{
    struct descriptor *list = (void *)queue;
    uint16_t after = (uint16_t)(used[1] + 1);
    list[0] = (struct descriptor){ physical_of(&request), 16, NEXT, bytes ? 1 : 2 };
    list[1] = (struct descriptor){ physical, bytes, (uint16_t)(NEXT | data_flags), 2 };
    list[2] = (struct descriptor){ physical_of(&request.status), 1, DEVICE_WRITES, 0 };
    available[1]++; /* every entry of the ring is descriptor 0, as cleared memory has it */
    port_out16(base + QUEUE_NOTIFY, 0);

    do {
        machine_wait();
        (void)port_in8(base + INTERRUPT);
    } while (used[1] != after);
    if (request.status != REQUEST_DONE)
        panic("virtio: status %u at sector %u", request.status, (unsigned)request.sector);
}

static void virtio_transfer(uint32_t sector, uint32_t physical, uint32_t bytes, bool writing)
{
    request = (struct request){ .type = writing ? REQUEST_WRITE : REQUEST_READ, .sector = sector };
    send(physical, bytes, writing ? 0 : DEVICE_WRITES);
}

static void virtio_flush(void)
{
    request = (struct request){ .type = REQUEST_FLUSH };
    send(0, 0, 0);
}

const struct disk virtio_disk = { "virtio", virtio_start, virtio_transfer, virtio_flush };
