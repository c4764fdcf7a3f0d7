// A queue of work on the device, and whether it has come to a mark.
#pragma once

#include <cstdint>

namespace charrnn {

class StreamEvents {
 public:
  /// Grows from mark to mark.
  using Mark = std::uint64_t;

  virtual ~StreamEvents() = default;
  /// Makes the stream's device the current one of the calling thread, as it is of the thread that made this.
  virtual void make_current() = 0;
  /// A mark behind all work that the stream holds now.
  virtual Mark record() = 0;
  /// Has the stream passed the mark? Never blocks. Throws charrnn::Error if the device failed.
  virtual bool has_passed(Mark mark) = 0;
  /// The cudaStream_t.
  virtual void* stream() = 0;
};

}  // namespace charrnn
