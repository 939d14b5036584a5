/*
 * code.c - the uses of each loaded driver. See code.h.
 */
#include "kernel/code.h"
#include "lib/format.h"
#include "lib/text.h"

static struct spin lock = SPIN_INIT(RANK_LOG);
static struct list owners = LIST_INIT(owners);
static _Atomic bool any; /* there are owners: checked first, without the lock */

/* Caller holds the lock. */
static struct code_owner *find_owner(uintptr_t address)
{
    list_each(link, &owners) {
        struct code_owner *owner = container_of(link, struct code_owner, link);
        for (unsigned i = 0; i < CODE_SPANS; i++)
            if (address - owner->spans[i].start < owner->spans[i].bytes)
                return owner;
    }
    return NULL;
}

void code_use_begin(struct code_use *use, const void *address, const char *kind, const char *name)
{
    use->link.next = NULL;
    if (!any)
        return;

    spin_lock(&lock);
    struct code_owner *owner = find_owner((uintptr_t)address);
    if (owner) {
        use->kind = kind;
        use->name = name;
        list_push_back(&owner->uses, &use->link);
    }
    spin_unlock(&lock);
}

void code_use_end(struct code_use *use)
{
    if (!use->link.next)
        return;
    spin_lock(&lock);
    list_remove(&use->link);
    use->link.next = NULL;
    spin_unlock(&lock);
}

void code_use_move(struct code_use *to, struct code_use *from)
{
    *to = (struct code_use){ .kind = from->kind, .name = from->name };
    if (!from->link.next)
        return;
    spin_lock(&lock);
    list_push_back(&from->link, &to->link);
    list_remove(&from->link);
    from->link.next = NULL;
    spin_unlock(&lock);
}

void code_owner_add(struct code_owner *owner)
{
    list_init(&owner->uses);
    spin_lock(&lock);
    list_push_back(&owners, &owner->link);
    any = true;
    spin_unlock(&lock);
}

/* Caller holds the lock. */
static void describe_first(const struct code_owner *owner, char *text, size_t bytes)
{
    const struct code_use *use = container_of(owner->uses.next, struct code_use, link);
    format_text(text, bytes, "%s %s", use->kind, use->name);
}

status_t code_owner_remove(struct code_owner *owner, char *text, size_t bytes)
{
    status_t status = 0;

    spin_lock(&lock);
    if (list_empty(&owner->uses)) {
        list_remove(&owner->link);
        any = !list_empty(&owners);
    } else {
        describe_first(owner, text, bytes);
        status = -EBUSY;
    }
    spin_unlock(&lock);
    return status;
}

unsigned code_owner_uses(struct code_owner *owner, char *text, size_t bytes)
{
    unsigned count = 0;

    spin_lock(&lock);
    list_each(link, &owner->uses)
        count++;
    if (count && text)
        describe_first(owner, text, bytes);
    spin_unlock(&lock);
    return count;
}

/* ---- names --------------------------------------------------------------------------------- */

bool code_owner_name(const void *address, char *name, size_t bytes)
{
    spin_lock(&lock);
    const struct code_owner *owner = find_owner((uintptr_t)address);
    if (owner)
        text_copy(name, bytes, owner->name);
    spin_unlock(&lock);
    return owner;
}

static const struct code_function *function_at(const struct code_owner *owner, uintptr_t address)
{
    const struct code_function *best = NULL;
    for (size_t i = 0; i < owner->function_count; i++) {
        const struct code_function *function = &owner->functions[i];
        if (function->address <= address && (!best || function->address > best->address))
            best = function;
    }
    return best;
}

bool code_symbol_find(uintptr_t address, struct code_symbol *symbol)
{
    /* The code that a panic or the timer interrupted may hold the lock. */
    if (!spin_try_lock(&lock))
        return false;

    const struct code_owner *owner = find_owner(address);
    if (owner) {
        const struct code_function *function = function_at(owner, address);
        text_copy(symbol->owner, sizeof(symbol->owner), owner->name);
        text_copy(symbol->function, sizeof(symbol->function), function ? function->name : "?");
        symbol->offset = address - (function ? function->address : owner->spans[0].start);
    }
    spin_unlock(&lock);
    return owner;
}
