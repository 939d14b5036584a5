/*
 * vdrive.h - what the vdrive commands share: requests to the control device of virtual
 * drives (kernel/dev/virtual.h), names of drives and images, and messages for refusals.
 *
 * Names       A drive is named by its number N, its alias virtualN, or the path of its device's
 *             file, virtual/N or Classes/virtualN: N is the same in each. Messages use the alias.
 *             An image is a device's name or a path.
 * Settling    vdrive_control returns when the monitor has looked at what it brought about, so that
 *             the next command finds it mounted, or not held any more.
 */
#ifndef SHELL_COMMANDS_DISCS_VDRIVE_VDRIVE_H
#define SHELL_COMMANDS_DISCS_VDRIVE_VDRIVE_H

#include "kernel/dev/virtual.h"
#include "shell/reading/progress.h"
#include "shell/shell.h"

/* ---- requests ----------------------------------------------------------------------------- */

/* One operation of the control device. */
status_t vdrive_control(unsigned operation, void *request, size_t bytes) MUST_CHECK;
/* What is known of a drive, on the heap. */
status_t vdrive_info(const char *device, struct virtual_info **info) MUST_CHECK;

/* All drives by number: zeroed memory is the start. 0 and `info`, -ENOENT past the last. */
struct vdrive_walk {
    struct virtual_list list;
    struct virtual_info info;
};
status_t vdrive_walk_next(struct vdrive_walk *walk) MUST_CHECK;

/* A bar for what takes long: &bar.report is the request's `progress`. */
struct vdrive_bar {
    struct virtual_progress report;
    struct progress progress;
};
void vdrive_bar_begin(struct vdrive_bar *bar, struct shell *shell, const char *name);
void vdrive_bar_end(struct vdrive_bar *bar);

/* ---- names -------------------------------------------------------------------------------- */

/* The alias that a drive's name stands for; what is none is passed on for the driver to refuse. */
status_t vdrive_name(struct shell *shell, const char *word,
                     char device[DEVICE_NAME_BYTES]) MUST_CHECK;
/* The absolute path of an image that is there. */
status_t vdrive_image(struct shell *shell, const char *word,
                      char image[VIRTUAL_IMAGE_BYTES]) MUST_CHECK;

/* ---- saying ------------------------------------------------------------------------------- */

struct vdrive_refusal {
    status_t status; /* 0: the table's end */
    const char *sentence;
};

/* "command: SUBJECT: sentence" of the table, else what shell_fail says. Returns the status. */
int vdrive_refuse(struct shell *shell, const char *subject, status_t status,
                  const struct vdrive_refusal *table);
/* The same for requests that name a drive and nothing else, with what all of them know. */
int vdrive_refuse_drive(struct shell *shell, const char *device, status_t status);
/* A line for each of those who have the drive open, and one that says how often it is. */
int vdrive_report_busy(struct shell *shell, const char *device, const char *advice);
/* Calls `say` with each mount of the drive that has this name now. */
void vdrive_each_mount(const char *device,
                       void (*say)(void *context, const struct mount_info *mount), void *context);

/* ---- the parts ---------------------------------------------------------------------------- */

extern const struct shell_command vdrive_new, vdrive_add;               /* add.c */
extern const struct shell_command vdrive_save, vdrive_diff, vdrive_commit, vdrive_discard,
    vdrive_fault;                                                     /* contents.c */

#endif
