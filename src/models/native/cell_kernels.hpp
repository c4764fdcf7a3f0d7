// The element-wise work of the cells, forward and backward (struct Kernels in kernels.hpp has their contracts).
// Compiled several times, as part of kernels.cpp and by its rules: each instruction set has functions of its own, in the
// namespace CHARRNN_KERNELS.
#pragma once

#include "base/loop_hints.hpp"
#include "models/native/kernel_math.hpp"
#include "models/native/kernels.hpp"

namespace charrnn::CHARRNN_KERNELS {

/// The gates of an LSTM's row, [units] each.
struct LstmGates {
  LstmGates(float* gates, std::int64_t units, std::int64_t row)
      : i(gates + (4 * units + kGateGap) * row), f(i + units), g(f + units), o(g + units) {}

  /// Products in, activations out; returns the new cell state.
  float activate(std::int64_t u, const float* add, std::int64_t units, float c_before) const {
    i[u] = sigmoid(i[u] + add[u]);
    f[u] = sigmoid(f[u] + add[units + u]);
    g[u] = hyperbolic_tangent(g[u] + add[2 * units + u]);
    o[u] = sigmoid(o[u] + add[3 * units + u]);
    return f[u] * c_before + i[u] * g[u];
  }
  /// All but the output gate: activations in, gradients out; returns the gradient of c_before.
  float differentiate(std::int64_t u, float dc, float c_before) const {
    const float in = i[u], forget = f[u], cell = g[u];
    i[u] = dc * cell * in * (1.0F - in);
    f[u] = dc * c_before * forget * (1.0F - forget);
    g[u] = dc * in * (1.0F - cell * cell);
    return dc * forget;
  }

  float *const i, *const f, *const g, *const o;
};

inline void lstm_forward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                         const float* const* addends, const float* c_before, float* c_after, float* h_after) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    const LstmGates gate(gates, units, row);
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const float c = gate.activate(u, add, units, c_before[units * row + u]);
      c_after[units * row + u] = c;
      h_after[units * row + u] = gate.o[u] * hyperbolic_tangent(c);
    }
  }
}

inline void lstm_backward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                          const float* c_before, const float* c_after, const float* d_output, const float* d_h,
                          float* d_c) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const LstmGates gate(gates, units, row);
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      const float out = gate.o[u];
      const float squashed = hyperbolic_tangent(c_after[at]);
      const float dh = d_output[at] + d_h[at];
      const float dc = d_c[at] + dh * out * (1.0F - squashed * squashed);
      gate.o[u] = dh * squashed * out * (1.0F - out);
      d_c[at] = gate.differentiate(u, dc, c_before[at]);
    }
  }
}

inline void norm_lstm_forward(std::int64_t rows, std::int64_t units, float* gates, const float* const* addends,
                              const CellNorm& norm, const float* c_before, float* c_after, float* h_after) {
  const auto hidden = static_cast<float>(norm.hidden);
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    const LstmGates gate(gates, units, row);
    const float* const before = c_before + units * row;
    float *const c = c_after + units * row, *const h = h_after + units * row;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      c[u] = gate.activate(u, add, units, before[u]);
    }
    float* const normal = norm.normal + units * row;
    const float mean = sum_of(c, units) / hidden;  // c is zero in the padding
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      const float deviation = u < norm.hidden ? c[u] - mean : 0.0F;
      normal[u] = deviation;
      h[u] = deviation * deviation;
    }
    const float scale = 1.0F / __builtin_sqrtf(sum_of(h, units) / hidden + kNormEpsilon);
    norm.scales[row] = scale;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      normal[u] *= scale;
      h[u] = gate.o[u] * hyperbolic_tangent(norm.gain[u] * normal[u] + norm.bias[u]);
    }
  }
}

inline void norm_lstm_backward(std::int64_t rows, std::int64_t units, float* gates, const CellNorm& norm,
                               float* d_scaled, const float* c_before, const float* d_output, const float* d_h,
                               float* d_c) {
  const auto hidden = static_cast<float>(norm.hidden);
  for (std::int64_t row = 0; row < rows; ++row) {
    const LstmGates gate(gates, units, row);
    const std::int64_t at = units * row;
    float *const normal = norm.normal + at, *const of_bias = d_scaled + at, *const dc = d_c + at;
    // Of the normalised state: the sum, and that of the products with it. Both are zero in the padding.
    float sums[kLanes] = {}, products[kLanes] = {};
    for (std::int64_t first = 0; first < units; first += kLanes) {
      CHARRNN_INDEPENDENT
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        const std::int64_t u = first + lane;
        const float squashed = hyperbolic_tangent(norm.gain[u] * normal[u] + norm.bias[u]);
        const float dh = d_output[at + u] + d_h[at + u], out = gate.o[u];
        of_bias[u] = dh * out * (1.0F - squashed * squashed);
        gate.o[u] = dh * squashed * out * (1.0F - out);
        const float d_normal = of_bias[u] * norm.gain[u];
        sums[lane] += d_normal;
        products[lane] += d_normal * normal[u];
      }
    }
    const float scale = norm.scales[row];
    const float mean = sum_of_lanes(sums) / hidden, along = sum_of_lanes(products) / hidden;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = 0; u < units; ++u) {
      const float through = of_bias[u] * norm.gain[u] - mean - normal[u] * along;
      const float d = u < norm.hidden ? dc[u] + scale * through : 0.0F;
      dc[u] = gate.differentiate(u, d, c_before[at + u]);
      normal[u] *= of_bias[u];
    }
  }
}

inline void gru_forward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                        float* hidden_new, const float* const* addends, const float* bias_hidden_new,
                        const float* h_before, float* h_after) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    float* const r = gates + (3 * units + kGateGap) * row;
    float *const z = r + units, *const n = z + units;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      r[u] = sigmoid(r[u] + add[u]);
      z[u] = sigmoid(z[u] + add[units + u]);
      hidden_new[at] += bias_hidden_new[u];
      n[u] = hyperbolic_tangent(n[u] + add[2 * units + u] + r[u] * hidden_new[at]);
      h_after[at] = n[u] + z[u] * (h_before[at] - n[u]);
    }
  }
}

inline void gru_backward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                         float* hidden_new, const float* h_before, const float* d_output, float* d_h) {
  for (std::int64_t row = 0; row < rows; ++row) {
    float* const r = gates + (3 * units + kGateGap) * row;
    float *const z = r + units, *const n = z + units;
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      const float reset = r[u], update = z[u], fresh = n[u];
      const float dh = d_output[at] + d_h[at];
      const float dn = dh * (1.0F - update) * (1.0F - fresh * fresh);
      r[u] = dn * hidden_new[at] * reset * (1.0F - reset);
      z[u] = dh * (h_before[at] - fresh) * update * (1.0F - update);
      n[u] = dn;
      hidden_new[at] = dn * reset;
      d_h[at] = dh * update;
    }
  }
}

inline void rnn_forward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count,
                        const float* gates, const float* const* addends, float* h_after) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* const add = addends[row];
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      h_after[units * row + u] = hyperbolic_tangent(gates[(units + kGateGap) * row + u] + add[u]);
    }
  }
}

inline void rnn_backward(std::int64_t rows, std::int64_t units, std::int64_t first, std::int64_t count, float* gates,
                         const float* h_after, const float* d_output, const float* d_h) {
  for (std::int64_t row = 0; row < rows; ++row) {
    CHARRNN_INDEPENDENT
    for (std::int64_t u = first; u < first + count; ++u) {
      const std::int64_t at = units * row + u;
      gates[(units + kGateGap) * row + u] = (d_output[at] + d_h[at]) * (1.0F - h_after[at] * h_after[at]);
    }
  }
}

}  // namespace charrnn::CHARRNN_KERNELS
