/* The measure of the machine: every number read, multiplied and written where it lies. */
void scale(long n, double *x) {
    _Pragma("omp parallel for simd") for (long i = 0; i < n; i++) x[i] *= 1.0000001;
}
