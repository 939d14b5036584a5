/*
 * real.c - converts floating-point numbers from and to text with long integers; see real.h.
 */
#include "shell/real.h"
#include "lib/format.h"
#include "lib/macros.h"
#include "lib/string.h"
#include "lib/text.h"

enum {
    BIG_LIMBS = 1400,      /* of 32 bits or 9 digits: enough for all exponents below */
    DIGITS_MAX = 1000,     /* significant digits that are parsed; more cannot change the result */
    POWER_MAX = 6000,      /* of ten */
    EXPONENT_MAX = 16384,  /* of two, of the 80-bit format */
    EXPONENT_MIN = -16445,
};

#define BASE_TWO ((uint64_t)1 << 32)
#define BASE_TEN ((uint64_t)1000000000)

/* A natural number, its lowest limb first. */
struct big {
    uint64_t base;
    unsigned count;
    uint32_t limbs[BIG_LIMBS];
};

/* ---- long integers ------------------------------------------------------------------------ */

/* big = big * factor + add. A limb that does not fit is dropped: the limits above exclude it. */
static void multiply(struct big *big, uint32_t factor, uint64_t add)
{
    for (unsigned i = 0; i < big->count; i++) {
        uint64_t product = (uint64_t)big->limbs[i] * factor + add;
        big->limbs[i] = (uint32_t)(product % big->base);
        add = product / big->base;
    }
    for (; add && big->count < BIG_LIMBS; add /= big->base)
        big->limbs[big->count++] = (uint32_t)(add % big->base);
}

/* big = big * factor^power, where factor^step is the largest power that fits into a limb. */
static void multiply_power(struct big *big, uint32_t factor, unsigned step, unsigned power)
{
    uint32_t whole = 1;
    for (unsigned i = 0; i < step; i++)
        whole *= factor;
    for (; power >= step; power -= step)
        multiply(big, whole, 0);
    for (; power; power--)
        multiply(big, factor, 0);
}

/* big = big / divisor. Returns the remainder. */
static uint32_t divide(struct big *big, uint32_t divisor)
{
    uint64_t rest = 0;
    for (unsigned i = big->count; i-- > 0;) {
        rest = rest * big->base + big->limbs[i];
        big->limbs[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    while (big->count && !big->limbs[big->count - 1])
        big->count--;
    return (uint32_t)rest;
}

/* ---- from text ---------------------------------------------------------------------------- */

struct parse {
    struct big *big;
    const char *at;
    unsigned base;    /* 10 or 16 */
    int power;        /* of the base, or of two */
    bool inexact;     /* something other than zero was cut off */
};

/* Parses digits with at most one point. Returns whether there is a digit. */
static bool take_digits(struct parse *parse)
{
    bool any = false, point = false;
    int per_digit = parse->base == 16 ? 4 : 1;
    unsigned used = 0;
    for (;; parse->at++) {
        if (*parse->at == '.' && !point) {
            point = true;
            continue;
        }
        int value = text_hex_digit(*parse->at);
        if (value < 0 || value >= (int)parse->base)
            break;

        any = true;
        if (used == DIGITS_MAX) {
            parse->inexact |= value;
            parse->power += point ? 0 : per_digit;
            continue;
        }
        multiply(parse->big, parse->base, (uint64_t)value);
        used += parse->big->count != 0;
        parse->power -= point ? per_digit : 0;
    }
    return any;
}

/* Parses "e-5" or "p+7", if it is complete. */
static void take_exponent(struct parse *parse)
{
    const char *at = parse->at;
    int value = 0;
    char letter = parse->base == 16 ? 'p' : 'e';
    if ((*at | 0x20) != letter)
        return;
    at++;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if (!text_is_digit(*at))
        return;
    for (; text_is_digit(*at); at++)
        value = min(value * 10 + (*at - '0'), 10 * EXPONENT_MAX);
    parse->power += negative ? -value : value;
    parse->at = at;
}

/* Makes the number an integer times a power of two, which is returned. */
static int scale(struct parse *parse)
{
    struct big *big = parse->big;
    if (parse->base == 16)
        return parse->power;
    parse->power = max(min(parse->power, POWER_MAX), -POWER_MAX);
    if (parse->power >= 0) {
        multiply_power(big, 10, 9, (unsigned)parse->power);
        return 0;
    }

    /* Enough zero bits are appended that the quotient has more bits than a mantissa. */
    unsigned power = (unsigned)-parse->power;
    unsigned limbs = (power * 10 / 3 + 2 * REAL_BITS) / 32 + 1;
    memmove(big->limbs + limbs, big->limbs, big->count * sizeof(*big->limbs));
    memset(big->limbs, 0, limbs * sizeof(*big->limbs));
    big->count += limbs;
    for (; power >= 9; power -= 9)
        parse->inexact |= divide(big, (uint32_t)BASE_TEN);
    for (; power; power--)
        parse->inexact |= divide(big, 10);
    return -(int)(32 * limbs);
}

static bool bit_at(const struct big *big, unsigned bit)
{
    return big->limbs[bit / 32] >> bit % 32 & 1;
}

/* Sets the value to big * 2^exponent, rounded to `bits` bits. */
static void round_bits(const struct parse *parse, int exponent, unsigned bits, struct real *value)
{
    const struct big *big = parse->big;
    unsigned length = big->count * 32;
    while (length && !bit_at(big, length - 1))
        length--;
    unsigned cut = length > bits ? length - bits : 0;
    uint64_t mantissa = 0;
    for (unsigned bit = length; bit-- > cut;)
        mantissa = mantissa << 1 | bit_at(big, bit);

    /* A half is rounded to the even neighbour, unless anything follows it. */
    bool more = parse->inexact;
    for (unsigned bit = 0; cut && bit < cut - 1 && !more; bit++)
        more = bit_at(big, bit);
    if (cut && bit_at(big, cut - 1) && (more || (mantissa & 1)))
        mantissa++;
    if (bits < 64 ? mantissa >> bits : cut && !mantissa) {
        mantissa = (uint64_t)1 << (bits - 1);
        cut++;
    }
    value->mantissa = mantissa;
    value->exponent = exponent + (int)cut;
}

/* Parses `inf`, `infinity` and `nan`. Returns what follows, or NULL. */
static const char *take_name(const char *at, struct real *value)
{
    static const struct {
        const char *name;
        enum real_kind kind;
    } names[] = {
        { "infinity", REAL_INFINITE }, { "inf", REAL_INFINITE }, { "nan", REAL_NAN },
    };
    for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
        size_t n = 0;
        while (names[i].name[n] && (at[n] | 0x20) == names[i].name[n])
            n++;
        value->kind = names[i].kind;
        if (!names[i].name[n])
            return at + n;
    }
    value->kind = REAL_FINITE;
    return NULL;
}

static status_t parse_number(struct parse *parse, unsigned bits, struct real *value)
{
    const char *start = parse->at;
    parse->base = start[0] == '0' && (start[1] | 0x20) == 'x' ? 16 : 10;
    parse->at += parse->base == 16 ? 2 : 0;
    if (!take_digits(parse)) {
        /* "0x" without digits is a zero that an x follows. */
        parse->at = start + 1;
        return parse->base == 16 ? 0 : -EINVAL;
    }
    take_exponent(parse);
    if (!parse->big->count)
        return 0;

    int exponent = scale(parse);
    round_bits(parse, exponent, bits, value);
    int top = value->exponent;
    for (uint64_t rest = value->mantissa; rest; rest >>= 1)
        top++;
    if (top > EXPONENT_MAX)
        value->kind = REAL_INFINITE;
    else if (top <= EXPONENT_MIN)
        value->mantissa = 0;
    return top > EXPONENT_MAX || top <= EXPONENT_MIN ? -ERANGE : 0;
}

status_t real_parse(const char *text, unsigned bits, const char **end, struct real *value)
{
    struct parse parse = { .at = text };
    while (*parse.at && strchr(" \t\n\v\f\r", *parse.at))
        parse.at++;
    *value = (struct real){ .negative = *parse.at == '-' };
    if (*parse.at == '-' || *parse.at == '+')
        parse.at++;
    *end = take_name(parse.at, value);
    if (*end)
        return 0;

    parse.big = mem_alloc(sizeof(*parse.big));
    if (!parse.big)
        return -ENOMEM;
    parse.big->base = BASE_TWO;
    parse.big->count = 0;
    status_t status = parse_number(&parse, bits, value);
    *end = status == -EINVAL ? text : parse.at;
    mem_free(parse.big);
    return status;
}

/* ---- to text ------------------------------------------------------------------------------ */

/* All digits of a number, without leading zeroes. The value is 0.DIGITS * 10^point. */
struct decimal {
    char *digits;
    int length, point;
};

/* Computes the exact digits: m * 2^-n is m * 5^n / 10^n. */
static status_t to_digits(const struct real *value, struct decimal *decimal)
{
    struct big *big = mem_alloc(sizeof(*big));
    uint64_t mantissa = value->mantissa;
    int exponent = value->exponent;
    decimal->digits = mem_alloc(BIG_LIMBS * 9 + 10);
    if (!big || !decimal->digits) {
        mem_free(big);
        mem_free(decimal->digits);
        return -ENOMEM;
    }

    for (; exponent < 0 && mantissa && !(mantissa & 1); exponent++)
        mantissa >>= 1;
    big->base = BASE_TEN;
    big->count = 0;
    multiply(big, 0, mantissa);
    if (exponent < 0)
        multiply_power(big, 5, 13, (unsigned)-exponent);
    else
        multiply_power(big, 2, 31, (unsigned)exponent);

    char *at = decimal->digits;
    for (unsigned i = big->count; i-- > 0; at += 9)
        format_text(at, 10, "%09u", big->limbs[i]);
    int zeroes = 0;
    decimal->length = (int)(at - decimal->digits);
    while (zeroes < decimal->length && decimal->digits[zeroes] == '0')
        zeroes++;
    decimal->length -= zeroes;
    memmove(decimal->digits, decimal->digits + zeroes, (size_t)decimal->length);
    decimal->point = decimal->length + min(exponent, 0);
    mem_free(big);
    return 0;
}

/* Rounds to `keep` digits, a tie to the even neighbour. */
static void round_digits(struct decimal *decimal, int keep)
{
    char *digits = decimal->digits;
    if (keep >= decimal->length)
        return;
    if (keep < 0) {
        decimal->length = 0;
        return;
    }

    bool more = false;
    for (int i = keep + 1; i < decimal->length; i++)
        more |= digits[i] != '0';
    bool odd = keep && (digits[keep - 1] - '0') % 2;
    bool up = digits[keep] > '5' || (digits[keep] == '5' && (more || odd));
    decimal->length = keep;
    for (int i = keep; up && i-- > 0;) {
        up = digits[i] == '9';
        digits[i] = (char)(up ? '0' : digits[i] + 1);
    }

    /* 999 became 000: it is 1000 now. */
    if (up) {
        memmove(digits + 1, digits, (size_t)keep);
        digits[0] = '1';
        decimal->length++;
        decimal->point++;
    }
}

static void put_digits(struct buffer *text, const struct decimal *decimal, int from, int to)
{
    for (int i = from; i < to; i++)
        buffer_put(text, i >= 0 && i < decimal->length ? &decimal->digits[i] : "0", 1);
}

static void put_fixed(struct buffer *text, const struct decimal *decimal, int precision, bool point)
{
    if (decimal->point > 0)
        put_digits(text, decimal, 0, decimal->point);
    else
        buffer_put(text, "0", 1);
    if (precision || point)
        buffer_put(text, ".", 1);
    put_digits(text, decimal, decimal->point, decimal->point + precision);
}

static void put_power(struct buffer *text, const struct decimal *decimal, int precision, bool point,
                      char letter)
{
    char power[16];
    put_digits(text, decimal, 0, 1);
    if (precision || point)
        buffer_put(text, ".", 1);
    put_digits(text, decimal, 1, 1 + precision);

    int exponent = decimal->length ? decimal->point - 1 : 0;
    format_text(power, sizeof(power), "%c%c%02d", letter, exponent < 0 ? '-' : '+',
                exponent < 0 ? -exponent : exponent);
    buffer_put(text, power, strlen(power));
}

/* %g: as %e for small and large numbers, without zeroes at the end. */
static void put_general(struct buffer *text, struct decimal *decimal, const struct real_form *form)
{
    int digits = max(form->precision, 1);
    round_digits(decimal, digits);
    int exponent = decimal->length ? decimal->point - 1 : 0;
    if (!form->alternate) {
        while (decimal->length && decimal->digits[decimal->length - 1] == '0')
            decimal->length--;
    }
    bool fixed = exponent >= -4 && exponent < digits;
    int shown = form->alternate ? digits : max(decimal->length, 1);
    if (fixed && !decimal->length)
        decimal->point = 1;
    if (fixed)
        put_fixed(text, decimal, max(shown - 1 - exponent, 0), form->alternate);
    else
        put_power(text, decimal, shown - 1, form->alternate, form->letter == 'G' ? 'E' : 'e');
}

status_t real_print(const struct real *value, const struct real_form *form, struct buffer *text)
{
    struct decimal decimal;
    bool upper = form->letter < 'a';
    if (value->kind != REAL_FINITE) {
        const char *name = value->kind == REAL_NAN ? upper ? "NAN" : "nan" : upper ? "INF" : "inf";
        buffer_put(text, name, 3);
        return text->status;
    }

    status_t status = to_digits(value, &decimal);
    if (status)
        return status;
    switch (form->letter) {
    case 'e': case 'E':
        round_digits(&decimal, form->precision + 1);
        put_power(text, &decimal, form->precision, form->alternate, form->letter);
        break;
    case 'g': case 'G': put_general(text, &decimal, form); break;
    default:
        round_digits(&decimal, decimal.point + form->precision);
        put_fixed(text, &decimal, form->precision, form->alternate);
    }
    mem_free(decimal.digits);
    return text->status;
}
