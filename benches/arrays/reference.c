/* The same work as plain C with OpenMP, and a triad as the measure of the machine's bandwidth.
 *
 * Compiled by measuring/compiled.py where a C compiler is at hand; no part of multilane. */
#include <math.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define LOOP _Pragma("omp parallel for simd") for (long i = 0; i < n; i++)

void triad(long n, const double *a, const double *b, double *o) { LOOP o[i] = a[i] + 3.0 * b[i]; }

/* Stores that do not read the line they write; `o` is aligned to 64 bytes. */
void triad_streaming(long n, const double *a, const double *b, double *o) {
#if defined(__AVX512F__)
    __m512d three = _mm512_set1_pd(3.0);
    _Pragma("omp parallel for") for (long i = 0; i < n / 8; i++)
        _mm512_stream_pd(o + 8 * i, _mm512_fmadd_pd(_mm512_loadu_pd(b + 8 * i), three, _mm512_loadu_pd(a + 8 * i)));
    for (long i = n / 8 * 8; i < n; i++) o[i] = a[i] + 3.0 * b[i];
#elif defined(__AVX__)
    __m256d three = _mm256_set1_pd(3.0);
    _Pragma("omp parallel for") for (long i = 0; i < n / 4; i++)
        _mm256_stream_pd(o + 4 * i,
            _mm256_add_pd(_mm256_mul_pd(_mm256_loadu_pd(b + 4 * i), three), _mm256_loadu_pd(a + 4 * i)));
    for (long i = n / 4 * 4; i < n; i++) o[i] = a[i] + 3.0 * b[i];
#else
    triad(n, a, b, o);
#endif
}

void fma_(long n, const double *a, const double *b, const double *c, double *o) { LOOP o[i] = a[i] * b[i] + c[i]; }

void sine(long n, const double *a, const double *b, const double *c, const double *d, double *o) {
    LOOP o[i] = a[i] * b[i] + c[i] * sin(d[i]);
}

void eight(long n, const double *a, const double *b, double *o1, double *o2, double *o3, double *o4, double *o5,
           double *o6, double *o7, double *o8) {
    LOOP {
        double x = a[i], y = b[i];
        o1[i] = x * 1 + y; o2[i] = x * 2 + y; o3[i] = x * 3 + y; o4[i] = x * 4 + y;
        o5[i] = x * 5 + y; o6[i] = x * 6 + y; o7[i] = x * 7 + y; o8[i] = x * 8 + y;
    }
}

void chain(long n, const double *a, double *o) {
    LOOP {
        double x = a[i];
        x = x * 2 + 1; x = x * 2 + 1; x = x * 2 + 1; x = x * 2 + 1; x = x * 2 + 1;
        x = x * 2 + 1; x = x * 2 + 1; x = x * 2 + 1; x = x * 2 + 1; x = x * 2 + 1;
        o[i] = x;
    }
}

void diamond(long n, const double *a, double *o) {
    LOOP {
        double l = a[i] * 2, r = a[i] + 3;
        o[i] = l * r + l - r;
    }
}

double dot(long n, const double *a, const double *b) {
    double sum = 0;
    _Pragma("omp parallel for simd reduction(+ : sum)") for (long i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}
