// A CPU in the place of a device with a queue.
#pragma once

#include <memory>

namespace charrnn {

class StepDevice;

namespace test {

/// Does at once what is queued, but the host learns of it late: a mark is passed when it has been asked a few times.
/// `most_open` gets the most steps that had begun and not ended at a time.
std::unique_ptr<StepDevice> make_slow_queue(int& most_open);

}  // namespace test
}  // namespace charrnn
