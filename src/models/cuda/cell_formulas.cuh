// What the cells compute for one unit of one column at one time step. Formulas: PyTorch's documentation of RNN, GRU and
// LSTM. Include models/cuda/device.hpp before it, or what stands in for it on a CPU.
#pragma once

#include "models/cuda/recurrence.hpp"

namespace charrnn {

__device__ inline float sigmoid(float x) {
  return 1 / (1 + expf(-x));
}

/// Each has
///   kHasState                a float32 state besides h, in bfloat16
///   forward(…)               h after the step. from_input, from_hidden: what each gives to the gates; bias: of
///                            RecurrenceForward; state: moves on; kept: for the backward pass
///   backward(…)              gradients of from_input and from_hidden. of_h: of h after the step; before, after: the
///                            state (LSTM: c, else h) before and after it; carried: what goes past the weights, from the
///                            step after this one to the one before
template <RecurrentCell cell>
struct CellFormula;

template <>
struct CellFormula<RecurrentCell::kRnn> {
  static constexpr bool kHasState = false;

  __device__ static float forward(const float* from_input, const float* from_hidden, float /*bias*/, float& /*state*/,
                                  float* /*kept*/) {
    return tanhf(from_input[0] + from_hidden[0]);
  }
  __device__ static void backward(float of_h, const float* /*kept*/, float /*before*/, float after, float& /*carried*/,
                                  float* of_input, float* of_hidden) {
    of_input[0] = of_hidden[0] = of_h * (1 - after * after);
  }
};

template <>
struct CellFormula<RecurrentCell::kGru> {
  static constexpr bool kHasState = true;

  /// kept: reset, update, candidate, and what h gives to the candidate
  __device__ static float forward(const float* from_input, const float* from_hidden, float bias, float& state,
                                  float* kept) {
    kept[0] = sigmoid(from_input[0] + from_hidden[0]);
    kept[1] = sigmoid(from_input[1] + from_hidden[1]);
    kept[3] = from_hidden[2] + bias;
    kept[2] = tanhf(from_input[2] + kept[0] * kept[3]);
    state = kept[2] + kept[1] * (state - kept[2]);
    return state;
  }
  __device__ static void backward(float of_h, const float* kept, float before, float /*after*/, float& carried,
                                  float* of_input, float* of_hidden) {
    const float reset = kept[0], update = kept[1], candidate = kept[2], to_candidate = kept[3];
    const float of_all = of_h + carried;
    carried = of_all * update;
    of_input[2] = of_all * (1 - update) * (1 - candidate * candidate);
    of_hidden[2] = of_input[2] * reset;
    of_input[1] = of_hidden[1] = of_all * (before - candidate) * update * (1 - update);
    of_input[0] = of_hidden[0] = of_input[2] * to_candidate * reset * (1 - reset);
  }
};

template <>
struct CellFormula<RecurrentCell::kLstm> {
  static constexpr bool kHasState = true;

  /// kept: the gates
  __device__ static float forward(const float* from_input, const float* from_hidden, float /*bias*/, float& state,
                                  float* kept) {
    kept[0] = sigmoid(from_input[0] + from_hidden[0]);
    kept[1] = sigmoid(from_input[1] + from_hidden[1]);
    kept[2] = tanhf(from_input[2] + from_hidden[2]);
    kept[3] = sigmoid(from_input[3] + from_hidden[3]);
    state = kept[1] * state + kept[0] * kept[2];
    return kept[3] * tanhf(state);
  }
  __device__ static void backward(float of_h, const float* kept, float before, float after, float& carried,
                                  float* of_input, float* of_hidden) {
    const float input = kept[0], forget = kept[1], candidate = kept[2], output = kept[3];
    const float squashed = tanhf(after);
    const float of_c = carried + of_h * output * (1 - squashed * squashed);
    carried = of_c * forget;
    of_input[0] = of_hidden[0] = of_c * candidate * input * (1 - input);
    of_input[1] = of_hidden[1] = of_c * before * forget * (1 - forget);
    of_input[2] = of_hidden[2] = of_c * input * (1 - candidate * candidate);
    of_input[3] = of_hidden[3] = of_h * squashed * output * (1 - output);
  }
};

}  // namespace charrnn
