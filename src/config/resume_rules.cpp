#include "config/resume_rules.hpp"

#include <fmt/format.h>

#include "base/error.hpp"

namespace charrnn {

Strings changes_on_resume(const RunConfig& then, const RunConfig& now, bool threads_decide_bits,
                          const std::string& checkpoint) {
  RunConfig old_config = then, new_config = now;
  const bool reproducible = then.run.reproducible && now.run.reproducible;
  const auto decides_bits = [&](const Option& option) {
    return reproducible && option.on_resume == OnResume::kFixedIfReproducible &&
           (threads_decide_bits || option.name != std::string("threads"));
  };
  const char* first = nullptr;
  Strings changes, refused, other_bits;
  for (const Option& option : option_table()) {
    const auto shown = [](const std::string& text) { return text.empty() ? "(none)" : text; };
    const std::string was = to_text(option.member(old_config)), is = to_text(option.member(new_config));
    if (was == is) continue;
    if (option.on_resume == OnResume::kFixed || decides_bits(option)) {
      (option.on_resume == OnResume::kFixed ? refused : other_bits)
          .push_back(fmt::format("`{}` is {}, was {}", option.name, shown(is), shown(was)));
      if (first == nullptr) first = option.name;
    } else {
      changes.push_back(fmt::format("`{}` {} -> {}", option.name, shown(was), shown(is)));
    }
  }
  if (!refused.empty()) {
    throw ConfigError(first, fmt::format("cannot resume from '{}': {}; leave it as it was, or start a new run from "
                                         "these weights with `init-from`",
                                         checkpoint, fmt::join(refused, "; ")));
  }
  if (!other_bits.empty()) {
    throw ConfigError(first, fmt::format("cannot resume from '{}' with the same bits: {}; leave it as it was, or give "
                                         "up the mode with `no-reproducible`",
                                         checkpoint, fmt::join(other_bits, "; ")));
  }
  return changes;
}

}  // namespace charrnn
