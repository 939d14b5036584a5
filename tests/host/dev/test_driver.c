/*
 * test_driver.c - promise: a driver that is registered at run time is offered the devices without a
 * driver, in order, and each device is taken back once. For both back ends.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "host/port/host.h"
#include "kernel/dev/device.h"
#include "kernel/dev/driver.h"
#include "kernel/log.h"
#include "tests/host/rig.h"

static const struct bus_type test_bus = { .name = "test" };
static char calls[64]; /* a letter for each call: the driver's; upper case: remove_device */

static void note(char call)
{
    size_t length = strlen(calls);
    kassert(length + 1 < sizeof(calls));
    calls[length] = call;
    calls[length + 1] = '\0';
}

static void expect_calls(const char *wanted)
{
    kassert(strcmp(calls, wanted) == 0);
    calls[0] = '\0';
}

/* "a" refuses every device; "b" and "c" accept those on the test bus, and "b" publishes a child. */
static status_t add_a(struct device *device)
{
    if (device_bus_data(device, &test_bus))
        note('a');
    return -ENODEV;
}

static status_t add_b(struct device *device)
{
    struct device *child;
    if (!device_bus_data(device, &test_bus))
        return -ENODEV;
    note('b');
    kassert(device_publish_bus(device, "child", &child) == 0);
    device_put(child);
    return 0;
}

static void remove_b(struct device *device)
{
    kassert(device_child(device, 0) == NULL);
    note('B');
}

static status_t add_c(struct device *device)
{
    if (!device_bus_data(device, &test_bus))
        return -ENODEV;
    note('c');
    return 0;
}

static void remove_c(struct device *device)
{
    (void)device;
    note('C');
}

static const struct driver driver_a = { .name = "a", .order = 1, .add_device = add_a };
static const struct driver driver_b = {
    .name = "b", .order = 2, .add_device = add_b, .remove_device = remove_b
};
static const struct driver driver_c = {
    .name = "c", .order = 3, .add_device = add_c, .remove_device = remove_c
};

static void set_up(void)
{
    calls[0] = '\0';
    kassert(io_start() == 0 && device_start() == 0);
}

static void tear_down(void)
{
    device_stop();
    io_stop();
}

static struct device *publish(const char *name)
{
    struct device *device = device_create(NULL, &(struct device_description){
        .name = name, .bus = &test_bus, .bus_data = &test_bus,
    });
    kassert(device != NULL && device_publish(device) == 0);
    return device;
}

static void drop(struct device *device)
{
    device_remove(device);
    device_put(device);
}

static void order_body(void *unused)
{
    (void)unused;
    set_up();
    struct device *early = publish("early");
    kassert(device_driver(early) == NULL);
    kassert(driver_register(&driver_c) == 0);
    expect_calls("c");
    kassert(device_driver(early) == &driver_c);

    /* A driver of a lower order does not take a device that another one has. */
    kassert(driver_register(&driver_b) == 0 && driver_register(&driver_a) == 0);
    expect_calls("");
    struct device *late = publish("late");
    expect_calls("ab");
    kassert(device_driver(late) == &driver_b);
    kassert(driver_register(&driver_b) == -EEXIST);

    /* Its device is offered to the others, after its children went. */
    struct device *child = device_find("late/child");
    kassert(driver_unregister(&driver_b) == 0);
    expect_calls("Bac");
    kassert(device_driver(late) == &driver_c && device_is_gone(child));
    kassert(driver_unregister(&driver_b) == -ENOENT);
    device_put(child);

    drop(early);
    expect_calls("C");
    kassert(driver_unregister(&driver_c) == 0);
    expect_calls("Ca");
    kassert(device_driver(late) == NULL);
    kassert(driver_unregister(&driver_a) == 0);
    drop(late);
    expect_calls("");
    tear_down();
}

/* ---- the root ----------------------------------------------------------------------------- */

static struct device *root_bus;

static status_t root_add(struct device *device)
{
    return device == device_root() ? device_publish_bus(device, "late-bus", &root_bus) : -ENODEV;
}

static void root_remove(struct device *device)
{
    kassert(device == device_root());
    drop(root_bus);
    note('R');
}

static void root_body(void *unused)
{
    (void)unused;
    static const struct driver driver = {
        .name = "root", .order = 5, .add_device = root_add, .remove_device = root_remove,
    };
    static struct driver stays = { .name = "stays", .order = 5, .add_device = root_add };
    set_up();
    kassert(driver_register(&driver) == 0);
    struct device *bus = device_find("late-bus");
    kassert(bus == root_bus);
    kassert(driver_unregister(&driver) == 0);
    expect_calls("R");
    kassert(device_is_gone(bus) && device_find("late-bus") == NULL);
    device_put(bus);

    /* A driver without remove_device cannot take its bus away. */
    stays.remove_device = NULL;
    kassert(driver_register(&stays) == 0);
    kassert(driver_unregister(&stays) == -EOPNOTSUPP);
    stays.remove_device = root_remove;
    kassert(driver_unregister(&stays) == 0);
    expect_calls("R");
    tear_down();
}

/* ---- a driver in use, and without memory -------------------------------------------------- */

static void busy_body(void *unused)
{
    (void)unused;
    set_up();
    host_fail_nth_allocation(1);
    kassert(driver_register(&driver_b) == -ENOMEM);
    host_fail_nth_allocation(0);
    kassert(driver_register(&driver_b) == 0);
    const struct driver *driver = driver_next(NULL);
    while (driver != &driver_b)
        driver = driver_next(driver);
    kassert(driver_unregister(&driver_b) == -EBUSY);
    driver_put(driver);
    kassert(driver_unregister(&driver_b) == 0);
    tear_down();
}

/* ---- removal while the device is offered -------------------------------------------------- */

static status_t removing_add(struct device *device)
{
    if (!device_bus_data(device, &test_bus))
        return -ENODEV;
    device_remove(device);
    note('x');
    return 0;
}

static void removing_remove(struct device *device)
{
    kassert(device_is_gone(device));
    note('X');
}

static void removing_body(void *unused)
{
    (void)unused;
    static const struct driver driver = {
        .name = "removing", .order = 5, .add_device = removing_add,
        .remove_device = removing_remove,
    };
    set_up();
    kassert(driver_register(&driver) == 0);
    struct device *device = publish("short");
    expect_calls("xX");
    drop(device);
    expect_calls("");
    kassert(driver_unregister(&driver) == 0);
    tear_down();
}

/* ---- devices and drivers that come at the same time --------------------------------------- */

static void publisher(void *ended)
{
    struct device *device = publish("racing");
    kassert(device_driver(device) == &driver_c);
    drop(device);
    semaphore_up(ended);
}

/* The device gets the driver once and is taken back once, whichever comes first. */
static void race_body(void *unused)
{
    (void)unused;
    set_up();
    struct semaphore ended;
    semaphore_init(&ended, 0);
    kassert(driver_register(&driver_c) == 0);
    struct thread *thread = thread_create("publisher", PRIORITY_NORMAL, publisher, &ended);
    kassert(thread != NULL && driver_register(&driver_a) == 0);
    while (semaphore_down(&ended, TIME_NEVER))
        ;
    thread_join(thread);
    unsigned adds = 0, removes = 0;
    for (const char *call = calls; *call; call++) {
        adds += *call == 'c';
        removes += *call == 'C';
    }
    kassert(adds == 1 && removes == 1);
    kassert(driver_unregister(&driver_a) == 0 && driver_unregister(&driver_c) == 0);
    tear_down();
}

#define TEST(name, seeds) \
    static void test_##name(void **state) \
    { \
        (void)state; \
        rig_run(name##_body, NULL, seeds); \
    }
TEST(order, 4)
TEST(root, 4)
TEST(busy, 1)
TEST(removing, 4)
TEST(race, 64)

int main(void)
{
    log_set_level(LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),    cmocka_unit_test(test_root),
        cmocka_unit_test(test_busy),     cmocka_unit_test(test_removing),
        cmocka_unit_test(test_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
