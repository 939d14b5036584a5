/*
 * vdrive.h - what the vdrive commands share: requests to the control device of virtual drives
 * (kernel/dev/virtual.h), names of drives and images, and messages for refusals.
 *
 * Names       A drive is named by its number N, its alias virtualN, or the path of its device's
 *             file, virtual/N or Classes/virtualN: N is the same in each. Messages use the alias.
 *             An image is a device's name or a path.
 * Settling    vdrive_control() returns after the monitor has handled the change, so that the next
 *             command finds a new drive mounted, and a removed one released.
 */
#ifndef SHELL_COMMANDS_DISCS_VDRIVE_VDRIVE_H
#define SHELL_COMMANDS_DISCS_VDRIVE_VDRIVE_H

#include "kernel/dev/virtual.h"
#include "shell/reading/progress.h"
#include "shell/shell.h"

/* ---- requests ----------------------------------------------------------------------------- */

/* Performs one operation of the control device. */
status_t vdrive_control(unsigned operation, void *request, size_t bytes) MUST_CHECK;
/* Returns the state of a drive, on the heap. */
status_t vdrive_info(const char *device, struct virtual_info **info) MUST_CHECK;

/* A walk over all drives, by number. It starts zeroed; each step fills `info`, or returns -ENOENT
 * after the last drive. */
struct vdrive_walk {
    struct virtual_list list;
    struct virtual_info info;
};
status_t vdrive_walk_next(struct vdrive_walk *walk) MUST_CHECK;

/* A progress bar: &bar.report is the request's `progress`. */
struct vdrive_bar {
    struct virtual_progress report;
    struct progress progress;
};
void vdrive_bar_begin(struct vdrive_bar *bar, struct shell *shell, const char *name);
void vdrive_bar_end(struct vdrive_bar *bar);

/* ---- names -------------------------------------------------------------------------------- */

/* Converts a drive's name to its alias. The driver refuses a name that is not valid. */
status_t vdrive_name(struct shell *shell, const char *word,
                     char device[DEVICE_NAME_BYTES]) MUST_CHECK;
/* Returns the absolute path of an image, which must exist. */
status_t vdrive_image(struct shell *shell, const char *word,
                      char image[VIRTUAL_IMAGE_BYTES]) MUST_CHECK;

/* ---- messages ----------------------------------------------------------------------------- */

struct vdrive_refusal {
    status_t status; /* 0: the table's end */
    const char *reason;
};

/* Reports "command: SUBJECT: reason", with the table's reason or else shell_fail()'s. Returns the
 * command's status. */
int vdrive_refuse(struct shell *shell, const char *subject, status_t status,
                  const struct vdrive_refusal *table);
/* The same for requests that name only a drive, with the reasons that all of them share. */
int vdrive_refuse_drive(struct shell *shell, const char *device, status_t status);
/* Reports each mount and each image that has the drive open, and then how often it is open. */
int vdrive_report_busy(struct shell *shell, const char *device, const char *advice);
/* Calls `visit` for each mount of the drive that has this name now. */
void vdrive_each_mount(const char *device,
                       void (*visit)(void *context, const struct mount_info *mount),
                       void *context);

/* ---- the parts ---------------------------------------------------------------------------- */

extern const struct shell_command vdrive_new, vdrive_add;               /* add.c */
extern const struct shell_command vdrive_save, vdrive_diff, vdrive_commit, vdrive_discard,
    vdrive_fault;                                                     /* contents.c */

#endif
