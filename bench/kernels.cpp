// Micro-benchmarks of the native engine: matrix products, and the element-wise kernels of every instruction
// set that this processor has; on one thread, but for step_products/PRECISION/THREADS. Usage: kernel_bench
// [--benchmark_filter=REGEX]
#include <benchmark/benchmark.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "base/subnormal_numbers.hpp"
#include "base/thread_team.hpp"
#include "models/native/outer_products.hpp"
#include "train/update_kernels.hpp"

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

/// The matrix products of a training step of the notebook's LSTM's recurrent layers (2 x 512, 64 columns,
/// windows of 8) on so many threads, with the engine's panels and strides, and nothing else but rounding the left
/// factors: what a step would take if all the rest were free.
void step_products(benchmark::State& state, Precision precision) {
  constexpr std::int64_t kLength = 8, kColumns = 64, kWindow = kLength * kColumns, kGates = 4 * kUnits, kBlock = 64,
                         kStride = kGates + kGateGap;
  ThreadTeam team(static_cast<int>(state.range(0)));
  const AlignedBuffer values(kGates * kUnits);
  AlignedBuffer h((kWindow + kRows) * kUnits), gates(kWindow * kStride), d(kWindow * kUnits),
      transposed(kGates * kWindow), gradient(kGates * kUnits);
  std::deque<Weight> weights;  // hidden to hidden of both layers, inputs to hidden of the second
  for (int i = 0; i < 3; ++i) weights.emplace_back(values.data(), 4, kUnits, kUnits, precision);
  OuterFactor factor(precision);
  factor.resize(std::array{MatrixRows{h.data(), kUnits, kWindow}}, kUnits);
  factor.take(0, 1);
  for (Weight& weight : weights) weight.pack(0, 1, nullptr);
  const auto all = [](const Panels& panels) { return Range{0, panels.count()}; };
  for (auto _ : state) {
    team.run([&](int thread) {
      const Range mine = share_of(kColumns, thread, team.size());
      float *my_h = h.data() + mine.first * kUnits, *my_gates = gates.data() + mine.first * kStride,
            *my_d = d.data() + mine.first * kUnits;
      const MatrixRows outputs{my_h, kUnits, mine.count, kLength, kColumns},
          of_gates{my_gates, kStride, mine.count, kLength, kColumns};
      for (const Weight& weight : weights) {  // forward
        const Panels& b = weight.forward();
        if (&weight == &weights.back()) {
          LeftFactor(outputs, kUnits, b).multiply(my_gates, kStride, false, b, all(b));
          continue;
        }
        for (std::int64_t t = 0; t < kLength; ++t) {
          LeftFactor({my_h + t * kColumns * kUnits, kUnits, mine.count}, kUnits, b)
              .multiply(my_gates + t * kColumns * kStride, kStride, true, b, all(b));
        }
      }
      for (const Weight& weight : weights) {  // backward
        const Panels& b = weight.backward();
        if (&weight == &weights.back()) {
          LeftFactor(of_gates, kGates, b).multiply(my_d, kUnits, false, b, all(b));
          continue;
        }
        for (std::int64_t t = kLength; t-- > 1;) {
          LeftFactor({my_gates + t * kColumns * kStride, kStride, mine.count}, kGates, b)
              .multiply(my_d, kUnits, false, b, all(b));
        }
      }
      team.barrier();
      for (std::size_t i = 0; i < weights.size(); ++i) {  // weight gradients
        for (std::int64_t block = thread; block < kGates / kBlock; block += team.size()) {
          LeftFactor({transposed.data() + block * kBlock * kWindow, kWindow, kBlock}, kWindow, factor.panels())
              .multiply(gradient.data() + block * kBlock * kUnits, kUnits, false, factor.panels(),
                        all(factor.panels()));
        }
      }
    });
    benchmark::ClobberMemory();
  }
  constexpr double kProducts = 3.0 * kLength + 2.0 * (kLength - 1) + kLength + 3.0 * kLength;
  state.counters["FLOP/s"] =
      benchmark::Counter(kProducts * 2.0 * kColumns * kUnits * kGates, benchmark::Counter::kIsIterationInvariantRate);
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
       {std::pair{"fp32", Precision::kFp32}, {"tf32", Precision::kTf32}, {"bf16", Precision::kBf16}}) {
    benchmark::RegisterBenchmark((std::string("pack/") + name).c_str(),
                                 [precision = precision](benchmark::State& state) { pack(state, precision); });
    for (const int threads : {1, 2}) {
      benchmark::RegisterBenchmark(
          (std::string("step_products/") + name).c_str(),
          [precision = precision](benchmark::State& state) { step_products(state, precision); })
          ->Arg(threads)
          ->UseRealTime();
    }
    auto* one =
        benchmark::RegisterBenchmark((std::string("product/") + name).c_str(),
                                     [precision = precision](benchmark::State& state) { product(state, precision); });
    // A time step of the notebook's LSTM forward and backward, whole and on two threads; a group of 8
    // columns.
    for (const std::int64_t rows : {64, 32, 8}) one->Args({rows, 512, 2048})->Args({rows, 2048, 512});
    one->Args({64, 256, 768});  // its GRU
  }
  constexpr std::int64_t kElements = kRows * kUnits;
  static AlignedBuffer gates(kRows * (4 * kUnits + kGateGap)), bias(4 * kUnits), h(kElements), c(kElements),
      d(kElements);
  static const std::vector<const float*> addends(kRows, bias.data());
  for_all_kernels("lstm_forward", kElements, [](const Kernels& kernel) {
    kernel.lstm_forward(kRows, kUnits, 0, kUnits, gates.data(), addends.data(), c.data(), d.data(), h.data());
  });
  for_all_kernels("gru_forward", kElements, [](const Kernels& kernel) {
    kernel.gru_forward(kRows, kUnits, 0, kUnits, gates.data(), c.data(), addends.data(), bias.data(), h.data(),
                       d.data());
  });
  for_all_kernels("rnn_forward", kElements, [](const Kernels& kernel) {
    kernel.rnn_forward(kRows, kUnits, 0, kUnits, gates.data(), addends.data(), h.data());
  });
  for_all_kernels("softmax_loss of 96 symbols", 96,
                  [](const Kernels& kernel) { kernel.softmax_loss(96, gates.data(), bias.data(), 3); });
  benchmark::RegisterBenchmark("adam", [](benchmark::State& state) {
    const AdamRates rates{.rest1 = 0.1F,
                          .rest2 = 1e-3F,
                          .beta2 = 0.999F,
                          .epsilon = 1e-8F,
                          .step_size = 1e-3F,
                          .per_root_bias = 1,
                          .gradient_scale = 1,
                          .weight_decay = 0,
                          .shrink = 1};
    for (auto _ : state) {
      update_kernels().adam(kElements, gates.data(), h.data(), c.data(), d.data(), rates);
      benchmark::ClobberMemory();
    }
    state.counters["elements/s"] =
        benchmark::Counter(static_cast<double>(kElements), benchmark::Counter::kIsIterationInvariantRate);
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
