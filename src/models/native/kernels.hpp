// The native engine's element-wise arithmetic, compiled once for each instruction set; which one runs is
// chosen when the program starts.
#pragma once

#include <cstdint>
#include <span>

#include "base/range.hpp"
#include "models/native/int8_product.hpp"

namespace charrnn {

/// Units of a layer are padded with zeros to a multiple of this, so that no kernel needs a loop for a remainder and a
/// gate is a whole number of panels (native/panels.hpp).
inline constexpr std::int64_t kUnitBlock = 32;

constexpr std::int64_t padded(std::int64_t units) {
  return round_up(units, kUnitBlock);
}

/// Floats between the gates of one row and those of the next. Without them, rows a power of two apart would evict each
/// other from the cache.
inline constexpr std::int64_t kGateGap = 16;

/// How the cell state of rows [units] is normalised over their first `hidden` units: normal = (c − mean) · scale, scale =
/// 1 / √(variance + kNormEpsilon), and what is squashed is gain · normal + bias (PyTorch's layer_norm).
struct CellNorm {
  std::int64_t hidden;
  const float *gain, *bias;  ///< [units], zero in the padding
  float* normal;             ///< [rows, units], zero in the padding
  float* scales;             ///< [rows]
};
inline constexpr float kNormEpsilon = 1e-5F;

/// A row is one column of the batch at one time step; `units` is padded(). The `gates` of a row lie side by side, each
/// [units], in PyTorch's order, with kGateGap between rows; formulas: PyTorch's documentation of RNN, GRU, LSTM.
/// `addends` has a pointer for every row to what is added to its products: at least the bias. "Before" and "after" are
/// the state's values at the beginning and the end of the time step. `d_…` is the loss's gradient with respect to ….
/// Only the units [first, first + count) are computed.
struct Kernels {
  const char* name;

  /// gates: products in, activations (input, forget, cell, output) out.
  void (*lstm_forward)(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                       const float* const* addends, const float* c_before, float* c_after, float* h_after);
  /// gates: activations in, d_gates out. d_c: of c_after in, of c_before out. d_h is that of h_after from the
  /// next time step; d_output what comes from above.
  void (*lstm_backward)(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                        const float* c_before, const float* c_after, const float* d_output, const float* d_h,
                        float* d_c);
  /// As lstm_forward, of whole rows, with the normalised cell state squashed.
  void (*norm_lstm_forward)(std::int64_t rows, std::int64_t units, float* gates, const float* const* addends,
                            const CellNorm& norm, const float* c_before, float* c_after, float* h_after);
  /// norm.normal: as forward left it in, the gradients of the gain out; d_scaled [rows, units]: those of the bias.
  void (*norm_lstm_backward)(std::int64_t rows, std::int64_t units, float* gates, const CellNorm& norm, float* d_scaled,
                             const float* c_before, const float* d_output, const float* d_h, float* d_c);
  /// gates (reset, update, new): products in (of new: the input's alone), activations out. hidden_new: the
  /// recurrent product of new in, the same with its bias out.
  void (*gru_forward)(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                      float* hidden_new, const float* const* addends, const float* bias_hidden_new,
                      const float* h_before, float* h_after);
  /// gates, hidden_new: as forward left them in, their gradients out. d_h: of h_after from the next time step
  /// in; what of it goes to h_before directly out.
  void (*gru_backward)(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                       float* hidden_new, const float* h_before, const float* d_output, float* d_h);
  void (*rnn_forward)(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, const float* gates,
                      const float* const* addends, float* h_after);
  /// gates: d_gates out.
  void (*rnn_backward)(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                       const float* h_after, const float* d_output, const float* d_h);

  /// `logits`: one row [padded(symbols)] without bias in, the loss's gradient out, zero in the padding. Returns −ln of
  /// the target's probability.
  double (*softmax_loss)(std::int64_t symbols, float* logits, const float* bias, std::int64_t target);

  /// A mask's values from the draws of a stream of random words (base/random.hpp), from its block `first` on:
  /// eight draws of 16 bits a block, each word's lower half first. Below `threshold` it is zero, else `keep`.
  void (*dropout)(std::int64_t size, const std::uint32_t* key, const std::uint32_t* counter, std::uint32_t first,
                  std::uint32_t threshold, float keep, float* mask);

  /// c [rows, columns] = a [rows, depth] · b [depth, columns], or += if `add`; `columns` is a multiple of 32. Each number is
  /// one sum, from the first row of b to the last. For a few rows: each two or four of them read b anew.
  void (*multiply_few_rows)(std::int64_t rows, std::int64_t columns, std::int64_t depth, const float* a,
                            std::int64_t a_stride, const float* b, std::int64_t b_stride, float* c,
                            std::int64_t c_stride, bool add);

  /// to[row · to_stride + column] = from[row · from_stride + column]
  void (*copy_rows)(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride, float* to,
                    std::int64_t to_stride);
  /// to[column · to_stride + row] = from[row][first + column]
  void (*transpose)(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first, float* to,
                    std::int64_t to_stride);
  /// to[i] += from[i]
  void (*add)(std::int64_t size, const float* from, float* to);
  /// sums[column] += Σ over rows from[row][first + column], columns a multiple of 16.
  void (*add_column_sums)(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first,
                          float* sums);

  /// Rounds to bfloat16, to the nearest, ties to even; NaN stays NaN.
  void (*to_bf16)(std::int64_t size, const float* from, std::uint16_t* to);
  /// The same of two rows at once: to[row / 2 · to_stride + column] has the even row's number in its lower
  /// half, the odd one's in its upper half; zero if there is none.
  void (*to_bf16_pairs)(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                        std::uint32_t* to, std::int64_t to_stride);
  /// These two for numbers as sums of two bfloat16 numbers: the nearest one, and the one nearest to the rest.
  void (*split_to_bf16)(std::int64_t size, const float* from, std::uint16_t* high, std::uint16_t* low);
  void (*split_to_bf16_pairs)(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                              std::uint32_t* high, std::uint32_t* low, std::int64_t to_stride);
  /// transpose() that rounds as to_bf16() does, or as split_to_bf16() unless `low` is null. `columns` is a multiple of 16.
  /// The rows of the result are filled with zeros up to a multiple of 32 numbers.
  void (*transpose_to_bf16)(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first,
                            std::uint16_t* high, std::uint16_t* low, std::int64_t to_stride);
  /// As to_bf16, but leaves float32 numbers.
  void (*round_to_bf16)(std::int64_t size, const float* from, float* to);

  /// to[i] = from[i] / scale, rounded, where the largest becomes ±127 or ±32,767. Returns the scale; NaN if there is a number
  /// that is not finite.
  float (*quantise_to_int8)(std::int64_t size, const float* from, std::int8_t* to);
  float (*quantise_to_int16)(std::int64_t size, const float* from, std::int16_t* to);
  /// c [rows, outputs] = a [rows, depth] · bᵀ, b [outputs, depth], or += if `add`; `outputs` is a multiple of 32, `depth` at
  /// most kInt8Depth. Sums are exact, and all kernels give the same bits.
  void (*multiply_int8)(std::int64_t rows, std::int64_t outputs, std::int64_t depth, ScaledRows<std::int16_t> a,
                        ScaledRows<std::int8_t> b, float* c, std::int64_t c_stride, bool add);
};

/// The kernels that this processor can run, the fastest last.
std::span<const Kernels* const> runnable_kernels();
/// The fastest of them.
const Kernels& kernels();

/// to[i] = from[i]
inline void put(std::int64_t size, const float* from, float* to) {
  kernels().copy_rows(1, size, from, size, to, size);
}

}  // namespace charrnn
