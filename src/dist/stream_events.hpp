// A queue of work on the device, and whether it has come to a mark.
#pragma once

namespace charrnn {

/// One mark at a time is enough: a communicator waits for each collective before it starts the next.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  /// Sets the mark behind all work that the stream holds now.
  virtual void record() = 0;
  /// Has the stream passed the mark? Never blocks. Throws charrnn::Error if the device failed.
  virtual bool is_complete() = 0;
  /// The cudaStream_t.
  virtual void* stream() = 0;
};

}  // namespace charrnn
