/* needs_hello.c - a driver object for tests that needs another one. */
#include "kernel/module/info.h"

DRIVER_INFO("needs_hello", "0.1", "MIT", "nothing by itself");
DRIVER_NEEDS("hello");

extern const int needs_hello_constant;
const int needs_hello_constant = 1;
