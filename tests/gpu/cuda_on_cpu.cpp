#include "gpu/cuda_on_cpu.hpp"

#include <ucontext.h>

#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

CudaIndex threadIdx, blockIdx, gridDim;

namespace cuda_on_cpu {

namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<unsigned char[]> stack;
  unsigned thread = 0, cta = 0;
};

struct Cta {
  std::vector<unsigned char> shared;
  std::vector<Fiber*> waiting;
  unsigned running = 0;  ///< threads that have not come to their end
};

/// One launch. There is one at a time.
class Grid {
 public:
  Grid(CudaIndex grid, unsigned threads, std::size_t shared_bytes, std::uint64_t seed,
       const std::function<void()>& kernel)
      : kernel_(kernel), random_(seed), ctas_(std::size_t{grid.x} * grid.y), fibers_(ctas_.size() * threads) {
    gridDim = grid;
    for (Cta& cta : ctas_) {
      cta.shared.assign(shared_bytes, 0xFF);
      cta.running = threads;
    }
    for (std::size_t i = 0; i < fibers_.size(); ++i) {
      Fiber& fiber = fibers_[i];
      fiber.thread = static_cast<unsigned>(i % threads);
      fiber.cta = static_cast<unsigned>(i / threads);
      prepare(fiber);
      ready_.push_back(&fiber);
    }
  }

  void run();
  void wait_for_cta();
  void yield() {
    ready_.push_back(now_);
    swapcontext(&now_->context, &scheduler_);
  }
  unsigned char* shared_memory() { return ctas_[now_->cta].shared.data(); }

 private:
  static void run_kernel();
  void prepare(Fiber& fiber) {
    fiber.stack.reset(new unsigned char[kStackBytes]);  // not filled: most of it is never touched
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = &scheduler_;
    makecontext(&fiber.context, run_kernel, 0);
  }
  /// If all threads of the CTA that are left have arrived at the barrier, they go on.
  void open_barrier(Cta& cta) {
    if (cta.waiting.size() < cta.running) return;
    ready_.insert(ready_.end(), cta.waiting.begin(), cta.waiting.end());
    cta.waiting.clear();
  }

  const std::function<void()>& kernel_;
  std::mt19937_64 random_;
  std::vector<Cta> ctas_;
  std::vector<Fiber> fibers_;
  std::vector<Fiber*> ready_;
  Fiber* now_ = nullptr;
  ucontext_t scheduler_{};
};

Grid* grid_now = nullptr;

void Grid::run() {
  while (!ready_.empty()) {
    std::swap(ready_[random_() % ready_.size()], ready_.back());
    now_ = ready_.back();
    ready_.pop_back();
    threadIdx = {now_->thread, 0};
    blockIdx = {now_->cta % gridDim.x, now_->cta / gridDim.x};
    swapcontext(&scheduler_, &now_->context);
  }
  for (const Cta& cta : ctas_) {
    if (cta.running > 0) throw std::runtime_error("deadlock: threads wait at a barrier at which others do not arrive");
  }
}

void Grid::wait_for_cta() {
  Cta& cta = ctas_[now_->cta];
  cta.waiting.push_back(now_);
  ucontext_t* const own = &now_->context;
  open_barrier(cta);
  swapcontext(own, &scheduler_);
}

void Grid::run_kernel() {
  grid_now->kernel_();
  Cta& cta = grid_now->ctas_[grid_now->now_->cta];
  --cta.running;
  grid_now->open_barrier(cta);
}

}  // namespace

void launch(CudaIndex grid, unsigned threads, std::size_t shared_bytes, std::uint64_t seed,
            const std::function<void()>& kernel) {
  Grid running(grid, threads, shared_bytes, seed, kernel);
  grid_now = &running;
  running.run();
}

void yield() {
  grid_now->yield();
}

unsigned char* shared_memory() {
  return grid_now->shared_memory();
}

}  // namespace cuda_on_cpu

void __syncthreads() {
  cuda_on_cpu::grid_now->wait_for_cta();
}
