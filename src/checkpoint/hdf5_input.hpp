// Reading an HDF5 file that anybody may have made. Every object is looked at before its contents are read: what kind of
// link leads to it, its type, rank and size, how it is stored. Links within and out of the file, external and virtual
// storage, filters other than fletcher32, user-defined types and variable-length strings are refused.
//
//     const Hdf5Input file("step_7.h5");
//     const std::int64_t step = file.root().integer("step", {0, kMost});
//     const Hdf5Dataset weights = file.root().group("model").floats("e.weight");
//     std::vector<float> values = weights.read();
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace charrnn {

/// What is wrong with the file, and where in it.
class Hdf5Fault : public std::runtime_error {
 public:
  Hdf5Fault(const std::string& where, const std::string& what) : std::runtime_error(where + " " + what) {}
};

/// An identifier of HDF5's, given back at the end of its life.
class Hdf5Id {
 public:
  /// Takes it over. Hdf5Fault if it is none, which is how HDF5 tells of a failure.
  Hdf5Id(hid_t id, const std::string& where);
  Hdf5Id(Hdf5Id&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Hdf5Id& operator=(Hdf5Id&&) = delete;
  ~Hdf5Id();
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): for HDF5's functions

 private:
  hid_t id_;
};

/// Bytes that may still be read of a file: as many as it has. Several names of one dataset give no more.
struct Hdf5Budget {
  std::uint64_t file = 0, left = 0;
};

/// A group or dataset with its attributes.
class Hdf5Node {
 public:
  struct Limits {
    std::int64_t least = std::numeric_limits<std::int64_t>::min();
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
  };

  const std::string& path() const { return path_; }
  bool has_attribute(const char* name) const;
  std::int64_t integer(const char* name, Limits limits) const;
  bool flag(const char* name) const { return integer(name, {0, 1}) != 0; }
  /// May be infinite or not a number.
  double number(const char* name) const;
  /// Up to the first zero byte; of at most kLongestText bytes.
  std::string text(const char* name) const;

  static constexpr std::size_t kLongestText = 4096;

 protected:
  Hdf5Node(Hdf5Id id, std::string path, Hdf5Budget& budget)
      : id_(std::move(id)), path_(std::move(path)), budget_(&budget) {}
  struct Attribute {
    std::string where;
    Hdf5Id id, type;
  };
  /// A single value of no user-defined type. Hdf5Fault if there is none of that name.
  Attribute attribute(const char* name) const;

  Hdf5Id id_;
  std::string path_;  ///< in the file, for messages
  Hdf5Budget* budget_;
};

class Hdf5Dataset : public Hdf5Node {
 public:
  const std::vector<std::int64_t>& shape() const { return shape_; }
  std::size_t element_bytes() const { return element_bytes_; }
  /// Reads the elements as they are in the file.
  template <class Element = float>
  std::vector<Element> read() const {
    std::vector<Element> elements(take_from_budget() / sizeof(Element));
    read_into(elements.data());
    return elements;
  }

 private:
  friend class Hdf5Group;
  Hdf5Dataset(Hdf5Id id, std::string path, Hdf5Budget& budget);
  /// Bytes of the whole dataset.
  std::size_t take_from_budget() const;
  void read_into(void* memory) const;
  void check_storage() const;

  Hdf5Id type_;
  std::size_t element_bytes_;
  std::uint64_t bytes_ = 0;  ///< of all elements
  std::vector<std::int64_t> shape_;
};

class Hdf5Group : public Hdf5Node {
 public:
  bool has(const std::string& name) const;
  Hdf5Group group(const std::string& name) const;
  /// A dataset of little-endian float32.
  Hdf5Dataset floats(const std::string& name) const { return typed(name, H5T_IEEE_F32LE, "float32"); }
  /// A dataset of exactly this type, which messages call `what`.
  Hdf5Dataset typed(const std::string& name, hid_t type, const char* what) const;
  /// A dataset of fixed-length strings of at most `most` bytes.
  Hdf5Dataset strings(const std::string& name, std::size_t most) const;
  /// Of all members, in HDF5's order; Hdf5Fault for more than `most`.
  std::vector<std::string> names(std::size_t most) const;

 private:
  friend class Hdf5Input;
  using Hdf5Node::Hdf5Node;
  Hdf5Id member(const std::string& name, H5I_type_t kind, const char* what) const;
  Hdf5Dataset dataset(const std::string& name) const;
  std::string path_of(const std::string& name) const;
};

class Hdf5Input {
 public:
  explicit Hdf5Input(const std::filesystem::path& path);
  Hdf5Group root() const;

 private:
  Hdf5Id file_;
  mutable Hdf5Budget budget_;
};

}  // namespace charrnn
