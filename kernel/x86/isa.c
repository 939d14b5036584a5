/*
 * isa.c - the ports and interrupt lines of a PC, for kernel/isa.h.
 */
#include "kernel/isa.h"
#include "kernel/x86/interrupts.h"

_Static_assert(sizeof(struct interrupt_handler) <=
               sizeof(((struct isa_interrupt *)0)->machine_private), "the handler fits");

static struct interrupt_handler *handler_of(struct isa_interrupt *interrupt)
{
    return (struct interrupt_handler *)(void *)interrupt->machine_private;
}

static status_t line_connect(unsigned line, struct isa_interrupt *interrupt)
{
    struct interrupt_handler *handler = handler_of(interrupt);
    *handler = (struct interrupt_handler){ .handle = interrupt->handle,
                                           .context = interrupt->context,
                                           .name = interrupt->name };
    return interrupt_register(line, handler) ? -ENODEV : 0;
}

static void line_disconnect(unsigned line, struct isa_interrupt *interrupt)
{
    interrupt_unregister(line, handler_of(interrupt));
}

const struct isa_machine isa_pc = {
    .ports = &register_ports,
    .connect = line_connect,
    .disconnect = line_disconnect,
};
