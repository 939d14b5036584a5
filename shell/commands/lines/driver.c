/*
 * driver.c - what the object lines.drv says about itself. Its commands are in the other files of
 * this folder, each with the entry of the index by which it is found.
 */
#include "kernel/module/info.h"

DRIVER_INFO("lines", "1.0", "MIT", "commands that transform and sort lines of text");
