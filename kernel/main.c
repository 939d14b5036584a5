/*
 * main.c - start-up: one line for each step, with its reason.
 *
 * boot/ has switched the processor to long mode in the higher half, with page tables for the first
 * 4 GiB, and collected the loader's information in struct boot_info.
 */
#include "boot/boot_info.h"
#include "drivers/input/keyboard.h"
#include "drivers/serial/serial.h"
#include "drivers/video/video.h"
#include "kernel/build.h"
#include "kernel/command_line.h"
#include "kernel/console.h"
#include "kernel/dev/deadlines.h"
#include "kernel/isa.h"
#include "kernel/log.h"
#include "kernel/mm/memory.h"
#include "kernel/mm/space.h"
#include "kernel/module/index.h"
#include "kernel/modules.h"
#include "kernel/monitor.h"
#include "kernel/sched/thread.h"
#include "kernel/selftest.h"
#include "kernel/vfs/vfs.h"
#include "kernel/x86/alarm.h"
#include "kernel/x86/apic.h"
#include "kernel/x86/clock.h"
#include "kernel/x86/cpu.h"
#include "kernel/x86/dispatch.h"
#include "kernel/x86/gdt.h"
#include "kernel/x86/idt.h"
#include "kernel/x86/power.h"
#include "kernel/x86/rtc.h"
#include "shell/editor/interact.h"
#include "shell/shell.h"

static struct command_line command_line;
static struct shell shell;
static const struct acpi_memory firmware_memory = { space_map_firmware, space_unmap };

/* UEFI's console may have been the serial port: then it has set colours, at GRUB's request, which
 * would remain. A terminal that the firmware sends such sequences to understands this one too. */
static void reset_colours(void)
{
    console_write("\033[0m", 4);
}

/* The machine: afterwards there are memory, time, threads and a console. */
static void start_machine(const struct boot_info *boot)
{
    cpu_start();        /* NX and write protection, before there are pages that need them */
    gdt_start();        /* a separate stack for double faults */
    idt_start();        /* exceptions panic with a backtrace from now on */
    interrupts_start(); /* moves interrupts away from the exceptions' vectors */
    memory_start(boot); /* the final page tables, frames and the heap */
    apic_start(space_map_mmio); /* messages of devices; connects the 8259s to the processor */
    power_start(boot, &firmware_memory, space_map_mmio); /* ACPI's tables, while there is memory */
    clock_start(power_timer_port());     /* time, before anything waits */
    alarm_start();      /* the interrupt that ends a wait */
    thread_start();     /* this becomes the first thread; interrupts are on */
    bool serial = serial_start();        /* the console, with input */
    if (boot->efi)
        reset_colours();
    rtc_start(power_century_register()); /* the date, before a file is created */
    bool screen = video_start(&boot->framebuffer); /* the screen as a second console */
    bool keyboard = keyboard_start();              /* its input */
    if (screen && !keyboard)
        log_warn("keyboard", "no PS/2 keyboard; %s",
                 serial ? "type at the serial port" : "no serial port: there is no input");
}

static void log_start(const struct boot_info *boot)
{
    log_info("spindle", "build %s, by %s", spindle_build_id,
             *boot->loader ? boot->loader : boot->protocol);
    log_info("memory", "%zu of %zu KiB free", page_free_count() * (PAGE_BYTES / 1024),
             page_total_count() * (PAGE_BYTES / 1024));
    power_report();
    if (boot->command_line_cut)
        log_warn("boot", "command line: longer than %d bytes; the rest is ignored",
                 BOOT_COMMAND_LINE_BYTES - 1);
}

/* Panics if a part of the kernel could not be started. */
static void must(const char *what, status_t status)
{
    if (status)
        panic("%s: %s", what, status_text(status));
}

/* The storage stack, bottom first. */
static void start_storage(void)
{
    mem_set_reclaim(vfs_reclaim);       /* caches may use all memory from now on */
    must("io requests", io_start());    /* the completion thread, before any device */
    must("file cache", cache_start());
    isa_use(&isa_pc);                   /* ports and lines, for drivers that know theirs */
    must("devices", device_start());    /* drivers find their devices */
    must("file systems", vfs_start());  /* ramfs at /, devfs at /System/Devices */
}

/* Mounts the media in all drives, now and when they change. */
static void start_monitor(void)
{
    static struct monitor_options options;
    options.build_id = spindle_build_id;
    options.system_name = command_line.system_name;
    options.is_copy = modules_is_copy;
    options.release_copy = modules_release;
    must("monitor", monitor_start(&options));

    /* The prompt and `run=` come after /System was chosen, but not later than this. */
    if (monitor_wait_settled(time_now_us() + DEADLINE_SETTLE_US))
        log_warn("monitor", "the disc for /System does not respond yet; continuing without it");

    /* Log lines wait for a prompt from now on. */
    while (!log_settle())
        thread_yield();
}

static void run_selftests(void)
{
    if (command_line.selftest && selftest_run())
        machine_poweroff(1);
}

_Noreturn void kmain(const struct boot_info *boot)
{
    start_machine(boot);

    /* The level decides whether the next lines are shown, so the command line comes first. */
    command_line_parse(boot->command_line, &command_line);
    log_set_level(command_line.log_level);
    log_start(boot);
    if (command_line.drivers_any)
        index_allow_any();
    if (command_line.copy_failed)
        log_warn("boot", "this disc does not fit into memory; it is used only if a driver reaches "
                         "its drive");

    start_storage();
    modules_start(boot); /* GRUB's modules become drives, before one is chosen as /System */
    run_selftests();     /* before other threads use memory: the tests compare its use */
    start_monitor();

    /* The main thread becomes the shell's. */
    must("shell", shell_init(&shell, shell_console_sink, NULL, NULL));
    shell_start_up(&shell, command_line.run);
    shell_interact(&shell);
}
