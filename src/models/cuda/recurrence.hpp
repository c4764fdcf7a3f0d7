// A recurrent layer over a whole window in one kernel, forward or backward: "persistent", since the recurrent weights stay
// in the GPU's shared memory from the first time step to the last. Products over all time steps at once (the input's, the
// weights' gradients) are not done here: a library does them in one call.
//
// A kernel is a grid of CTAs (thread blocks). Each holds the weights of 16 units and computes these units for some of the
// columns, in tiles of 16 columns. All CTAs of the same columns wait for each other once per time step.
//
// Factors of products are bfloat16, sums float32. A column's numbers depend on nothing but its own, not even on how many
// columns there are or how large the GPU is; the same work gives the same bits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace charrnn {

/// Formulas, order of gates and weights are PyTorch's (torch.nn.RNN with tanh, GRU, LSTM).
enum class RecurrentCell { kRnn, kGru, kLstm };

constexpr std::int64_t gates_of(RecurrentCell cell) {
  return cell == RecurrentCell::kRnn ? 1 : cell == RecurrentCell::kGru ? 3 : 4;
}
/// How many numbers of a unit and a time step the backward pass needs, besides h.
constexpr std::int64_t kept_of(RecurrentCell cell) {
  return cell == RecurrentCell::kRnn ? 0 : 4;
}

/// Units that a CTA computes, and columns that it computes at a time.
inline constexpr std::int64_t kRecurrenceTile = 16;

/// The bits of a bfloat16 number.
using Bf16Bits = std::uint16_t;

struct RecurrenceShape {
  std::int64_t length;           ///< time steps, at least one
  std::int64_t columns, hidden;  ///< multiples of kRecurrenceTile
};

// All memory is the GPU's, dense, and begins at a multiple of 32 bytes.

struct RecurrenceForward {
  RecurrenceShape shape;
  const Bf16Bits* from_input;  ///< [length, columns, gates · hidden]: what the input gives to the gates, biases in it
  const Bf16Bits* weights;     ///< [gates · hidden, hidden], from hidden to hidden
  const float* bias;           ///< GRU: [hidden], of the candidate's hidden part (b_hn), not in from_input; else unused
  Bf16Bits* h;                 ///< [length + 1, columns, hidden]: h[0] is given, h[t + 1] becomes that after step t
  float* state;                ///< LSTM: c; GRU: h, which h[…] is rounded from; [columns, hidden], given; RNN: unused
  std::int64_t state_stride;   ///< from a step's state to that after it: columns · hidden, or 0: replaced in place
  Bf16Bits* kept;      ///< [length, columns, kept_of(cell) · hidden] for the backward pass; null: nothing is kept
  unsigned* arrivals;  ///< [columns / kRecurrenceTile], all zero; the kernel counts in it
};

/// Gradients of what RecurrenceForward read and wrote. None flows into what was given at the window's beginning, nor comes
/// from the state after it.
struct RecurrenceBackward {
  RecurrenceShape shape;
  const Bf16Bits* of_outputs;  ///< [length, columns, hidden]: of h[1], h[2], …
  const Bf16Bits* weights;     ///< as in the forward pass, and so are h and kept
  const Bf16Bits* h;
  const Bf16Bits* kept;
  const float* state;   ///< LSTM: c, [length + 1, columns, hidden]; else unused
  Bf16Bits* of_input;   ///< [length, columns, gates · hidden]: the gradient of from_input
  Bf16Bits* of_hidden;  ///< GRU: the gradient of what h gives to the gates, of the same shape; else the same memory
  float* carried;       ///< [columns, hidden], of the kernel's own; RNN: unused
  unsigned* arrivals;   ///< as in the forward pass
};

/// Enqueue the work on `stream` (a cudaStream_t) of the current GPU; it may be captured in a CUDA graph. gpu_error() if
/// the GPU refuses. In recurrence_launch.cpp, only in the CUDA build.
///
///     enqueue_recurrence(RecurrentCell::kLstm, RecurrenceForward{.shape = {64, 256, 512}, …}, stream);
void enqueue_recurrence(RecurrentCell cell, const RecurrenceForward& work, void* stream);
void enqueue_recurrence(RecurrentCell cell, const RecurrenceBackward& work, void* stream);

/// What of a GPU limits the layers that it can compute.
struct GpuSize {
  std::int64_t multiprocessors;
  std::int64_t shared_bytes;  ///< that one CTA may have
  int capability;             ///< its compute capability: 90 for 9.0
};

/// Of GPU `index`; nothing if it does not answer. In recurrence_launch.cpp, only in the CUDA build.
std::optional<GpuSize> gpu_size(int index);

/// Why a GPU cannot compute such a layer: one sentence without a full stop. Nothing: it can. All CTAs run at the same
/// time, one on a multiprocessor at most, and each has to hold its weights.
std::optional<std::string> why_no_recurrence(RecurrentCell cell, std::int64_t hidden, const GpuSize& gpu);

/// Shared memory that a CTA of the forward or backward pass takes, whichever takes more.
std::int64_t recurrence_shared_bytes(RecurrentCell cell, std::int64_t hidden);

}  // namespace charrnn
