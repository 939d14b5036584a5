/*
 * functions.h - the functions of a linked object and their names, copied for back traces and the
 * profiler (kernel/code.h): the object's own bytes are freed after loading.
 */
#ifndef KERNEL_MODULE_FUNCTIONS_H
#define KERNEL_MODULE_FUNCTIONS_H

#include "kernel/code.h"
#include "kernel/module/link.h"

struct functions {
    struct code_function *list;
    size_t count;
    char *names;
};

/* Copies them into zeroed *functions. -ENOMEM; functions_free() frees what was allocated. */
status_t functions_copy(struct functions *functions, const struct link *link) MUST_CHECK;
void functions_free(struct functions *functions);

#endif
