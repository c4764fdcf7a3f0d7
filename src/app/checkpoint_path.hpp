// The PATHs that sample and eval take.
#pragma once

#include <string>

namespace charrnn {

/// The checkpoint to use for a PATH: of a run's folder the best one, or the newest where it has none. Of a folder a
/// line on standard error says which. DataError if there is none.
std::string checkpoint_to_use(const std::string& path);

}  // namespace charrnn
