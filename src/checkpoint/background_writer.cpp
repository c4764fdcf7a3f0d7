#include "checkpoint/background_writer.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace charrnn {

/// What the writer and its thread share. A thread that was left behind keeps it alive.
struct BackgroundWriter::Desk {
  enum class State { kIdle, kWriting, kFailed };

  void run(const std::stop_token& end);
  void await_write(std::unique_lock<std::mutex>& lock) {
    changed.wait(lock, [&] { return state != State::kWriting; });
  }

  Write write;
  Pause pause;
  Snapshot buffer = {};
  std::mutex mutex = {};
  std::condition_variable_any changed = {};
  State state = State::kIdle;
  std::optional<Result> result = {};
};

BackgroundWriter::BackgroundWriter(Write write, Pause pause)
    : desk_(new Desk{.write = std::move(write), .pause = pause}),
      thread_([desk = desk_](const std::stop_token& end) { desk->run(end); }) {}

BackgroundWriter::~BackgroundWriter() = default;

void BackgroundWriter::leave_behind(Pause limit) {
  thread_.request_stop();
  std::unique_lock lock(desk_->mutex);
  const auto is_written = [&] { return desk_->state != Desk::State::kWriting; };
  if (!desk_->changed.wait_for(lock, limit, is_written)) thread_.detach();
}

void BackgroundWriter::await_write() {
  std::unique_lock lock(desk_->mutex);
  desk_->await_write(lock);
}

Snapshot& BackgroundWriter::take_buffer() {
  std::unique_lock lock(desk_->mutex);
  desk_->await_write(lock);
  desk_->state = Desk::State::kIdle;
  desk_->result.reset();  // or it would be taken for the next snapshot's
  return desk_->buffer;
}

void BackgroundWriter::start() {
  const std::lock_guard lock(desk_->mutex);
  desk_->state = Desk::State::kWriting;
  desk_->changed.notify_all();
}

void BackgroundWriter::retry() {
  const std::lock_guard lock(desk_->mutex);
  if (desk_->state != Desk::State::kFailed) return;
  desk_->state = Desk::State::kWriting;
  desk_->changed.notify_all();
}

bool BackgroundWriter::is_writing() {
  const std::lock_guard lock(desk_->mutex);
  return desk_->state == Desk::State::kWriting;
}

bool BackgroundWriter::has_result() {
  const std::lock_guard lock(desk_->mutex);
  return desk_->result.has_value();
}

std::optional<BackgroundWriter::Result> BackgroundWriter::result() {
  const std::lock_guard lock(desk_->mutex);
  return std::exchange(desk_->result, std::nullopt);
}

void BackgroundWriter::Desk::run(const std::stop_token& end) {
  std::unique_lock lock(mutex);
  for (;;) {
    if (state == State::kFailed) {
      changed.wait_for(lock, end, pause, [&] { return state != State::kFailed; });
      if (state == State::kFailed && !end.stop_requested()) state = State::kWriting;
    }
    if (!changed.wait(lock, end, [&] { return state == State::kWriting; })) return;
    lock.unlock();
    Result written;
    State outcome = State::kIdle;
    try {
      written.path = write(buffer);
    } catch (const WriteError&) {
      written.error = std::current_exception();
      outcome = State::kFailed;
    } catch (...) {
      written.error = std::current_exception();
    }
    lock.lock();
    state = outcome;
    result = std::move(written);
    changed.notify_all();
  }
}

}  // namespace charrnn
