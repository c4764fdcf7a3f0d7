// Changes of an HDF5 file by somebody who knows HDF5 and means harm.
#pragma once

#include <fuzzer/FuzzedDataProvider.h>

#include <filesystem>
#include <string>
#include <vector>

namespace charrnn {

/// What can be changed in a file.
struct Hdf5Names {
  std::vector<std::string> objects;  ///< groups and datasets, "/" first
  struct Attribute {
    std::string object, name;
  };
  std::vector<Attribute> attributes;
};

Hdf5Names names_in(const std::filesystem::path& file);

/// Makes some changes that `source` chooses: other types, sizes, ranks, storage, filters, links, or nothing in place of
/// something. What HDF5 itself refuses to write is left out.
void edit(const std::filesystem::path& file, const Hdf5Names& names, FuzzedDataProvider& source);

}  // namespace charrnn
