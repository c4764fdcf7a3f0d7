// A queue of work on the device, and whether it has come to a mark.
#pragma once

#include <cstdint>
#include <memory>

namespace charrnn {

class StreamEvents {
 public:
  /// A point in the stream; later marks have larger numbers.
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

  /// Another stream of the same device, which goes on by itself.
  virtual std::unique_ptr<StreamEvents> beside() = 0;
  /// The latest mark, for another stream to wait for; null if this stream has passed it.
  virtual void* latest() = 0;
  /// What the stream gets from now on comes after that mark, or any other cudaEvent_t, of whichever stream; null is none.
  virtual void wait_for(void* event) = 0;
};

}  // namespace charrnn
