// Settings of LibTorch that hold for the whole process.
#pragma once

namespace charrnn {

/// Before the first use of LibTorch, in whatever program: float32 products are not rounded to TF32. Its number of threads is
/// left to the program; it becomes 1 only where LibTorch has no micro-kernels, and threads of ours multiply by its BLAS.
void prepare_torch();

/// Sets the threads that LibTorch's CPU kernels use, and keeps its memory between steps. Float32 products are not
/// rounded to TF32.
/// `deterministic`: what is computed twice gives the same bits, on GPUs too, and NCCL keeps to algorithms
/// that do; call it before anything computes on a GPU.
/// UsageError if the system does not let this process have so many threads.
void configure_torch(int threads, bool deterministic = false);

/// Whether GPUs may round the factors of float32 products to TF32 (10 bits after the first), which their units
/// multiply several times as fast.
void round_products_to_tf32(bool on);

}  // namespace charrnn
