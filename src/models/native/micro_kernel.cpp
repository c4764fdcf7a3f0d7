#include "models/native/micro_kernel.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "base/instruction_set.hpp"
#include "models/libtorch.hpp"
#include "models/native/kernels.hpp"

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

template <class Number>
using Multiply = TorchProducts::Multiply<Number>;

template <class Number>
void by_micro_kernel(Multiply<Number> kernel, const Number* a, std::int64_t a_stride, std::int64_t rows,
                     const Number* b, std::int64_t columns, std::int64_t b_stride, std::int64_t depth, float* c,
                     std::int64_t c_stride, bool add) {
  // Kernels are made for a number of rows: one for whole blocks, and one for each rest that comes up.
  constexpr std::int64_t kMostRows = 64;
  for (std::int64_t row = 0; row < rows; row += kMostRows) {
    kernel(std::min(kMostRows, rows - row), columns, depth, a_stride, b_stride, c_stride, add, a + row * a_stride, b,
           c + row * c_stride);
  }
}

/// Whether LibTorch has a micro-kernel for such numbers on this processor.
template <class Number>
bool has_micro_kernel(Multiply<Number> kernel) {
  constexpr std::int64_t kDepth = 2;
  alignas(64) std::array<Number, kDepth * kPanelWidth> a{}, panel{};
  alignas(64) std::array<float, kPanelWidth> c{};
  try {
    kernel(1, kPanelWidth, kDepth, kDepth, kPanelWidth, kPanelWidth, false, a.data(), panel.data(), c.data());
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

bool has_float_micro_kernel() {
  static const bool has = has_micro_kernel(libtorch().products.by_micro_kernel);
  return has;
}

}  // namespace

void multiply_panels(const float* a, std::int64_t a_stride, std::int64_t rows, const float* b, std::int64_t panels,
                     std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride, bool add) {
  const std::int64_t columns = panels * kPanelWidth;
  show_to_sanitizer<float>({a, a_stride, rows, depth}, {b, b_stride, depth, columns}, {c, c_stride, rows, columns});
  if (!need_libtorch(rows)) {  // the same sums in the same order as the micro-kernels'
    kernels().multiply_few_rows(rows, columns, depth, a, a_stride, b, b_stride, c, c_stride, add);
    return;
  }
  if (has_float_micro_kernel()) {
    by_micro_kernel(libtorch().products.by_micro_kernel, a, a_stride, rows, b, columns, b_stride, depth, c, c_stride,
                    add);
    return;
  }
  // Panel by panel: BLAS sums one way or another by the size.
  for (std::int64_t at = 0; at < columns; at += kPanelWidth) {
    libtorch().products.by_blas(rows, kPanelWidth, depth, a_stride, b_stride, c_stride, add, a, b + at, c + at);
  }
}

void multiply_panels(const std::uint16_t* a, std::int64_t a_stride, std::int64_t rows, const std::uint16_t* b,
                     std::int64_t panels, std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride,
                     bool add) {
  const std::int64_t columns = panels * kPanelWidth;
  show_to_sanitizer<std::uint16_t>({a, a_stride, rows, depth}, {b, 2 * b_stride, depth / 2, 2 * columns},
                                   {c, c_stride, rows, columns});
  by_micro_kernel(libtorch().products.by_bf16_micro_kernel, a, a_stride, rows, b, columns, b_stride, depth, c, c_stride,
                  add);
}

bool need_libtorch(std::int64_t rows) {
  static const bool has_kernel = instruction_set() >= InstructionSet::kAvx2;
  return rows > kFewRows || !has_kernel;
}

std::int64_t panels_at_once() {
  static const bool is_wide = instruction_set() >= InstructionSet::kAvx512;
  return is_wide ? 2 : 1;
}

bool has_bf16_units() {
  // AVX512_BF16 has dot products of pairs of bfloat16 numbers. Without it and AMX, LibTorch may fall back to emulation.
  static const bool has = has_matrix_units() || (instruction_set() >= InstructionSet::kAvx512Bf16 &&
                                                 has_micro_kernel(libtorch().products.by_bf16_micro_kernel));
  return has;
}

bool has_matrix_units() {
  static const bool has =
      libtorch().products.has_matrix_units() && has_micro_kernel(libtorch().products.by_bf16_micro_kernel);
  return has;
}

void release_bf16_units() {
  libtorch().products.release();
}

}  // namespace charrnn
