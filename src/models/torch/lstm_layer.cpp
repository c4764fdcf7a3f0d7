#include "models/torch/lstm_layer.hpp"

#include <torch/csrc/autograd/custom_function.h>

namespace charrnn {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

class LstmLayer : public torch::autograd::Function<LstmLayer> {
 public:
  static variable_list forward(AutogradContext* context, const at::Tensor& input, const at::Tensor& h0,
                               const at::Tensor& c0, const at::Tensor& w_hh) {
    const std::int64_t length = input.size(0), columns = input.size(1), hidden = w_hh.size(1);
    const at::Tensor gates = input.detach();
    const at::Tensor h = at::empty({length + 1, columns, hidden}, gates.options());
    const at::Tensor c = at::empty_like(h), tanh_c = at::empty({length, columns, hidden}, gates.options());
    h[0].copy_(h0);
    c[0].copy_(c0);
    const at::Tensor weights = w_hh.t();
    for (std::int64_t t = 0; t < length; ++t) {
      at::Tensor gate = gates[t];
      gate.addmm_(h[t], weights);
      gate.narrow(1, 0, 2 * hidden).sigmoid_();
      gate.narrow(1, 2 * hidden, hidden).tanh_();
      gate.narrow(1, 3 * hidden, hidden).sigmoid_();
      const std::vector<at::Tensor> g = gate.chunk(4, 1);  // input, forget, cell, output
      at::Tensor after = c[t + 1], squashed = tanh_c[t], output = h[t + 1];
      at::mul_out(after, g[1], c[t]).addcmul_(g[0], g[2]);
      at::mul_out(output, g[3], at::tanh_out(squashed, after));
    }
    context->save_for_backward({gates, h, c, tanh_c, w_hh});
    return {h.slice(0, 1), h[length].clone(), c[length].clone()};
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor &gates = saved[0], &h = saved[1], &c = saved[2], &tanh_c = saved[3], &w_hh = saved[4];
    const at::Tensor& of_outputs = gradients[0];
    const std::int64_t length = gates.size(0), hidden = w_hh.size(1);
    const std::vector<at::Tensor> g = gates.chunk(4, 2);
    // First, for all rows at once, the factors that do not depend on what comes from later rows.
    const at::Tensor of_gates = at::empty_like(gates);
    const std::vector<at::Tensor> d = of_gates.chunk(4, 2);
    at::Tensor d0 = d[0], d1 = d[1], d2 = d[2], d3 = d[3];
    at::mul_out(d0, g[2] * g[0], 1 - g[0]);
    at::mul_out(d1, c.slice(0, 0, length) * g[1], 1 - g[1]);
    at::mul_out(d2, g[0], 1 - g[2] * g[2]);
    at::mul_out(d3, tanh_c * g[3], 1 - g[3]);
    const at::Tensor through_h = g[3] * (1 - tanh_c * tanh_c);
    at::Tensor dh, dc = at::zeros_like(c[0]);
    for (std::int64_t t = length - 1; t >= 0; --t) {
      dh = dh.defined() ? of_outputs[t] + dh : of_outputs[t];
      dc.addcmul_(dh, through_h[t]);
      of_gates[t].narrow(1, 0, 3 * hidden).unflatten(1, {3, hidden}).mul_(dc.unsqueeze(1));
      d3[t].mul_(dh);
      if (t > 0) {
        dh = at::mm(of_gates[t], w_hh);
        dc.mul_(g[1][t]);
      }
    }
    const at::Tensor before = h.slice(0, 0, length).flatten(0, 1);
    return {of_gates, at::Tensor(), at::Tensor(), at::mm(of_gates.flatten(0, 1).t(), before)};
  }
};

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor> lstm_layer(const at::Tensor& gates, const at::Tensor& h,
                                                          const at::Tensor& c, const at::Tensor& w_hh) {
  variable_list results = LstmLayer::apply(gates, h, c, w_hh);
  return {results[0], results[1], results[2]};
}

}  // namespace charrnn
