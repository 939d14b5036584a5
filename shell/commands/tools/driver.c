/*
 * driver.c - what the object tools.drv contains about itself. Its commands are in the other files
 * of this folder, each with the entry of the index by which it is found.
 */
#include "kernel/module/info.h"

DRIVER_INFO("tools", "1.0", "MIT", "commands for dates, repetition and other small tasks");
