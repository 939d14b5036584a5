/*
 * od_real.c - decodes floating-point numbers; see od_real.h.
 *
 * References  IEEE 754, binary32 and binary64; Intel SDM volume 1, 4.2.2 (the 80-bit format).
 */
#include "shell/commands/data/od_real.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"
#include "shell/real.h"

static const struct shape {
    unsigned bytes;
    unsigned fraction_bits, exponent_bits;
    int bias;
    bool has_integer_bit; /* the first bit of the mantissa is stored */
    int digits_least, digits_most;
    unsigned width;
} shapes[] = {
    { 4, 23, 8, 127, false, 6, 9, 15 },
    { 8, 52, 11, 1023, false, 15, 17, 24 },
    { 16, 63, 15, 16383, true, 18, 21, 29 },
};

static const struct shape *shape_of(unsigned bytes)
{
    return &shapes[bytes == 4 ? 0 : bytes == 8 ? 1 : 2];
}

unsigned od_real_width(unsigned bytes)
{
    return shape_of(bytes)->width;
}

static uint64_t number_at(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

static struct real decode(const struct shape *shape, const uint8_t *bytes)
{
    /* The 80-bit format is a mantissa of 8 bytes and two more with the exponent and the sign. */
    uint64_t low = number_at(bytes, shape->has_integer_bit ? 8 : shape->bytes);
    uint64_t high = shape->has_integer_bit ? number_at(bytes + 8, 2) : low >> shape->fraction_bits;
    unsigned largest = (1U << shape->exponent_bits) - 1;
    unsigned exponent = (unsigned)high & largest;
    uint64_t fraction = low & (((uint64_t)1 << shape->fraction_bits) - 1);

    struct real value = {
        .negative = high >> shape->exponent_bits & 1,
        .mantissa = shape->has_integer_bit ? low : fraction,
        .exponent = (int)max(exponent, 1U) - shape->bias - (int)shape->fraction_bits,
        .kind = exponent < largest ? REAL_FINITE : fraction ? REAL_NAN : REAL_INFINITE,
    };
    uint64_t integer_bit = (uint64_t)1 << shape->fraction_bits;
    if (exponent && !shape->has_integer_bit)
        value.mantissa |= integer_bit;
    if (exponent && !(value.mantissa & integer_bit))
        value.kind = REAL_NAN;
    return value;
}

/* Returns the number of bits without leading zeroes. */
static unsigned bits_of(uint64_t value)
{
    unsigned bits = 0;
    for (; value; value >>= 1)
        bits++;
    return bits;
}

/* Returns whether the text, parsed again, is the same number. The last bit of a subnormal number
 * has a fixed exponent, so it has fewer bits. */
static bool identifies(const char *text, const struct real *value, bool subnormal)
{
    struct real again;
    const char *end;
    uint64_t mantissa = value->mantissa;
    unsigned bits = subnormal ? REAL_BITS : bits_of(mantissa);
    if (!mantissa || real_parse(text, bits, &end, &again))
        return true;

    int shift = value->exponent - again.exponent;
    if (subnormal && shift > 0 && shift <= REAL_BITS)
        return (again.mantissa >> (shift - 1)) / 2 + (again.mantissa >> (shift - 1)) % 2 ==
               mantissa;
    return shift <= 0 && -shift < REAL_BITS && again.mantissa << -shift == mantissa;
}

void od_real(char *text, size_t room, const uint8_t *bytes, unsigned size)
{
    const struct shape *shape = shape_of(size);
    struct real value = decode(shape, bytes);
    struct buffer printed = { 0 };

    /* A number without its usual precision, a subnormal one, may need fewer digits. */
    bool subnormal = bits_of(value.mantissa) <= shape->fraction_bits;
    int digits = subnormal ? 1 : shape->digits_least;
    *text = '\0';
    for (; digits <= shape->digits_most; digits++) {
        struct real_form form = { 'g', digits, false };
        buffer_clear(&printed);
        if (real_print(&value, &form, &printed))
            break;
        format_text(text, room, "%s%s", value.negative ? "-" : "", printed.text);
        if (value.kind != REAL_FINITE || identifies(printed.text, &value, subnormal))
            break;
    }
    buffer_free(&printed);
}
