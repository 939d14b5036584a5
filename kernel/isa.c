/*
 * isa.c - the machine that serves fixed ports and lines.
 */
#include "kernel/isa.h"

static const struct isa_machine *isa_machine;

void isa_use(const struct isa_machine *machine)
{
    isa_machine = machine;
}

status_t isa_map(uint16_t port, uint32_t bytes, struct registers *window)
{
    if (!isa_machine)
        return -ENODEV;

    *window = (struct registers){
        .access = isa_machine->ports,
        .base = port,
        .bytes = bytes,
        .model = isa_machine->model,
    };
    return 0;
}

status_t isa_connect(unsigned line, struct isa_interrupt *interrupt)
{
    return isa_machine ? isa_machine->connect(line, interrupt) : -ENODEV;
}

void isa_disconnect(unsigned line, struct isa_interrupt *interrupt)
{
    isa_machine->disconnect(line, interrupt);
}
