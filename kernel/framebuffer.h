/*
 * framebuffer.h - the screen that the loader has set up.
 */
#ifndef KERNEL_FRAMEBUFFER_H
#define KERNEL_FRAMEBUFFER_H

#include <stdbool.h>
#include <stdint.h>

struct framebuffer {
    uint64_t address; /* physical; 0: none */
    uint32_t pitch_bytes, width, height;
    uint8_t bits; /* per pixel */
    bool text;    /* character cells instead of pixels; width and height count cells */
    uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
};

#endif
