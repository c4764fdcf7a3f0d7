// What somebody may have meant who spelled a name wrong.
#pragma once

#include <string>
#include <vector>

namespace charrnn {

/// The candidate with the fewest letters to add, drop or change, if they are at most half of the word; else empty.
std::string nearest(const std::string& word, const std::vector<std::string>& candidates);

/// "; did you mean 'NAME'?" for the nearest, or nothing.
std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates);

}  // namespace charrnn
