#include "checkpoint/background_writer.hpp"

#include <utility>

namespace charrnn {

BackgroundWriter::BackgroundWriter(Write write, Pause pause)
    : write_(std::move(write)), pause_(pause), thread_([this](const std::stop_token& end) { run(end); }) {}

BackgroundWriter::~BackgroundWriter() = default;

void BackgroundWriter::await_write(std::unique_lock<std::mutex>& lock) {
  changed_.wait(lock, [&] { return state_ != State::kWriting; });
}

void BackgroundWriter::await_write() {
  std::unique_lock lock(mutex_);
  await_write(lock);
}

Snapshot& BackgroundWriter::take_buffer() {
  std::unique_lock lock(mutex_);
  await_write(lock);
  state_ = State::kIdle;
  return buffer_;
}

void BackgroundWriter::start() {
  const std::lock_guard lock(mutex_);
  state_ = State::kWriting;
  changed_.notify_all();
}

void BackgroundWriter::retry() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kFailed) return;
  state_ = State::kWriting;
  changed_.notify_all();
}

bool BackgroundWriter::is_writing() {
  const std::lock_guard lock(mutex_);
  return state_ == State::kWriting;
}

bool BackgroundWriter::has_result() {
  const std::lock_guard lock(mutex_);
  return result_.has_value();
}

std::optional<BackgroundWriter::Result> BackgroundWriter::result() {
  const std::lock_guard lock(mutex_);
  return std::exchange(result_, std::nullopt);
}

void BackgroundWriter::run(const std::stop_token& end) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (state_ == State::kFailed) {
      changed_.wait_for(lock, end, pause_, [&] { return state_ != State::kFailed; });
      if (state_ == State::kFailed) state_ = State::kWriting;
    }
    changed_.wait(lock, end, [&] { return state_ == State::kWriting; });
    if (end.stop_requested()) return;
    lock.unlock();
    Result result;
    State outcome = State::kIdle;
    try {
      result.path = write_(buffer_);
    } catch (const WriteError&) {
      result.error = std::current_exception();
      outcome = State::kFailed;
    } catch (...) {
      result.error = std::current_exception();
    }
    lock.lock();
    state_ = outcome;
    result_ = std::move(result);
    changed_.notify_all();
  }
}

}  // namespace charrnn
