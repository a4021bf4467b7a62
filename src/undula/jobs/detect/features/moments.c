/* Moments of the wavelet packets of color pictures: all sums that `packet_statistics` is made of, in one go.
 *
 * A plane, one packet of one channel, is read once from memory; its logarithms stay in the cache for the sums that need
 * their mean. PyTorch, one sum after the other, moves 30 arrays of the size of the packets through memory for the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t integer;

#if defined(__AVX512F__)
#define WIDE 64
#elif defined(__AVX__)
#define WIDE 32
#else
#define WIDE 16
#endif

#define INLINE static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))

typedef float wide __attribute__((vector_size(WIDE)));
typedef float wide_at __attribute__((vector_size(WIDE), aligned(sizeof(float)), may_alias));
typedef int32_t whole __attribute__((vector_size(WIDE)));

enum {
    LANES = WIDE / 4,
    STRETCH = 64 * LANES, /* numbers that are summed in float before their sum is added in double */
    CHANNELS = 3,
};

/* What is written for every plane: sums, not means. */
enum { LOG, SQUARE, CUBE, SIZE, POWER, FOURTH, RIGHT, LOWER, SUMS };

INLINE wide at(const float *place) { return *(const wide_at *)place; }

/* The first `rest` numbers, zeros behind them. */
INLINE wide first(const float *place, integer rest) {
    if (rest >= LANES) return at(place);
    wide found = {0};
    memcpy(&found, place, rest * sizeof(float));
    return found;
}

INLINE wide kept(wide values, integer rest) {
    if (rest >= LANES) return values;
    float some[LANES] = {0};
    memcpy(some, &values, rest * sizeof(float));
    return at(some);
}

INLINE double total(wide values) {
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += values[lane];
    return sum;
}

/* ln of positive normal numbers to 1e-7: exponent and mantissa apart, the polynomial of Cephes' logf between √½ and √2. */
INLINE wide logarithm(wide values) {
    whole bits = (whole)values - 0x3f3504f3;
    wide exponent = __builtin_convertvector(bits >> 23, wide);
    wide x = (wide)((bits & 0x7fffff) + 0x3f3504f3) - 1.0f, square = x * x;
    wide y = x * 7.0376836292e-2f - 1.1514610310e-1f;
    y = y * x + 1.1676998740e-1f;
    y = y * x - 1.2420140846e-1f;
    y = y * x + 1.4249322787e-1f;
    y = y * x - 1.6668057665e-1f;
    y = y * x + 2.0000714765e-1f;
    y = y * x - 2.4999993993e-1f;
    y = y * x + 3.3333331174e-1f;
    y = y * x * square - exponent * 2.12194440e-4f - square * 0.5f;
    return x + y + exponent * 0.693359375f + values * 0.0f; /* NaN stays NaN */
}

/* Logarithms of a plane, with the sums that need no mean. */
INLINE void take(const float *plane, float *logs, integer n, float offset, int joint, double *sums) {
    for (integer start = 0; start < n; start += STRETCH) {
        integer end = start + STRETCH < n ? start + STRETCH : n;
        wide log = {0}, size = {0}, power = {0}, fourth = {0};
        for (integer i = start; i < end; i += LANES) {
            wide x = first(plane + i, end - i);
            wide magnitude = (wide)((whole)x & 0x7fffffff);
            wide value = kept(logarithm(magnitude + offset), end - i);
            *(wide_at *)(logs + i) = value;
            log += value;
            size += magnitude;
            if (joint) {
                wide square = x * x;
                power += square;
                fourth += square * square;
            }
        }
        sums[LOG] += total(log);
        sums[SIZE] += total(size);
        sums[POWER] += total(power);
        sums[FOURTH] += total(fourth);
    }
}

/* Second and third powers of what the logarithms differ from their mean, which is written back. */
INLINE void center(float *logs, integer n, int joint, double *sums) {
    float mean = (float)(sums[LOG] / n);
    for (integer start = 0; start < n; start += STRETCH) {
        integer end = start + STRETCH < n ? start + STRETCH : n;
        wide second = {0}, third = {0};
        for (integer i = start; i < end; i += LANES) {
            wide off = kept(at(logs + i) - mean, end - i), square = off * off;
            second += square;
            if (joint) {
                third += square * off;
                *(wide_at *)(logs + i) = off;
            }
        }
        sums[SQUARE] += total(second);
        sums[CUBE] += total(third);
    }
}

INLINE double product(const float *one, const float *other, integer n) {
    double sum = 0;
    for (integer start = 0; start < n; start += STRETCH) {
        integer end = start + STRETCH < n ? start + STRETCH : n;
        wide part = {0}, second = {0};
        integer i = start;
        for (; i + 2 * LANES <= end; i += 2 * LANES) {
            part += at(one + i) * at(other + i);
            second += at(one + i + LANES) * at(other + i + LANES);
        }
        for (; i < end; i += LANES) part += first(one + i, end - i) * first(other + i, end - i);
        sum += total(part + second);
    }
    return sum;
}

/* How a plane goes along with itself, moved by one column and by one row. */
INLINE void neighbors(const float *off, integer height, integer width, double *sums) {
    integer n = height * width;
    double across = 0; /* the end of a row beside the beginning of the next one */
    for (integer row = 1; row < height; row++) across += (double)off[row * width - 1] * off[row * width];
    sums[RIGHT] = product(off, off + 1, n - 1) - across;
    sums[LOWER] = product(off, off + width, n - width);
}

INLINE void level(const float *packets, integer count, integer height, integer width, float offset, int joint,
                  float *scratch, integer stride, double *planes, double *channels, double *covariances) {
    integer n = height * width;
    for (integer plane = 0; plane < CHANNELS * count; plane++) {
        double *sums = planes + plane * SUMS;
        float *logs = scratch + (joint && plane < count ? plane * stride : 0);
        take(packets + plane * n, logs, n, offset, joint, sums);
        center(logs, n, joint, sums);
        if (!joint) continue;
        neighbors(logs, height, width, sums);
        if (plane == count - 1) /* the brightness is complete */
            for (integer one = 0; one < count; one++)
                for (integer other = one + 1; other < count; other++)
                    *covariances++ = product(scratch + one * stride, scratch + other * stride, n);
    }
    if (!joint) return;
    for (int pair = 0; pair < CHANNELS; pair++) {
        const float *one = packets + (pair == 2) * count * n, *other = packets + (pair == 0 ? 1 : 2) * count * n;
        for (integer plane = 0; plane < count; plane++)
            *channels++ = product(one + plane * n, other + plane * n, n);
    }
}

/* Sums of the packets (images, 3, count, height, width) of one level.
 *
 * planes (images, 3, count, 8): zeros at first; channels (images, 3, count) and covariances (images, pairs) are written
 * where joint is not 0. Returns 0, or 1 where there is no memory. */
EXPORT int moments(const float *packets, integer images, integer count, integer height, integer width, float offset,
                   int joint, double *planes, double *channels, double *covariances) {
    integer n = height * width, stride = (n + LANES - 1) / LANES * LANES + LANES;
    float *scratch = malloc((joint ? count : 1) * stride * sizeof(float));
    if (!scratch) return 1;
    for (integer image = 0; image < images; image++) {
        integer area = CHANNELS * count;
        const float *here = packets + image * area * n;
        double *sums = planes + image * area * SUMS;
        if (joint)
            level(here, count, height, width, offset, 1, scratch, stride, sums, channels + image * area,
                  covariances + image * (count * (count - 1) / 2));
        else
            level(here, count, height, width, offset, 0, scratch, stride, sums, 0, 0);
    }
    free(scratch);
    return 0;
}
