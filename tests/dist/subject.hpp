// The communicator that the contract is checked on. Each test program links one definition of these.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dist/communicator.hpp"
#include "dist/device_memory.hpp"
#include "dist/mpi_session.hpp"

namespace charrnn::test {

/// Why this machine cannot run it, or "".
std::string cannot_run(const MpiSession& session);
/// Collective.
std::unique_ptr<Communicator> make_subject(const MpiSession& session, Seconds timeout);
/// Memory of the kind the subject works on.
std::unique_ptr<DeviceMemory> make_subject_memory();
/// Whether the queue of that device has come to where it ends now.
std::function<bool()> mark_of_subject();
/// The same place, for begin_all_reduce_sum_after().
Communicator::Moment moment_of_subject();

/// What this subject left wrong after it threw `error`, or "".
std::string wrong_after(const CommError& error);

/// An array in that memory.
template <class T>
class Buffer {
 public:
  explicit Buffer(const std::vector<T>& values) : memory_(make_subject_memory()), size_(values.size()) {
    if (size_ == 0) return;
    data_ = static_cast<T*>(memory_->allocate(size_ * sizeof(T)));
    memory_->to_device(data_, values.data(), size_ * sizeof(T));
  }
  ~Buffer() {
    if (data_ != nullptr) memory_->release(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  std::span<T> span() { return {data_, size_}; }
  std::vector<T> values() const {
    std::vector<T> result(size_);
    if (size_ > 0) memory_->to_host(result.data(), data_, size_ * sizeof(T));
    return result;
  }

 private:
  std::unique_ptr<DeviceMemory> memory_;
  std::size_t size_;
  T* data_ = nullptr;
};

}  // namespace charrnn::test
