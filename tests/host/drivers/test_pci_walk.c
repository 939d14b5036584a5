/*
 * test_pci_walk.c - promise: the walk publishes every function once, on root buses and after nested
 * bridges, and ends whatever the bridges report; storage controllers cannot write to memory
 * before they have a driver.
 *
 * Configuration space is a list of functions; everything else reads as ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "drivers/pci/bus.c"
#include "drivers/pci/classes.c"
#include "drivers/pci/function.c"
#include "host/port/host.h"
#include "tests/host/rig.h"

enum { STORAGE = 0x0106, BRIDGE = 0x0604, HOST = 0x0600, NETWORK = 0x0200, NODES_MAX = 64 };

struct node {
    uint8_t bus, slot, function;
    uint16_t class;
    uint8_t header;
    uint32_t buses;   /* of a bridge: primary, secondary, subordinate */
    uint16_t command;
};

static struct node nodes[NODES_MAX];
static unsigned node_count, opened[PCI_BUSES_MAX], closed[PCI_BUSES_MAX];
static unsigned bus_without_access;

static struct node *find_node(const struct pci_function *function)
{
    for (unsigned i = 0; i < node_count; i++)
        if (nodes[i].bus == function->bus && nodes[i].slot == function->slot &&
            nodes[i].function == function->function)
            return &nodes[i];
    return NULL;
}

static uint32_t node_read32(const struct pci_function *function, unsigned offset)
{
    const struct node *node = find_node(function);
    if (!node)
        return UINT32_MAX;
    switch (offset) {
    case PCI_ID: return 0x00011234;
    case PCI_COMMAND: return node->command;
    case PCI_CLASS: return (uint32_t)node->class << 16;
    case PCI_HEADER: return (uint32_t)node->header << 16;
    case PCI_BUSES: return node->buses;
    default: return 0;
    }
}

static void node_write32(const struct pci_function *function, unsigned offset, uint32_t value)
{
    struct node *node = find_node(function);
    kassert(node);
    if (offset == PCI_COMMAND)
        node->command = (uint16_t)value;
}

static const struct pci_ops node_ops = { .read32 = node_read32, .write32 = node_write32 };

void pci_config_start(void)
{
}

const struct pci_ops *pci_config_open(unsigned bus)
{
    kassert(bus < PCI_BUSES_MAX);
    opened[bus]++;
    return bus == bus_without_access ? NULL : &node_ops;
}

void pci_config_close(unsigned bus)
{
    closed[bus]++;
}

static void put(uint8_t bus, uint8_t slot, uint8_t function, uint16_t class, uint8_t header)
{
    kassert(node_count < NODES_MAX);
    nodes[node_count++] = (struct node){ bus, slot, function, class, header, 0, PCI_MASTER };
}

static void put_bridge(uint8_t bus, uint8_t slot, uint32_t buses)
{
    put(bus, slot, 0, BRIDGE, PCI_HEADER_BRIDGE);
    nodes[node_count - 1].buses = buses;
}

/* Starts the devices, which runs the walk, and compares the names of all functions. */
static void expect_functions(const char *wanted)
{
    char names[1024] = "";
    kassert(io_start() == 0 && device_start() == 0);
    struct device *bus = device_find("pci");
    for (unsigned after = 0; bus;) {
        struct device *child = device_child(bus, after);
        if (!child)
            break;
        snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ", device_name(child));
        after = device_number(child);
        device_put(child);
    }
    if (strcmp(names, wanted) != 0)
        panic("published: %s; wanted: %s", names, wanted);
    if (bus)
        device_put(bus);
    device_stop();
    io_stop();
}

static void clear(void)
{
    node_count = 0;
    bus_without_access = PCI_BUSES_MAX;
    memset(opened, 0, sizeof(opened));
    memset(closed, 0, sizeof(closed));
}

static void tree_body(void *unused)
{
    (void)unused;
    clear();
    put(0, 0, 0, HOST, 0);
    put_bridge(0, 1, 0x00050100);
    put_bridge(1, 0, 0x00020201);
    put(2, 31, 0, STORAGE, 0);
    put_bridge(0, 2, 0); /* not configured */
    put_bridge(0x80, 0, 0x00818180);
    put(0x81, 0, 0, NETWORK, 0);
    put(0xff, 31, 7, NETWORK, 0); /* without function 0 */
    expect_functions("00:00.0 00:01.0 00:02.0 01:00.0 02:1f.0 80:00.0 81:00.0 ");

    /* Each bus was examined once, and the empty ones are not kept. */
    for (unsigned bus = 1; bus < PCI_BUSES_MAX; bus++) {
        bool used = bus <= 2 || bus == 0x80 || bus == 0x81;
        kassert(opened[bus] == 1 && closed[bus] == !used);
    }
}

static void loops_body(void *unused)
{
    (void)unused;
    clear();
    put_bridge(0, 0, 0x00ff0000); /* to itself */
    put_bridge(0, 1, 0x00ff0100);
    put_bridge(1, 0, 0x00ff0201);
    put_bridge(2, 0, 0x00000002); /* back to the first */
    put_bridge(2, 1, 0x00000102);
    put_bridge(2, 2, 0x0000ff02); /* and to the last bus */
    put_bridge(0xff, 0, 0xffffffff);
    expect_functions("00:00.0 00:01.0 01:00.0 02:00.0 02:01.0 02:02.0 ff:00.0 ");
}

static void functions_body(void *unused)
{
    (void)unused;
    clear();
    put(0, 3, 0, NETWORK, PCI_HEADER_MULTIFUNCTION);
    put(0, 3, 2, NETWORK, 0);
    put(0, 3, 7, NETWORK, 0);
    put(0, 4, 0, NETWORK, 0); /* answers to every number, but has one function */
    put(0, 4, 1, NETWORK, 0);
    put(0, 5, 1, NETWORK, 0); /* function 0 is missing */
    put(0, 6, 0, BRIDGE, PCI_HEADER_NORMAL); /* not the header of a bridge */
    nodes[node_count - 1].buses = 0x00070700;
    expect_functions("00:03.0 00:03.2 00:03.7 00:04.0 00:06.0 ");
}

static void master_body(void *unused)
{
    (void)unused;
    clear();
    put(0, 1, 0, STORAGE, 0);
    put(0, 2, 0, NETWORK, 0);
    put_bridge(0, 3, 0x00010100);
    nodes[2].command = 0;
    put_bridge(0, 4, 0);
    nodes[3].command = 0;
    expect_functions("00:01.0 00:02.0 00:03.0 00:04.0 ");
    kassert(nodes[0].command == 0);
    kassert(nodes[1].command == PCI_MASTER);
    kassert(nodes[2].command == (PCI_DECODE | PCI_MASTER)); /* passes on what comes after it */
    kassert(nodes[3].command == 0);
}

static void no_access_body(void *unused)
{
    (void)unused;
    clear();
    put(0, 0, 0, HOST, 0);
    bus_without_access = 0;
    expect_functions("");

    /* Buses that only a missing mechanism reaches are left out. */
    clear();
    put_bridge(0, 0, 0x00010100);
    put(1, 0, 0, STORAGE, 0);
    bus_without_access = 1;
    expect_functions("00:00.0 ");
}

#define TEST(name) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        rig_run(name##_body, NULL, 2); \
    }
TEST(tree)
TEST(loops)
TEST(functions)
TEST(master)
TEST(no_access)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_functions),
        cmocka_unit_test(test_master),
        cmocka_unit_test(test_no_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
