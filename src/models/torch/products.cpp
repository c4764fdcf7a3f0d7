#include "models/torch/products.hpp"

#include <ATen/native/CPUBlas.h>

// NOLINTNEXTLINE(readability-identifier-naming): BLAS's own name
extern "C" void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);

namespace charrnn {

namespace {

namespace blas = at::native::cpublas;

void by_micro_kernel(std::int64_t rows, std::int64_t columns, std::int64_t depth, std::int64_t a_stride,
                     std::int64_t b_stride, std::int64_t c_stride, bool add, const float* a, const float* b, float* c) {
  blas::brgemm(rows, columns, depth, a_stride, b_stride, c_stride, add, a, b, c);
}

void by_bf16_micro_kernel(std::int64_t rows, std::int64_t columns, std::int64_t depth, std::int64_t a_stride,
                          std::int64_t b_stride, std::int64_t c_stride, bool add, const std::uint16_t* a,
                          const std::uint16_t* b, float* c) {
  blas::brgemm(rows, columns, depth, a_stride, b_stride, c_stride, add, reinterpret_cast<const at::BFloat16*>(a),
               reinterpret_cast<const at::BFloat16*>(b), c);
}

void by_blas(std::int64_t rows, std::int64_t columns, std::int64_t depth, std::int64_t a_stride, std::int64_t b_stride,
             std::int64_t c_stride, bool add, const float* a, const float* b, float* c) {
  // Column by column in BLAS's view: the transposed product.
  const int m = static_cast<int>(columns), n = static_cast<int>(rows), k = static_cast<int>(depth);
  const int lda = static_cast<int>(b_stride), ldb = static_cast<int>(a_stride), ldc = static_cast<int>(c_stride);
  const float one = 1, before = add ? 1 : 0;
  sgemm_("N", "N", &m, &n, &k, &one, b, &lda, a, &ldb, &before, c, &ldc);
}

}  // namespace

const TorchProducts kTorchProducts{.by_micro_kernel = by_micro_kernel,
                                   .by_blas = by_blas,
                                   .by_bf16_micro_kernel = by_bf16_micro_kernel,
                                   .release = [] { blas::brgemm_release(); },
                                   .has_matrix_units = [] { return blas::could_pack(at::kBFloat16); }};

}  // namespace charrnn
