// Runs as Prometheus reads them.
#pragma once

#include <string>
#include <vector>

#include "serve/run_catalog.hpp"

namespace charrnn {

/// The text exposition format, version 0.0.4: gauges with a label `run`. A run that has no such number has no line, and a model has
/// none.
std::string prometheus_text(const std::vector<NamedRun>& runs);

}  // namespace charrnn
