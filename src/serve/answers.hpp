// What the server says about runs, as JSON. Text of unknown origin stays text: what is not UTF-8 becomes U+FFFD.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "serve/run_catalog.hpp"

namespace charrnn {

/// {"runs": [{"name", "state", "model", "step", "loss", …, "sparkline": [[step, loss], …]}]}
nlohmann::ordered_json runs_answer(const std::vector<NamedRun>& runs);

/// What runs_answer() has of the run, and its config, log, samples and checkpoints.
nlohmann::ordered_json run_answer(const NamedRun& run, const std::filesystem::path& folder);

/// As it goes over the wire.
std::string as_text(const nlohmann::ordered_json& json);

}  // namespace charrnn
