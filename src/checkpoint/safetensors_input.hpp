// Reading .safetensors files that anybody may have made: JSON after its length, then the tensors' bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/parameter_layout.hpp"

namespace charrnn {

/// What is wrong with a file: a sentence about "it".
struct SafetensorsFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// JSON of an object, in bounded depth and without a name that is there twice. SafetensorsFault saying `what` it is.
nlohmann::json parse_object(const std::string& text, const char* what);

/// The member of an object, or null where there is none.
const nlohmann::json& find_member(const nlohmann::json& object, const char* key);

/// A file whose header has been read and checked: it is of bounded length, and the tensors follow each other without gaps
/// or overlaps up to the file's end. Everything throws SafetensorsFault.
class SafetensorsInput {
 public:
  explicit SafetensorsInput(const std::filesystem::path& path);

  /// The object __metadata__; null if there is none.
  const nlohmann::json& metadata() const;
  /// That the file has this parameter, of its shape and of a type that values_of() reads.
  void check(const Parameter& parameter) const { checked_place(parameter); }
  /// A parameter's values, as float32.
  std::vector<float> values_of(const Parameter& parameter);

 private:
  /// Where a tensor lies, in bytes from the end of the header.
  struct Place {
    std::string name, dtype;
    std::vector<std::uint64_t> shape;
    std::uint64_t first = 0, end = 0;
    std::uint64_t bytes() const { return end - first; }
  };

  static Place read_place(const std::string& name, const nlohmann::json& json);
  void find_places(std::uint64_t bytes);
  const Place& checked_place(const Parameter& parameter) const;
  void read(std::uint64_t at, void* to, std::uint64_t bytes);

  std::ifstream file_;
  nlohmann::json header_;
  std::uint64_t data_ = 0;  ///< where the header ends
  std::vector<Place> places_;
};

}  // namespace charrnn
