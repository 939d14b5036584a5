/*
 * icon.h - pictures of drives: what GET_ICON (kernel/dev/control.h) answers.
 *
 * Three drawings in two sizes, and two states that change them: a padlock in the lower right corner
 * for a drive that cannot be written, and grey instead of colours for one without a medium.
 */
#ifndef KERNEL_DEV_ICON_H
#define KERNEL_DEV_ICON_H

#include "kernel/dev/control.h"

enum icon_kind { ICON_DISK, ICON_CD, ICON_VIRTUAL, ICON_KINDS };
enum { ICON_READ_ONLY = 1, ICON_ABSENT = 2 }; /* states, to be or-ed */

/* Fills icon->pixels for icon->side, which is ICON_SMALL or ICON_LARGE. */
void icon_draw(struct device_icon *icon, enum icon_kind kind, unsigned state);

#endif
