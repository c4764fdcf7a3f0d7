// The matrix products that the native engine is built on.
#pragma once

#include <cstdint>

namespace charrnn {

/// Columns of a panel: 128 bytes of one row of the right factor lie together.
inline constexpr std::int64_t kPanelWidth = 32;

/// c [rows, 32 · panels] = a [rows, depth] · b [depth, 32 · panels], or += if `add`, where `panels` panels lie side by
/// side. All are row-major; the strides are floats from row to row. A number of c depends only on its row of a, its
/// column of b and the processor, not on the number of rows and panels.
///
/// oneDNN's micro-kernels as LibTorch exports them, made at run time for the processor and the shape; where
/// LibTorch has none for the processor (before AVX2), its BLAS. For a few rows, a kernel of ours.
void multiply_panels(const float* a, std::int64_t a_stride, std::int64_t rows, const float* b, std::int64_t panels,
                     std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride, bool add);

/// The same for bfloat16 numbers, added up in float32. `depth` is even and the rows of b lie in pairs: [depth / 2,
/// 32 · panels, 2], with 2 · `b_stride` numbers from pair to pair. Only where has_bf16_units().
void multiply_panels(const std::uint16_t* a, std::int64_t a_stride, std::int64_t rows, const std::uint16_t* b,
                     std::int64_t panels, std::int64_t b_stride, std::int64_t depth, float* c, std::int64_t c_stride,
                     bool add);

/// Products of up to so many rows are our own kernel's, on processors with AVX2.
inline constexpr std::int64_t kFewRows = 8;

/// Whether float32 products of so many rows load LibTorch, if that has not been done. A caller that starts threads calls
/// libtorch() before it does, where an error can be caught.
bool need_libtorch(std::int64_t rows);

/// How many float32 panels a product should take at once: enough to fill the four vector registers that a micro-kernel
/// multiplies with a number of a.
std::int64_t panels_at_once();

/// Whether this processor multiplies bfloat16 numbers faster than float32 numbers: AMX, or AVX-512's dot
/// products of them.
bool has_bf16_units();

/// Whether three products of bfloat16 numbers take less time than one of float32 numbers: AMX. Dot products of AVX-512
/// are only twice as fast as float32's.
bool has_matrix_units();

/// Must be called by a thread that has multiplied bfloat16 numbers before it does something else for long: the units
/// hold state that every context switch would have to save.
void release_bf16_units();

}  // namespace charrnn
