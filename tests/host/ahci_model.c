/*
 * ahci_model.c - an AHCI controller without hardware. See ahci_model.h.
 *
 * The offsets and bits are written here again, from the standard: so a wrong one in the driver is
 * noticed.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/host/ahci_model_private.h"
#include "lib/macros.h"
#include "tests/host/rig.h"

enum {
    CAP = 0x00, GHC = 0x04, IS = 0x08, PI = 0x0c, VS = 0x10, CAP2 = 0x24, BOHC = 0x28,
    PORTS = 0x100, PORT_BYTES = 0x80,
    CLB = 0x00, CLBU = 0x04, FB = 0x08, FBU = 0x0c, PXIS = 0x10, PXIE = 0x14, CMD = 0x18,
    TFD = 0x20, SIG = 0x24, SSTS = 0x28, SCTL = 0x2c, SERR = 0x30, SACT = 0x34, CI = 0x38,

    GHC_HR = 1, GHC_IE = 2,
    BOHC_BOS = 1, BOHC_OOS = 2,
    CMD_ST = 1 << 0, CMD_FRE = 1 << 4, CMD_FR = 1 << 14, CMD_CR = 1 << 15,
    IS_DHRS = 1 << 0, IS_PSS = 1 << 1, IS_SDBS = 1 << 3, IS_PCS = 1 << 6, IS_PRCS = 1 << 22,
    IS_TFES = 1 << 30,
    SERR_N = 1 << 16, SERR_X = 1 << 26,

    VERSION_1_3_1 = 0x10301,
};

static struct ahci_model *model_of(struct pci_model *pci)
{
    return container_of(pci, struct ahci_model, pci);
}

/* ---- links: the lock is held -------------------------------------------------------------- */

static void port_event(struct ahci_model *model, struct ahci_model_port *port, uint32_t events)
{
    port->is |= events;
    if (port->is & port->ie) {
        model->is |= 1u << (port - model->ports);
        model->interrupt = true;
        wait_queue_wake_all(&model->changed);
    }
}

/* The unit's first frame is accepted once there is memory for it, and the note of the connection
 * was cleared. */
static void port_greet(struct ahci_model *model, struct ahci_model_port *port)
{
    if (!port->greeting || !(port->cmd & CMD_FRE) || port->serr & SERR_X || port->busy)
        return;
    port->greeting = false;
    port->sig = port->kind == AHCI_MODEL_CD ? 0xeb140101 : 0x00000101;
    port->tfd = STATUS_GOOD | 0x100;
    port_event(model, port, IS_DHRS);
}

static void port_link(struct ahci_model_port *port)
{
    bool there = port->kind != AHCI_MODEL_EMPTY;
    port->ssts = there ? 0x133 : 0;
    port->sig = UINT32_MAX;
    port->tfd = there ? STATUS_BUSY : 0x7f;
    port->serr |= there ? SERR_N | SERR_X : SERR_N;
    port->greeting = there;
    port->accepted = port->hanging = 0;
}

static void port_reset_registers(struct ahci_model_port *port)
{
    port->is = port->ie = port->cmd = port->sctl = port->serr = port->sact = port->ci = 0;
    port->halted = false;
    port_link(port);
}

void ahci_model_connect(struct ahci_model *model, unsigned number, enum ahci_model_kind kind,
                        const char *serial)
{
    struct ahci_model_port *port = &model->ports[number];
    spin_lock(&model->lock);
    port->kind = kind;
    port->serial = serial;
    port_link(port);
    port_event(model, port, IS_PRCS | (kind ? IS_PCS : 0));
    spin_unlock(&model->lock);
}

void ahci_model_end_busy(struct ahci_model *model, unsigned number)
{
    spin_lock(&model->lock);
    model->ports[number].busy = false;
    port_greet(model, &model->ports[number]);
    spin_unlock(&model->lock);
}

/* ---- registers ---------------------------------------------------------------------------- */

static uint64_t read_port(const struct ahci_model_port *port, uint64_t offset)
{
    switch (offset) {
    case CLB: return port->list[0];
    case CLBU: return port->list[1];
    case FB: return port->received[0];
    case FBU: return port->received[1];
    case PXIS: return port->is;
    case PXIE: return port->ie;
    case CMD:
        return port->cmd | (port->cmd & CMD_FRE ? CMD_FR : 0) |
               (port->cmd & CMD_ST || port->moving || port->stuck ? CMD_CR : 0);
    case TFD: return port->tfd;
    case SIG: return port->sig;
    case SSTS: return port->ssts;
    case SCTL: return port->sctl;
    case SERR: return port->serr;
    case SACT: return port->sact;
    case CI: return port->ci;
    default: return 0;
    }
}

static uint64_t model_read(struct pci_model *pci, uint64_t offset, unsigned bytes)
{
    struct ahci_model *model = model_of(pci);
    kassert(bytes == 4 && offset % 4 == 0);
    if (model->absent)
        return UINT32_MAX;
    spin_lock(&model->lock);
    uint64_t value = 0;
    unsigned slots = model->slots ? model->slots : 32;
    switch (offset) {
    case CAP:
        value = (model->liar ? 31 : AHCI_MODEL_PORTS - 1) | (slots - 1) << 8 |
                model->capabilities;
        break;
    case GHC: value = model->ghc; break;
    case IS: value = model->is; break;
    case PI: value = model->liar ? UINT32_MAX : (1 << AHCI_MODEL_PORTS) - 1; break;
    case VS: value = VERSION_1_3_1; break;
    case CAP2: value = 1; break;
    case BOHC: value = model->bohc; break;
    default:
        if (offset >= PORTS)
            value = read_port(&model->ports[(offset - PORTS) / PORT_BYTES],
                              (offset - PORTS) % PORT_BYTES);
    }
    spin_unlock(&model->lock);
    return value;
}

static void write_command(struct ahci_model *model, struct ahci_model_port *port, uint32_t value)
{
    bool started = value & CMD_ST && !(port->cmd & CMD_ST);
    if (started) {
        kassert(port->cmd & CMD_FRE && !port->moving && !port->stuck);
        kassert(!(port->tfd & 0x88) && (port->ssts & 0xf) == 3);
    }
    kassert(value & CMD_FRE || !(port->cmd & CMD_ST));
    if (port->cmd & CMD_ST && !(value & CMD_ST)) {
        port->ci = port->sact = port->accepted = port->hanging = 0;
        port->halted = false;
    }
    port->cmd = value & ~(uint32_t)(CMD_CR | CMD_FR);
    port_greet(model, port);
    wait_queue_wake_all(&model->changed);
}

static void write_control(struct ahci_model *model, struct ahci_model_port *port, uint32_t value)
{
    bool ends = (port->sctl & 0xf) == 1 && !(value & 0xf);
    kassert(!(value & 0xf) || !(port->cmd & CMD_ST));
    port->sctl = value;
    if (!ends)
        return;
    port->resets++;
    if (model->reset)
        model->reset();
    port_link(port);
    port_event(model, port, IS_PRCS | (port->kind ? IS_PCS : 0));
}

static void write_issue(struct ahci_model *model, struct ahci_model_port *port, uint32_t value)
{
    kassert(port->cmd & CMD_ST && !(port->ci & value));
    port->ci |= value;
    wait_queue_wake_all(&model->changed);
}

static void write_port(struct ahci_model *model, struct ahci_model_port *port, uint64_t offset,
                       uint32_t value)
{
    switch (offset) {
    case CLB:
    case CLBU:
        kassert(!(port->cmd & CMD_ST) && (offset != CLB || value % 1024 == 0));
        port->list[offset == CLBU] = value;
        break;
    case FB:
    case FBU:
        kassert(!(port->cmd & CMD_FRE) && (offset != FB || value % 256 == 0));
        port->received[offset == FBU] = value;
        break;
    case PXIS:
        port->is &= ~value;
        /* These follow PxSERR. */
        port_event(model, port, (port->serr & SERR_N ? IS_PRCS : 0) |
                                (port->serr & SERR_X ? IS_PCS : 0));
        break;
    case PXIE:
        port->ie = value;
        port_event(model, port, 0);
        break;
    case CMD: write_command(model, port, value); break;
    case SCTL: write_control(model, port, value); break;
    case SERR:
        port->serr &= ~value;
        port_greet(model, port);
        break;
    case SACT:
        kassert(port->cmd & CMD_ST);
        port->sact |= value;
        break;
    case CI: write_issue(model, port, value); break;
    default: panic("a write to port register %#x", (unsigned)offset);
    }
}

static void write_global(struct ahci_model *model, uint32_t value)
{
    model->ghc = value;
    if (!(value & GHC_HR) || model->dead)
        return;
    for (unsigned i = 0; i < AHCI_MODEL_PORTS; i++)
        port_reset_registers(&model->ports[i]);
    model->ghc = 0;
    model->is = 0;
}

static void model_write(struct pci_model *pci, uint64_t offset, unsigned bytes, uint64_t value)
{
    struct ahci_model *model = model_of(pci);
    kassert(bytes == 4 && offset % 4 == 0);
    if (model->absent)
        return;
    spin_lock(&model->lock);
    switch (offset) {
    case GHC: write_global(model, (uint32_t)value); break;
    case IS:
        model->is &= ~(uint32_t)value;
        for (unsigned i = 0; i < AHCI_MODEL_PORTS; i++)
            port_event(model, &model->ports[i], 0);
        break;
    case BOHC:
        model->bohc = (uint32_t)value;
        if (model->bohc & BOHC_OOS && !model->firmware_keeps)
            model->bohc &= ~(uint32_t)BOHC_BOS;
        break;
    default:
        kassert(offset >= PORTS);
        write_port(model, &model->ports[(offset - PORTS) / PORT_BYTES],
                   (offset - PORTS) % PORT_BYTES, (uint32_t)value);
    }
    spin_unlock(&model->lock);
}

/* ---- commands: the model's thread --------------------------------------------------------- */

/* Reports the end of a command. The lock is held. */
static void report(struct ahci_model *model, struct ahci_model_carried *carried)
{
    struct ahci_model_port *port = carried->port;
    uint32_t bit = 1u << carried->slot;
    bool failed = carried->status & 1;
    port->tfd = carried->status | (uint32_t)carried->error << 8;

    if (!carried->queued) {
        uint8_t *registers =
            ahci_model_memory_at(model, port->received[0], port->received[1]) + 0x40;
        memcpy(registers + 4, carried->fis + 4, 8);
        put32(carried->header + 4,
              carried->step.too_long ? carried->done_bytes + 4096 : carried->done_bytes);
        if (!failed)
            port->ci &= ~bit;
    } else if (failed) {
        ahci_model_fill_log(carried);
    } else {
        port->sact &= ~bit;
        port->accepted &= ~bit;
    }
    if (carried->step.ghost) {
        port->ci |= 1u << (carried->slot + 1) % 32;
        port->hanging |= port->ci;
    }

    /* An error stops the list. */
    if (failed)
        port->halted = true;
    port->is |= carried->queued ? IS_SDBS : IS_DHRS;
    if (failed)
        port->is |= IS_TFES;
    if (!carried->step.lost && !model->no_interrupts)
        port_event(model, port, 0);
}

/* Returns the step for a command, and steps on. The lock is held. */
static struct ahci_model_step take_step(struct ahci_model *model, uint8_t operation)
{
    struct ahci_model_step step = { 0 };
    if (model->step < AHCI_MODEL_STEPS && model->script[model->step].operation == operation) {
        step = model->script[model->step];
        if (++model->served >= step.times) {
            model->step++;
            model->served = 0;
        }
    }
    return step;
}

static bool is_queued(uint8_t operation)
{
    return operation == READ_FPDMA || operation == WRITE_FPDMA;
}

/* Chooses a command to carry out: any of those that the port was given. The lock is held. */
static bool choose(struct ahci_model *model, struct ahci_model_carried *carried)
{
    unsigned first = (unsigned)(rig_random() % AHCI_MODEL_PORTS);
    for (unsigned i = 0; i < AHCI_MODEL_PORTS; i++) {
        struct ahci_model_port *port = &model->ports[(first + i) % AHCI_MODEL_PORTS];
        uint32_t ready = (port->ci | port->accepted) & ~port->hanging;
        if (!(port->cmd & CMD_ST) || port->halted || !ready || (port->ssts & 0xf) != 3)
            continue;

        unsigned slot = (unsigned)(rig_random() % 32);
        while (!(ready & 1u << slot))
            slot = (slot + 1) % 32;
        *carried = (struct ahci_model_carried){ .port = port, .slot = slot };
        port->moving = true;
        return true;
    }
    return false;
}

static void process(struct ahci_model *model, struct ahci_model_carried *carried)
{
    struct ahci_model_port *port = carried->port;
    uint8_t *list = ahci_model_memory_at(model, port->list[0], port->list[1]);
    carried->header = list + carried->slot * 32;
    carried->fis = ahci_model_memory_at(model, get32(carried->header + 8),
                                        get32(carried->header + 12));
    carried->operation = carried->fis[2];
    carried->queued = is_queued(carried->operation);
    uint32_t bit = 1u << carried->slot;
    kassert((carried->header[0] & 0x1f) == 5 && carried->fis[0] == 0x27 &&
            carried->fis[1] == 0x80);

    /* A queued command is accepted first, and carried out another time. */
    spin_lock(&model->lock);
    bool stopped = !(port->cmd & CMD_ST) || (port->ssts & 0xf) != 3;
    kassert(stopped || !!(port->sact & bit) == carried->queued);
    bool accept = carried->queued && port->ci & bit;
    if (accept && !stopped) {
        port->ci &= ~bit;
        port->accepted |= bit;
    } else if (!stopped) {
        kassert(carried->queued || !port->accepted);
        carried->step = take_step(model, carried->operation);
    }
    if (accept || stopped)
        port->moving = false;
    spin_unlock(&model->lock);
    if (accept || stopped)
        return;

    ahci_model_carry_out(model, carried);
    if (carried->step.unplug)
        ahci_model_connect(model, (unsigned)(port - model->ports), AHCI_MODEL_EMPTY, NULL);

    spin_lock(&model->lock);
    port->moving = false;
    bool there = port->cmd & CMD_ST && (port->ssts & 0xf) == 3;
    if (there && carried->events) {
        port->halted = true;
        port_event(model, port, carried->events);
    } else if (there && carried->hang) {
        port->hanging |= bit;
        if (!carried->queued)
            port->tfd = STATUS_BUSY;
    } else if (there) {
        report(model, carried);
    }
    spin_unlock(&model->lock);

    if (carried->step.doubled)
        pci_model_raise(&model->pci, 0);
}

static void model_main(void *argument)
{
    struct ahci_model *model = argument;
    spin_lock(&model->lock);
    while (!model->stopping) {
        struct ahci_model_carried carried;
        bool interrupt = model->interrupt && model->ghc & GHC_IE && model->is;
        model->interrupt = false;
        if (interrupt && !model->no_interrupts) {
            spin_unlock(&model->lock);
            pci_model_raise(&model->pci, 0);
            spin_lock(&model->lock);
        } else if (choose(model, &carried)) {
            spin_unlock(&model->lock);
            process(model, &carried);
            spin_lock(&model->lock);
        } else {
            IGNORE(wait_queue_wait(&model->changed, &model->lock, TIME_NEVER));
        }
    }
    spin_unlock(&model->lock);
}

/* ---- life --------------------------------------------------------------------------------- */

void ahci_model_follow(struct ahci_model *model, const struct ahci_model_step *script)
{
    spin_lock(&model->lock);
    memcpy(model->script, script, sizeof(model->script));
    model->step = model->served = 0;
    spin_unlock(&model->lock);
}

void ahci_model_start(struct ahci_model *model)
{
    model->pci.vendor = 0x8086;
    model->pci.product = 0x2922;
    model->pci.class_code = 1;
    model->pci.subclass = 6;
    model->pci.interface = 1;
    model->pci.vectors = 1;
    model->pci.bars[5] = (struct pci_model_bar){
        .bytes = PORTS + AHCI_MODEL_PORTS * PORT_BYTES,
        .read = model_read,
        .write = model_write,
    };
    model->bohc = model->firmware || model->firmware_keeps ? BOHC_BOS : 0;
    spin_init(&model->lock, RANK_COMPLETIONS);
    wait_queue_init(&model->changed);

    for (unsigned i = 0; i < AHCI_MODEL_PORTS; i++) {
        struct ahci_model_port *port = &model->ports[i];
        port_reset_registers(port);
        port->sectors = malloc(AHCI_MODEL_SECTORS * AHCI_MODEL_SECTOR_BYTES);
        for (size_t at = 0; at < AHCI_MODEL_SECTORS * AHCI_MODEL_SECTOR_BYTES; at++)
            port->sectors[at] = ahci_model_byte(at);
    }
    model->thread = thread_create("hba", PRIORITY_IO, model_main, model);
    kassert(model->thread);
}

void ahci_model_plug_in(struct ahci_model *model)
{
    if (!model->thread)
        ahci_model_start(model);
    pci_model_publish(&model->pci, "00:1f.2");
}

void ahci_model_unplug(struct ahci_model *model)
{
    pci_model_remove(&model->pci);
    spin_lock(&model->lock);
    model->stopping = true;
    wait_queue_wake_all(&model->changed);
    spin_unlock(&model->lock);
    thread_join(model->thread);
    model->thread = NULL;
    for (unsigned i = 0; i < AHCI_MODEL_PORTS; i++)
        free(model->ports[i].sectors);
}
