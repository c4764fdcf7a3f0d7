// What `charrnn_dist doctor` says of one thing.
#pragma once

#include <string>
#include <vector>

namespace charrnn {

enum class Verdict { kGood, kWarning, kFault };

struct Finding {
  Verdict verdict = Verdict::kGood;
  std::string topic;        ///< a word or two: "cores"
  std::string text;         ///< what is there
  std::string remedy = {};  ///< how to mend it, options by their keys in backticks; empty where nothing is wrong
};

using Findings = std::vector<Finding>;

}  // namespace charrnn
