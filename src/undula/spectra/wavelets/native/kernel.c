/* One level of a wavelet transform along one axis or the last two: two filters and every second sample.
 *
 * The axis is extended by "margins": samples that are sums of a few of its own. No extended copy of an array is made:
 * - along rows, a tile of a row with its margins is taken apart into its even and its odd samples in the first-level
 *   cache, after which a sum over the taps of a filter is a sum of contiguous rows: the two phases, shifted;
 * - across rows, it is a sum of contiguous rows anyway, and margins are rows that are read again.
 * So one loop, `sums`, does all the arithmetic of all four functions. Of images, each row is taken apart once and stays
 * in a ring of as many rows as the filter has taps.
 *
 * The second part is compiled twice, for float and for double: the file includes itself. */
#ifndef REAL
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

typedef int64_t integer;

#if defined(__AVX512F__)
#define WIDE 64
#elif defined(__AVX__)
#define WIDE 32
#else
#define WIDE 16
#endif
#define NARROW 16

enum {
    LINE = 64,      /* bytes of a cache line */
    AHEAD = 1024,   /* bytes from where rows are read to where they are fetched: doubles the speed of short filters */
    TILE = 512,     /* numbers of a phase of a tile; with 1024, reading overlaps less with arithmetic: a third slower */
    DIRECT = 128,   /* from so many numbers per sample on, rows across an axis are read where they are */
    COLUMNS = 2048, /* so many of those are worked on at once, so that the rows of all taps stay in the cache */
};

/* Left alone, gcc reads a vector from memory for each of the two sums that it is added to: a fifth slower. */
#if defined(__SSE__)
#define IN_REGISTER(x) __asm__("" : "+v"(x))
#elif defined(__aarch64__)
#define IN_REGISTER(x) __asm__("" : "+w"(x))
#else
#define IN_REGISTER(x)
#endif

#define INLINE static inline __attribute__((always_inline))
#define PASTE_(name, type) name##_##type
#define PASTE(name, type) PASTE_(name, type)
#define NAME(name) PASTE(name, REAL)
#define EXPORT(name) __attribute__((visibility("default"))) int NAME(name)
#define SMALLER(a, b) ((a) < (b) ? (a) : (b))

/* Scratch memory of one call, zero at first; every part begins a cache line. */
typedef struct {
    void *block;
    char *next;
} memory;

INLINE int reserve(memory *scratch, integer bytes, integer parts) {
    scratch->block = calloc(1, bytes + (parts + 1) * LINE);
    scratch->next = (char *)(((uintptr_t)scratch->block + LINE - 1) & -(uintptr_t)LINE);
    return scratch->block != NULL;
}

INLINE void *part(memory *scratch, integer bytes) {
    void *start = scratch->next;
    scratch->next += (bytes + LINE - 1) & -(integer)LINE;
    return start;
}

/* Ask for large pages for memory that is not touched yet: touching small ones can take longer than a transform. */
__attribute__((visibility("default"))) void large_pages(char *start, integer bytes) {
#if defined(MADV_HUGEPAGE)
    const uintptr_t page = 4096, from = ((uintptr_t)start + page - 1) & -page, until = ((uintptr_t)start + bytes) & -page;
    if (until > from)
        madvise((void *)from, until - from, MADV_HUGEPAGE); /* fails where there are none, which does no harm */
#else
    (void)start, (void)bytes;
#endif
}

#define REAL float
#include "kernel.c"
#undef REAL
#define REAL double
#include "kernel.c"
#else

/* Vectors in registers, and vectors in memory, which may stand at any number. */
typedef REAL NAME(wide) __attribute__((vector_size(WIDE)));
typedef REAL NAME(narrow) __attribute__((vector_size(NARROW)));
typedef REAL NAME(wide_at) __attribute__((vector_size(WIDE), aligned(sizeof(REAL)), may_alias));
typedef REAL NAME(narrow_at) __attribute__((vector_size(NARROW), aligned(sizeof(REAL)), may_alias));

/* An axis as `calls.py` prepares it. Terms of margin sample p: entries starts[p] … starts[p + 1] - 1. */
typedef struct {
    integer taps, left, right, single; /* single: every margin sample has exactly one term */
    const REAL *first, *second;        /* the two weights of every row that `sums` adds up */
    const integer *starts, *index;
    const REAL *weight;
} NAME(axis);

/* `count` vectors of both sums. */
#define BLOCK(VECTOR, count)                                                                                           \
    {                                                                                                                  \
        NAME(VECTOR) a[count] = {0}, b[count] = {0};                                                                   \
        for (integer m = 0; m < axis->taps; m++)                                                                       \
            for (int v = 0; v < count; v++) {                                                                          \
                NAME(VECTOR) x = ((const PASTE(VECTOR##_at, REAL) *)(rows[m] + j))[v];                                 \
                IN_REGISTER(x);                                                                                        \
                a[v] += f[m] * x;                                                                                      \
                b[v] += g[m] * x;                                                                                      \
            }                                                                                                          \
        for (int v = 0; v < count; v++) {                                                                              \
            ((PASTE(VECTOR##_at, REAL) *)(first + j))[v] = a[v];                                                       \
            ((PASTE(VECTOR##_at, REAL) *)(second + j))[v] = b[v];                                                      \
        }                                                                                                              \
    }

/* A rest that fills no vector is done by one that ends with the row: some sums are made twice. */
#define REST(VECTOR, lanes)                                                                                            \
    if (n >= lanes) {                                                                                                  \
        for (; j + lanes <= n; j += lanes)                                                                             \
            BLOCK(VECTOR, 1)                                                                                           \
        if (j < n) {                                                                                                   \
            j = n - lanes;                                                                                             \
            BLOCK(VECTOR, 1)                                                                                           \
        }                                                                                                              \
        return;                                                                                                        \
    }

/* first[j] = Σ f[m] rows[m][j] and second[j] = Σ g[m] rows[m][j]. Four vectors of both at once hide the latency of the
 * multiplications; with that, unrolling the loop over the taps gains 7 % at most. */
static void NAME(sums)(const NAME(axis) *axis, const REAL *const *rows, REAL *restrict first, REAL *restrict second,
                       integer n) {
    const integer lanes = WIDE / sizeof(REAL), few = NARROW / sizeof(REAL);
    const REAL *f = axis->first, *g = axis->second;
    integer j = 0;
    for (; j + 4 * lanes <= n; j += 4 * lanes)
        BLOCK(wide, 4)
    REST(wide, lanes)
    REST(narrow, few)
    for (; j < n; j++) {
        REAL a = 0, b = 0;
        for (integer m = 0; m < axis->taps; m++) {
            a += f[m] * rows[m][j];
            b += g[m] * rows[m][j];
        }
        first[j] = a;
        second[j] = b;
    }
}
#undef BLOCK
#undef REST

/* Margin sample p, of `inner` numbers, of an axis whose samples start every `stride` numbers. */
INLINE void NAME(margin)(const NAME(axis) *axis, integer p, const REAL *x, integer stride, integer inner, REAL *out) {
    if (axis->single && inner == 1) {
        *out = axis->weight[p] * x[axis->index[p] * stride];
        return;
    }
    if (axis->starts[p] == axis->starts[p + 1]) {
        memset(out, 0, inner * sizeof(REAL));
        return;
    }
    /* Terms after the first as differences from it: a straight line followed far beyond an end would magnify the
     * rounding of (1 + k) x[0] - k x[1], but not that of x[0] - k (x[1] - x[0]). */
    const integer from = axis->starts[p], until = axis->starts[p + 1];
    const REAL *first = x + axis->index[from] * stride;
    REAL whole = 0;
    for (integer t = from; t < until; t++)
        whole += axis->weight[t];
    for (integer c = 0; c < inner; c++)
        out[c] = whole * first[c];
    for (integer t = from + 1; t < until; t++) {
        const REAL *next = x + axis->index[t] * stride, weight = axis->weight[t];
        for (integer c = 0; c < inner; c++)
            out[c] += weight * (next[c] - first[c]);
    }
}

/* `count` samples of `inner` numbers dealt out by turns to a and b. */
INLINE void NAME(deal_of)(const REAL *x, integer count, const integer inner, REAL *restrict a, REAL *restrict b) {
    for (integer i = 0; i < count / 2; i++)
        for (integer c = 0; c < inner; c++) {
            a[i * inner + c] = x[2 * i * inner + c];
            b[i * inner + c] = x[(2 * i + 1) * inner + c];
        }
    if (count & 1)
        memcpy(a + count / 2 * inner, x + (count - 1) * inner, inner * sizeof(REAL));
}

static void NAME(deal)(const REAL *x, integer count, integer inner, REAL *a, REAL *b) {
    const integer pairs = 2 * LINE / sizeof(REAL);
    switch (inner) {
    case 1:
        for (; count >= 2 * pairs; count -= 2 * pairs, x += 2 * pairs, a += pairs, b += pairs) {
            for (integer byte = 0; byte < 4 * LINE; byte += LINE)
                __builtin_prefetch((const char *)x + AHEAD + byte);
            NAME(deal_of)(x, 2 * pairs, 1, a, b);
        }
        NAME(deal_of)(x, count, 1, a, b);
        break;
    case 2: NAME(deal_of)(x, count, 2, a, b); break; /* complex numbers */
    case 3: NAME(deal_of)(x, count, 3, a, b); break; /* colors */
    case 4: NAME(deal_of)(x, count, 4, a, b); break;
    default: NAME(deal_of)(x, count, inner, a, b);
    }
}

/* Places from (even) … until - 1 of the extended axis, taken apart. */
INLINE void NAME(take_apart)(const NAME(axis) *axis, const REAL *x, integer n, integer inner, integer from,
                             integer until, REAL *even, REAL *odd) {
    const integer left = SMALLER(axis->left, until), right = SMALLER(axis->left + n, until);
    integer p = from;
#define AT(p) (((p) & 1 ? odd : even) + (((p) - from) >> 1) * inner)
    for (; p < left; p++)
        NAME(margin)(axis, p, x, inner, inner, AT(p));
    if (p < right)
        NAME(deal)(x + (p - axis->left) * inner, right - p, inner, AT(p), AT(p + 1));
    for (p = p < right ? right : p; p < until; p++)
        NAME(margin)(axis, p - n, x, inner, inner, AT(p));
#undef AT
}

/* Places from … until - 1 of an extended band: where they are, if none of them is a margin, else in `buffer`. */
INLINE const REAL *NAME(extended)(const NAME(axis) *axis, const REAL *x, integer n, integer inner, integer from,
                                  integer until, REAL *buffer) {
    const integer left = SMALLER(axis->left, until), right = SMALLER(axis->left + n, until);
    integer p = from;
    if (from >= axis->left && until <= axis->left + n)
        return x + (from - axis->left) * inner;
    for (; p < left; p++)
        NAME(margin)(axis, p, x, inner, inner, buffer + (p - from) * inner);
    if (p < right)
        memcpy(buffer + (p - from) * inner, x + (p - axis->left) * inner, (right - p) * inner * sizeof(REAL));
    for (p = p < right ? right : p; p < until; p++)
        NAME(margin)(axis, p - n, x, inner, inner, buffer + (p - from) * inner);
    return buffer;
}

/* Samples from … until - 1 of the even and the odd ones by turns; sample 2 i is even[0]. */
INLINE void NAME(put_together_of)(const REAL *restrict even, const REAL *restrict odd, integer i, const integer inner,
                                  integer from, integer until, REAL *restrict out) {
    if (from & 1) {
        memcpy(out, odd + ((from++ >> 1) - i) * inner, inner * sizeof(REAL));
        out += inner;
    }
    even += ((from >> 1) - i) * inner;
    odd += ((from >> 1) - i) * inner;
    const integer pairs = (until - from) / 2;
    for (integer k = 0; k < pairs; k++)
        for (integer c = 0; c < inner; c++) {
            out[2 * k * inner + c] = even[k * inner + c];
            out[(2 * k + 1) * inner + c] = odd[k * inner + c];
        }
    if ((until - from) & 1)
        memcpy(out + 2 * pairs * inner, even + pairs * inner, inner * sizeof(REAL));
}

static void NAME(put_together)(const REAL *even, const REAL *odd, integer i, integer inner, integer from, integer until,
                               REAL *out) {
    switch (inner) {
    case 1: NAME(put_together_of)(even, odd, i, 1, from, until, out); break;
    case 2: NAME(put_together_of)(even, odd, i, 2, from, until, out); break;
    case 3: NAME(put_together_of)(even, odd, i, 3, from, until, out); break;
    case 4: NAME(put_together_of)(even, odd, i, 4, from, until, out); break;
    default: NAME(put_together_of)(even, odd, i, inner, from, until, out);
    }
}

/* Row at place e of an axis extended across rows of `width` numbers: where it is, or a sum of rows in `buffer`. */
INLINE const REAL *NAME(row_at)(const NAME(axis) *axis, integer e, const REAL *x, integer n, integer stride,
                                integer width, REAL *buffer) {
    if (e >= axis->left && e < axis->left + n)
        return x + (e - axis->left) * stride;
    const integer p = e < axis->left ? e : e - n, t = axis->starts[p];
    if (axis->starts[p + 1] == t + 1 && axis->weight[t] == 1)
        return x + axis->index[t] * stride;
    NAME(margin)(axis, p, x, stride, width, buffer);
    return buffer;
}

/* Where rows are worked on, a tile at a time: both phases, both extended bands, zeros for a missing band. */
typedef struct {
    REAL *even, *odd, *bands[2], *zeros;
    const REAL **rows;
} NAME(tile);

INLINE int NAME(make_tile)(NAME(tile) *tile, memory *scratch, const NAME(axis) *axis, integer inner, integer more) {
    const integer size = (TILE + axis->taps * inner) * sizeof(REAL), pointers = axis->taps * sizeof(REAL *);
    if (!reserve(scratch, 5 * size + pointers + more, 16))
        return 0;
    *tile = (NAME(tile)){part(scratch, size), part(scratch, size), {part(scratch, size), part(scratch, size)},
                         part(scratch, size), part(scratch, pointers)};
    return 1;
}

/* Both bands of one row of n samples. */
INLINE void NAME(row_down)(const NAME(axis) *axis, const REAL *x, integer n, integer inner, integer count, REAL *low,
                           REAL *high, const NAME(tile) *tile) {
    for (integer m = 0; m < axis->taps; m++)
        tile->rows[m] = (m & 1 ? tile->odd : tile->even) + (m >> 1) * inner;
    for (integer o = 0; o < count; o += TILE / inner) {
        const integer size = SMALLER(count - o, TILE / inner);
        NAME(take_apart)(axis, x, n, inner, 2 * o, 2 * (o + size) + axis->taps - 2, tile->even, tile->odd);
        NAME(sums)(axis, tile->rows, low + o * inner, high + o * inner, size * inner);
    }
}

/* Samples start … start + length - 1 of one row from its bands (NULL: zeros) of n samples. */
INLINE void NAME(row_up)(const NAME(axis) *axis, const REAL *low, const REAL *high, integer n, integer inner,
                         integer start, integer length, REAL *out, const NAME(tile) *tile) {
    const REAL *bands[2] = {low, high};
    const integer half = axis->taps / 2, end = start + length;
    for (integer i = start / 2; 2 * i < end; i += TILE / inner) {
        const integer size = SMALLER((end + 1) / 2 - i, TILE / inner);
        for (int b = 0; b < 2; b++) {
            const REAL *band = tile->zeros;
            if (bands[b])
                band = NAME(extended)(axis, bands[b], n, inner, i, i + size + half - 1, tile->bands[b]);
            for (integer k = 0; k < half; k++)
                tile->rows[2 * k + b] = band + k * inner;
        }
        NAME(sums)(axis, tile->rows, tile->even, tile->odd, size * inner);
        const integer from = 2 * i < start ? start : 2 * i;
        NAME(put_together)(tile->even, tile->odd, i, inner, from, SMALLER(2 * (i + size), end),
                           out + (from - start) * inner);
    }
}

/* Rows t and t + 1 of a synthesis, as far as they lie in start … end - 1. They are written one after the other: by
 * turns, as `sums` would, short filters take twice as long, because the lines to write to are not fetched ahead. */
INLINE void NAME(two_rows)(const NAME(axis) *axis, const REAL *const *rows, integer t, integer start, integer end,
                           integer stride, integer width, REAL *out, REAL *spare) {
    NAME(sums)(axis, rows, t < start ? spare + width : out + (t - start) * stride, spare, width);
    if (t + 1 < end)
        memcpy(out + (t + 1 - start) * stride, spare, width * sizeof(REAL));
}

/* x (outer, n, inner) to low and high (outer, count, inner), for few numbers per sample and for many. All that is
 * exported returns 1 where there is no memory, else 0. */
static int NAME(along_down)(const NAME(axis) *axis, const REAL *x, REAL *low, REAL *high, integer outer, integer n,
                            integer inner, integer count) {
    memory scratch;
    NAME(tile) tile;
    if (!NAME(make_tile)(&tile, &scratch, axis, inner, 0))
        return 1;
    for (integer k = 0; k < outer; k++, x += n * inner, low += count * inner, high += count * inner)
        NAME(row_down)(axis, x, n, inner, count, low, high, &tile);
    free(scratch.block);
    return 0;
}

static int NAME(across_down)(const NAME(axis) *axis, const REAL *x, REAL *low, REAL *high, integer outer, integer n,
                             integer inner, integer count) {
    const integer rows_size = axis->taps * sizeof(REAL *), buffer_size = axis->taps * COLUMNS * sizeof(REAL);
    memory scratch;
    if (!reserve(&scratch, rows_size + buffer_size, 2))
        return 1;
    const REAL **rows = part(&scratch, rows_size);
    REAL *buffer = part(&scratch, buffer_size);
    for (integer k = 0; k < outer; k++, x += n * inner, low += count * inner, high += count * inner)
        for (integer c = 0; c < inner; c += COLUMNS)
            for (integer o = 0; o < count; o++) {
                const integer width = SMALLER(inner - c, COLUMNS);
                for (integer m = 0; m < axis->taps; m++)
                    rows[m] = NAME(row_at)(axis, 2 * o + m, x + c, n, inner, width, buffer + m * width);
                NAME(sums)(axis, rows, low + o * inner + c, high + o * inner + c, width);
            }
    free(scratch.block);
    return 0;
}

EXPORT(down)(const NAME(axis) *axis, const REAL *x, REAL *low, REAL *high, integer outer, integer n, integer inner,
             integer count) {
    return (inner < DIRECT ? NAME(along_down) : NAME(across_down))(axis, x, low, high, outer, n, inner, count);
}

/* Samples start … start + length - 1 (outer, length, inner) from bands (outer, n, inner), NULL for zeros. */
static int NAME(along_up)(const NAME(axis) *axis, const REAL *low, const REAL *high, REAL *out, integer outer,
                          integer n, integer inner, integer start, integer length) {
    memory scratch;
    NAME(tile) tile;
    if (!NAME(make_tile)(&tile, &scratch, axis, inner, 0))
        return 1;
    for (integer k = 0; k < outer; k++, out += length * inner) {
        NAME(row_up)(axis, low, high, n, inner, start, length, out, &tile);
        low = low ? low + n * inner : NULL;
        high = high ? high + n * inner : NULL;
    }
    free(scratch.block);
    return 0;
}

static int NAME(across_up)(const NAME(axis) *axis, const REAL *low, const REAL *high, REAL *out, integer outer,
                           integer n, integer inner, integer start, integer length) {
    const integer rows_size = axis->taps * sizeof(REAL *), row = COLUMNS * sizeof(REAL), end = start + length;
    memory scratch;
    if (!reserve(&scratch, rows_size + (axis->taps + 3) * row, 4))
        return 1;
    const REAL **rows = part(&scratch, rows_size), *zeros = part(&scratch, row);
    REAL *spare = part(&scratch, 2 * row), *buffer = part(&scratch, axis->taps * row);
    for (integer k = 0; k < outer; k++, out += length * inner)
        for (integer c = 0; c < inner; c += COLUMNS)
            for (integer i = start / 2; 2 * i < end; i++) {
                const integer width = SMALLER(inner - c, COLUMNS), at = k * n * inner + c;
                for (integer m = 0; m < axis->taps; m++) {
                    const REAL *band = m & 1 ? high : low;
                    rows[m] = band ? NAME(row_at)(axis, i + (m >> 1), band + at, n, inner, width, buffer + m * width)
                                   : zeros;
                }
                NAME(two_rows)(axis, rows, 2 * i, start, end, inner, width, out + c, spare);
            }
    free(scratch.block);
    return 0;
}

EXPORT(up)(const NAME(axis) *axis, const REAL *low, const REAL *high, REAL *out, integer outer, integer n,
           integer inner, integer start, integer length) {
    return (inner < DIRECT ? NAME(along_up) : NAME(across_up))(axis, low, high, out, outer, n, inner, start, length);
}

/* Numbers from one row of a ring to the next: an odd number of cache lines, because rows that stand a power of two
 * apart would drive each other out of the cache. */
INLINE integer NAME(apart)(integer width) {
    return ((width * sizeof(REAL) + LINE - 1) / LINE | 1) * LINE / sizeof(REAL);
}

/* Images (count, n, width) to four bands (count, h, w): low-low, low-high, high-low, high-high, rows' filter first.
 * Images and bands stand `step` and `step0` … `step3` numbers apart. (Arrays of arguments would take longer to make.) */
EXPORT(down2)(const NAME(axis) *rows, const NAME(axis) *columns, const REAL *x, integer step, REAL *band0, REAL *band1,
              REAL *band2, REAL *band3, integer step0, integer step1, integer step2, integer step3, integer images,
              integer n, integer width, integer h, integer w) {
    const integer taps = rows->taps, extended = columns->left + width + columns->right;
    const integer phase = (extended + 1) / 2, row = NAME(apart)(2 * phase);
    const integer pointers = (2 * taps + 2 * columns->taps) * sizeof(REAL *);
    memory scratch;
    if (!reserve(&scratch, pointers + ((taps + 2) * row + width) * sizeof(REAL), 6))
        return 1;
    const REAL **ring = part(&scratch, pointers), **lows = ring + 2 * taps, **highs = lows + columns->taps;
    REAL *low = part(&scratch, row * sizeof(REAL)), *high = part(&scratch, row * sizeof(REAL));
    REAL *buffer = part(&scratch, width * sizeof(REAL)), *slots = part(&scratch, taps * row * sizeof(REAL));
    for (integer m = 0; m < 2 * taps; m++) /* twice around, so that from any slot on all are in one list */
        ring[m] = slots + m % taps * row;
    for (integer m = 0; m < columns->taps; m++) {
        lows[m] = low + (m & 1) * phase + (m >> 1);
        highs[m] = high + (m & 1) * phase + (m >> 1);
    }
    for (integer k = 0; k < images; k++)
        for (integer o = 0, made = 0; o < h; o++) {
            for (; made < 2 * o + taps; made++) {
                const REAL *from = NAME(row_at)(rows, made, x + k * step, n, width, width, buffer);
                REAL *even = slots + made % taps * row;
                NAME(take_apart)(columns, from, width, 1, 0, extended, even, even + phase);
            }
            NAME(sums)(rows, ring + 2 * o % taps, low, high, 2 * phase);
            NAME(sums)(columns, lows, band0 + k * step0 + o * w, band1 + k * step1 + o * w, w);
            NAME(sums)(columns, highs, band2 + k * step2 + o * w, band3 + k * step3 + o * w, w);
        }
    free(scratch.block);
    return 0;
}

/* Row at place e of two extended bands of n rows, put together along the row. */
INLINE void NAME(pair_at)(const NAME(axis) *rows, const NAME(axis) *columns, integer e, const REAL *low,
                          const REAL *high, integer n, integer width, integer start, integer length, REAL *out,
                          REAL *buffer, const NAME(tile) *tile) {
    const integer p = e < rows->left ? e : e - n, inside = e >= rows->left && e < rows->left + n;
    if ((low || high) && (inside || rows->starts[p] < rows->starts[p + 1]))
        NAME(row_up)(columns, low ? NAME(row_at)(rows, e, low, n, width, width, buffer) : NULL,
                     high ? NAME(row_at)(rows, e, high, n, width, width, buffer + width) : NULL, width, 1, start,
                     length, out, tile);
    else
        memset(out, 0, length * sizeof(REAL));
}

/* The inverse of `down2`: rows start0 … start0 + length0 - 1, columns start1 … start1 + length1 - 1 of images (count,
 * length0, length1) from four bands (count, n, width), NULL for zeros. */
EXPORT(up2)(const NAME(axis) *rows, const NAME(axis) *columns, const REAL *band0, const REAL *band1, const REAL *band2,
            const REAL *band3, integer step0, integer step1, integer step2, integer step3, REAL *out, integer images,
            integer n, integer width, integer start0, integer start1, integer length0, integer length1) {
    const integer taps = rows->taps, half = taps / 2, row = NAME(apart)(length1), pointers = 2 * taps * sizeof(REAL *);
    const integer numbers = (taps * row + 2 * length1 + 2 * width) * sizeof(REAL);
    memory scratch;
    NAME(tile) tile;
    if (!NAME(make_tile)(&tile, &scratch, columns, 1, pointers + numbers))
        return 1;
    const REAL **ring = part(&scratch, pointers);
    REAL *slots = part(&scratch, taps * row * sizeof(REAL));
    REAL *spare = part(&scratch, 2 * length1 * sizeof(REAL)), *buffer = part(&scratch, 2 * width * sizeof(REAL));
    for (integer m = 0; m < 2 * taps; m++)
        ring[m] = slots + m % taps * row;
    for (integer k = 0; k < images; k++, out += length0 * length1) {
        for (integer i = start0 / 2, made = i; 2 * i < start0 + length0; i++) {
            for (; made < i + half; made++) {
                REAL *low = slots + made % half * 2 * row;
                NAME(pair_at)(rows, columns, made, band0, band1, n, width, start1, length1, low, buffer, &tile);
                NAME(pair_at)(rows, columns, made, band2, band3, n, width, start1, length1, low + row, buffer, &tile);
            }
            NAME(two_rows)(rows, ring + i % half * 2, 2 * i, start0, start0 + length0, length1, length1, out, spare);
        }
        band0 = band0 ? band0 + step0 : NULL;
        band1 = band1 ? band1 + step1 : NULL;
        band2 = band2 ? band2 + step2 : NULL;
        band3 = band3 ? band3 + step3 : NULL;
    }
    free(scratch.block);
    return 0;
}
#endif
