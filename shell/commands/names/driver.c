/*
 * driver.c - what the object names.drv says about itself. Its commands are in the other files of
 * this folder, each with the entry of the index by which it is found.
 */
#include "kernel/module/info.h"

DRIVER_INFO("names", "1.0", "MIT", "commands for the paths, links and attributes of files");
