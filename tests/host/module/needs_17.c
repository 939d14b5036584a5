/* needs_17.c - a driver object for tests that needs too many others. */
#include "kernel/module/info.h"

DRIVER_INFO("needs_17", "0.1", "MIT", "too many needs");
DRIVER_NEEDS("a\0needs=b\0needs=c\0needs=d\0needs=e\0needs=f\0needs=g\0needs=h\0needs=i");
DRIVER_NEEDS("j\0needs=k\0needs=l\0needs=m\0needs=n\0needs=o\0needs=p\0needs=q");

extern const int needs_17_constant;
const int needs_17_constant = 1;
