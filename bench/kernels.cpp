// Micro-benchmarks of the native engine: matrix products, and the element-wise kernels of every instruction
// set that this processor has. One thread. Usage: kernel_bench [--benchmark_filter=REGEX]
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "models/native/weight.hpp"
#include "models/torch_runtime.hpp"

namespace charrnn {
namespace {

constexpr std::int64_t kRows = 32, kUnits = 512;

void product(benchmark::State& state, Precision precision) {
  const std::int64_t rows = state.range(0), depth = state.range(1), columns = state.range(2);
  AlignedBuffer a(rows * depth), c(rows * columns);
  Panels b(precision);
  b.resize(depth, columns);
  for (auto _ : state) {
    LeftFactor({a.data(), depth, rows}, depth, b).multiply(c.data(), columns, false, b, {0, b.count()});
    benchmark::ClobberMemory();
  }
  state.counters["FLOP/s"] = benchmark::Counter(2.0 * static_cast<double>(rows * depth * columns),
                                                benchmark::Counter::kIsIterationInvariantRate);
}

/// The notebook's LSTM's hidden-to-hidden weights, as a right factor both ways.
void pack(benchmark::State& state, Precision precision) {
  const AlignedBuffer values(4 * kUnits * kUnits);
  Weight weight(values.data(), 4, kUnits, kUnits, precision);
  for (auto _ : state) {
    weight.pack(0, 1, nullptr);
    benchmark::ClobberMemory();
  }
  state.counters["elements/s"] =
      benchmark::Counter(static_cast<double>(weight.size()), benchmark::Counter::kIsIterationInvariantRate);
}

/// Times work(kernels), which does so many elements, for every set of kernels.
template <class Work>
void for_all_kernels(const std::string& name, std::int64_t elements, const Work& work) {
  for (const Kernels* kernel : runnable_kernels()) {
    benchmark::RegisterBenchmark((name + "/" + kernel->name).c_str(), [=](benchmark::State& state) {
      for (auto _ : state) {
        work(*kernel);
        benchmark::ClobberMemory();
      }
      state.counters["elements/s"] =
          benchmark::Counter(static_cast<double>(elements), benchmark::Counter::kIsIterationInvariantRate);
    });
  }
}

void register_all() {
  for (const auto& [name, precision] :
       {std::pair{"fp32", Precision::kFp32}, std::pair{"bf16", Precision::kBf16}}) {
    benchmark::RegisterBenchmark(
        (std::string("pack/") + name).c_str(),
        [precision = precision](benchmark::State& state) { pack(state, precision); });
    auto* one = benchmark::RegisterBenchmark(
        (std::string("product/") + name).c_str(),
        [precision = precision](benchmark::State& state) { product(state, precision); });
    // A time step of the notebook's LSTM forward and backward, whole and on two threads; a group of 8
    // columns.
    for (const std::int64_t rows : {64, 32, 8}) one->Args({rows, 512, 2048})->Args({rows, 2048, 512});
    one->Args({64, 256, 768});  // its GRU
  }
  constexpr std::int64_t kElements = kRows * kUnits;
  static AlignedBuffer gates(4 * kElements), bias(4 * kUnits), h(kElements), c(kElements), d(kElements);
  static const std::vector<const float*> addends(kRows, bias.data());
  for_all_kernels("lstm_forward", kElements, [](const Kernels& kernel) {
    kernel.lstm_forward(kRows, kUnits, 0, kUnits, gates.data(), addends.data(), c.data(), d.data(), h.data());
  });
  for_all_kernels("gru_forward", kElements, [](const Kernels& kernel) {
    kernel.gru_forward(kRows, kUnits, 0, kUnits, gates.data(), c.data(), addends.data(), bias.data(),
                       h.data(), d.data());
  });
  for_all_kernels("rnn_forward", kElements, [](const Kernels& kernel) {
    kernel.rnn_forward(kRows, kUnits, 0, kUnits, gates.data(), addends.data(), h.data());
  });
  for_all_kernels("softmax_loss of 96 symbols", 96,
                  [](const Kernels& kernel) { kernel.softmax_loss(96, gates.data(), bias.data(), 3); });
  for_all_kernels("adam", kElements, [](const Kernels& kernel) {
    const AdamRates rates{.rest1 = 0.1F,
                          .rest2 = 1e-3F,
                          .beta2 = 0.999F,
                          .epsilon = 1e-8F,
                          .step_size = 1e-3F,
                          .per_root_bias = 1,
                          .gradient_scale = 1,
                          .weight_decay = 0,
                          .shrink = 1};
    kernel.adam(kElements, gates.data(), h.data(), c.data(), d.data(), rates);
  });
}

}  // namespace
}  // namespace charrnn

int main(int argc, char** argv) {
  charrnn::flush_subnormal_numbers();
  charrnn::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
}
