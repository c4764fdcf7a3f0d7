#include "config/given_options.hpp"

#include <utility>

namespace charrnn {

Value GivenOptions::give(const Option& option, std::string place) {
  places_[&option] = std::move(place);
  return option.member(values_);
}

void GivenOptions::add(const GivenOptions& stronger) {
  stronger.apply(values_);
  for (const auto& [option, place] : stronger.places_) places_[option] = place;
}

void GivenOptions::apply(RunConfig& config) const {
  RunConfig from = values_;
  for (const auto& [option, place] : places_) assign(option->member(from), option->member(config));
}

std::string GivenOptions::place_of(const std::string& key) const {
  const auto found = places_.find(find_option(option_table(), key));
  return found == places_.end() ? "" : found->second;
}

}  // namespace charrnn
