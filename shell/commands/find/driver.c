/*
 * driver.c - what the object find.drv says about itself. Its commands are in the other files of
 * this folder, each with the entry of the index by which it is found.
 */
#include "kernel/module/info.h"

DRIVER_INFO("find", "1.0", "MIT", "commands that search directory trees");
