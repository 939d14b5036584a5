/* needs_16.c - a driver object for tests that needs as many others as is allowed. */
#include "kernel/module/info.h"

DRIVER_INFO("needs_16", "0.1", "MIT", "the most needs");
DRIVER_NEEDS("a\0needs=b\0needs=c\0needs=d\0needs=e\0needs=f\0needs=g\0needs=h\0needs=i");
DRIVER_NEEDS("j\0needs=k\0needs=l\0needs=m\0needs=n\0needs=o\0needs=p");

extern const int needs_16_constant;
const int needs_16_constant = 1;
