#include "models/native/micro_kernel.hpp"

#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <array>

#include "base/instruction_set.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): BLAS's own name
extern "C" void sgemm_(const char*, const char*, const int*, const int*, const int*, const float*, const float*,
                       const int*, const float*, const int*, const float*, float*, const int*);

#if defined(__SANITIZE_THREAD__)
extern "C" void __tsan_read_range(void*, long);
extern "C" void __tsan_write_range(void*, long);
#endif

namespace charrnn {

namespace {

/// Rows of numbers in memory.
template <class Element>
struct Rows {
  const Element* first;
  std::int64_t stride, count, length;
};

/// LibTorch is not instrumented: tells ThreadSanitizer what a product reads and writes.
template <class Element>
void show_to_sanitizer([[maybe_unused]] const Rows<Element>& left, [[maybe_unused]] const Rows<Element>& right,
                       [[maybe_unused]] const Rows<float>& result) {
#if defined(__SANITIZE_THREAD__)
  const auto show = [](const auto& rows, auto tell) {
    for (std::int64_t row = 0; row < rows.count; ++row) {
      const auto* first = rows.first + row * rows.stride;
      tell(const_cast<void*>(static_cast<const void*>(first)), rows.length * static_cast<long>(sizeof(*first)));
    }
  };
  show(left, __tsan_read_range);
  show(right, __tsan_read_range);
  show(result, __tsan_write_range);
#endif
}

void by_blas(const float* a, std::int64_t a_stride, std::int64_t rows, const float* b, std::int64_t panels,
             std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride, bool add) {
  // Column by column in BLAS's view: the transposed product. Panel by panel: BLAS sums one way or another by
  // the size.
  const int m = kPanelWidth, n = static_cast<int>(rows), k = static_cast<int>(depth);
  const int lda = static_cast<int>(b_stride), ldb = static_cast<int>(a_stride), ldc = static_cast<int>(c_stride);
  const float one = 1, before = add ? 1 : 0;
  for (std::int64_t at = 0; at < panels * kPanelWidth; at += kPanelWidth) {
    sgemm_("N", "N", &m, &n, &k, &one, b + at, &lda, a, &ldb, &before, c + at, &ldc);
  }
}

template <class Element>
void by_micro_kernel(const Element* a, std::int64_t a_stride, std::int64_t rows, const Element* b, std::int64_t columns,
                     std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride, bool add) {
  // Kernels are made for a number of rows: one for whole blocks, and one for each rest that comes up.
  constexpr std::int64_t kMostRows = 64;
  for (std::int64_t row = 0; row < rows; row += kMostRows) {
    at::native::cpublas::brgemm(std::min(kMostRows, rows - row), columns, depth, a_stride, b_stride, c_stride, add,
                                a + row * a_stride, b, c + row * c_stride);
  }
}

/// Whether LibTorch has a micro-kernel for such numbers on this processor.
template <class Element>
bool finds_micro_kernel() {
  constexpr std::int64_t kDepth = 2;
  alignas(64) std::array<Element, kDepth * kPanelWidth> a{}, panel{};
  alignas(64) std::array<float, kPanelWidth> c{};
  try {
    at::native::cpublas::brgemm(1, kPanelWidth, kDepth, kDepth, kPanelWidth, kPanelWidth, false, a.data(), panel.data(),
                                c.data());
    return true;
  } catch (const c10::Error&) {
    return false;
  }
}

bool has_float_micro_kernel() {
  static const bool has = finds_micro_kernel<float>();
  return has;
}

}  // namespace

void multiply_panels(const float* a, std::int64_t a_stride, std::int64_t rows, const float* b, std::int64_t panels,
                     std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride, bool add) {
  const std::int64_t columns = panels * kPanelWidth;
  show_to_sanitizer<float>({a, a_stride, rows, depth}, {b, b_stride, depth, columns}, {c, c_stride, rows, columns});
  if (has_float_micro_kernel()) {
    by_micro_kernel(a, a_stride, rows, b, columns, b_stride, depth, c, c_stride, add);
  } else {
    by_blas(a, a_stride, rows, b, panels, b_stride, depth, c, c_stride, add);
  }
}

void multiply_panels(const std::uint16_t* a, std::int64_t a_stride, std::int64_t rows, const std::uint16_t* b,
                     std::int64_t panels, std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride,
                     bool add) {
  const std::int64_t columns = panels * kPanelWidth;
  show_to_sanitizer<std::uint16_t>({a, a_stride, rows, depth}, {b, 2 * b_stride, depth / 2, 2 * columns},
                                   {c, c_stride, rows, columns});
  by_micro_kernel(reinterpret_cast<const at::BFloat16*>(a), a_stride, rows, reinterpret_cast<const at::BFloat16*>(b),
                  columns, b_stride, depth, c, c_stride, add);
}

std::int64_t panels_at_once() {
  static const bool is_wide = has_float_micro_kernel() && instruction_set() >= InstructionSet::kAvx512;
  return is_wide ? 2 : 1;
}

bool has_bf16_units() {
  // AVX512_BF16 has dot products of pairs of bfloat16 numbers. Without it and AMX, LibTorch may fall back to emulation.
  static const bool has =
      has_matrix_units() || (instruction_set() >= InstructionSet::kAvx512Bf16 && finds_micro_kernel<at::BFloat16>());
  return has;
}

bool has_matrix_units() {
  // could_pack() reports AMX.
  static const bool has = at::native::cpublas::could_pack(at::kBFloat16) && finds_micro_kernel<at::BFloat16>();
  return has;
}

void release_bf16_units() {
  at::native::cpublas::brgemm_release();
}

}  // namespace charrnn
