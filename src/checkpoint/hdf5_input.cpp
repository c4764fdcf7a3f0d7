#include "checkpoint/hdf5_input.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/memory.hpp"

namespace charrnn {

namespace {

constexpr int kMostDimensions = 3;

void check(bool holds, const std::string& where, const std::string& what) {
  if (!holds) throw Hdf5Fault(where, what);
}

std::string until_zero(std::string text) {
  text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
  return text;
}

/// Fixed-length strings of 1 to `most` bytes.
void check_string(hid_t type, std::size_t most, const std::string& where) {
  check(H5Tget_class(type) == H5T_STRING, where, "is not text");
  check(H5Tis_variable_str(type) == 0, where, "is text of variable length");
  const std::size_t bytes = H5Tget_size(type);
  check(bytes >= 1 && bytes <= most, where, fmt::format("is text of {} bytes, more than {}", bytes, most));
}

/// The product of `factors`, as long as it is at most `most`.
bool product_fits(std::uint64_t first, const std::vector<hsize_t>& factors, std::uint64_t most,
                  std::uint64_t& product) {
  product = first;
  for (const hsize_t factor : factors) {
    if (factor != 0 && product > most / factor) return false;
    product *= factor;
  }
  return product <= most;
}

}  // namespace

Hdf5Id::Hdf5Id(hid_t id, const std::string& where) : id_(id) {
  check(id >= 0, where, "cannot be read by HDF5");
}

Hdf5Id::~Hdf5Id() {
  if (id_ >= 0) H5Idec_ref(id_);
}

bool Hdf5Node::has_attribute(const char* name) const {
  return H5Aexists(id_, name) > 0;
}

Hdf5Node::Attribute Hdf5Node::attribute(const char* name) const {
  const std::string where = fmt::format("{}@{}", path_, name);
  check(has_attribute(name), where, "is missing");
  Hdf5Id attribute(H5Aopen(id_, name, H5P_DEFAULT), where), type(H5Aget_type(attribute), where);
  const Hdf5Id space(H5Aget_space(attribute), where);
  check(H5Sget_simple_extent_type(space) == H5S_SCALAR, where, "is not a single value");
  check(H5Tcommitted(type) == 0, where, "has a user-defined type");
  return {where, std::move(attribute), std::move(type)};
}

std::int64_t Hdf5Node::integer(const char* name, Limits limits) const {
  const auto [where, id, type] = attribute(name);
  check(H5Tequal(type, H5T_STD_I64LE) > 0, where, "is not a 64-bit integer");
  std::int64_t value = 0;
  check(H5Aread(id, H5T_NATIVE_INT64, &value) >= 0, where, "cannot be read by HDF5");
  check(value >= limits.least && value <= limits.most, where,
        fmt::format("is {}, not in {} … {}", value, limits.least, limits.most));
  return value;
}

double Hdf5Node::number(const char* name) const {
  const auto [where, id, type] = attribute(name);
  check(H5Tequal(type, H5T_IEEE_F64LE) > 0, where, "is not a 64-bit floating-point number");
  double value = 0;
  check(H5Aread(id, H5T_NATIVE_DOUBLE, &value) >= 0, where, "cannot be read by HDF5");
  return value;
}

std::string Hdf5Node::text(const char* name) const {
  const auto [where, id, type] = attribute(name);
  check_string(type, kLongestText, where);
  std::string value(H5Tget_size(type), '\0');
  check(H5Aread(id, type, value.data()) >= 0, where, "cannot be read by HDF5");
  return until_zero(std::move(value));
}

Hdf5Dataset::Hdf5Dataset(Hdf5Id id, std::string path, Hdf5Budget& budget)
    : Hdf5Node(std::move(id), std::move(path), budget),
      type_(H5Dget_type(id_), path_),
      element_bytes_(H5Tget_size(type_)) {
  check(H5Tcommitted(type_) == 0, path_, "has a user-defined type");
  check_storage();
  const Hdf5Id space(H5Dget_space(id_), path_);
  check(H5Sget_simple_extent_type(space) != H5S_NULL, path_, "is empty");
  const int rank = H5Sget_simple_extent_ndims(space);
  check(rank >= 0 && rank <= kMostDimensions, path_, fmt::format("has {} dimensions", rank));
  std::vector<hsize_t> dimensions(static_cast<std::size_t>(rank));
  H5Sget_simple_extent_dims(space, dimensions.data(), nullptr);
  check(product_fits(element_bytes_, dimensions, budget_->file, bytes_), path_,
        fmt::format("has {} elements of {} bytes, more than the file", fmt::join(dimensions, " x "), element_bytes_));
  check(H5Dget_storage_size(id_) >= bytes_, path_, "is not there as a whole");
  shape_.assign(dimensions.begin(), dimensions.end());
}

void Hdf5Dataset::check_storage() const {
  const Hdf5Id properties(H5Dget_create_plist(id_), path_);
  const H5D_layout_t layout = H5Pget_layout(properties);
  check(layout == H5D_CHUNKED || layout == H5D_CONTIGUOUS || layout == H5D_COMPACT, path_,
        "is a virtual dataset, of other files");
  check(H5Pget_external_count(properties) == 0, path_, "is stored in another file");
  for (int i = 0; i < H5Pget_nfilters(properties); ++i) {
    unsigned int flags = 0, settings = 0;
    std::size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(properties, static_cast<unsigned int>(i), &flags, &values, nullptr, 0, nullptr, &settings);
    check(filter == H5Z_FILTER_FLETCHER32, path_, fmt::format("is stored with the filter {}", filter));
  }
  if (layout != H5D_CHUNKED) return;
  std::vector<hsize_t> chunk(kMostDimensions + 1);
  const int rank = H5Pget_chunk(properties, kMostDimensions + 1, chunk.data());
  check(rank >= 1 && rank <= kMostDimensions, path_, fmt::format("has chunks of {} dimensions", rank));
  chunk.resize(static_cast<std::size_t>(rank));
  std::uint64_t bytes = 0;  // of a chunk, all of which HDF5 holds in memory
  check(product_fits(element_bytes_, chunk, budget_->file, bytes), path_,
        fmt::format("has chunks of {} elements, more than the file", fmt::join(chunk, " x ")));
}

std::size_t Hdf5Dataset::take_from_budget() const {
  check(bytes_ <= budget_->left, path_, "is one of several names of the same data");
  budget_->left -= bytes_;
  return bytes_;
}

void Hdf5Dataset::read_into(void* memory) const {
  check(H5Dread(id_, type_, H5S_ALL, H5S_ALL, H5P_DEFAULT, memory) >= 0, path_, "cannot be read by HDF5");
}

bool Hdf5Group::has(const std::string& name) const {
  return H5Lexists(id_, name.c_str(), H5P_DEFAULT) > 0;
}

std::string Hdf5Group::path_of(const std::string& name) const {
  return path_ == "/" ? "/" + name : path_ + "/" + name;
}

Hdf5Id Hdf5Group::member(const std::string& name, H5I_type_t kind, const char* what) const {
  const std::string where = path_of(name);
  check(has(name), where, "is missing");
  H5L_info_t link{};
  check(H5Lget_info(id_, name.c_str(), &link, H5P_DEFAULT) >= 0, where, "cannot be read by HDF5");
  check(link.type == H5L_TYPE_HARD, where, "is a link to another name or file");
  Hdf5Id object(H5Oopen(id_, name.c_str(), H5P_DEFAULT), where);
  check(H5Iget_type(object) == kind, where, fmt::format("is not a {}", what));
  return object;
}

Hdf5Group Hdf5Group::group(const std::string& name) const {
  return {member(name, H5I_GROUP, "group"), path_of(name), *budget_};
}

Hdf5Dataset Hdf5Group::dataset(const std::string& name) const {
  return {member(name, H5I_DATASET, "dataset"), path_of(name), *budget_};
}

Hdf5Dataset Hdf5Group::typed(const std::string& name, hid_t type, const char* what) const {
  Hdf5Dataset found = dataset(name);
  check(H5Tequal(found.type_, type) > 0, found.path(), fmt::format("is not {}", what));
  return found;
}

Hdf5Dataset Hdf5Group::strings(const std::string& name, std::size_t most) const {
  Hdf5Dataset found = dataset(name);
  check_string(found.type_, most, found.path());
  return found;
}

std::vector<std::string> Hdf5Group::names(std::size_t most) const {
  H5G_info_t info{};
  check(H5Gget_info(id_, &info) >= 0, path_, "cannot be read by HDF5");
  check(info.nlinks <= most, path_, fmt::format("has {} members, more than {}", info.nlinks, most));
  std::vector<std::string> found;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    constexpr std::size_t kLongestName = 256;
    std::string name(kLongestName, '\0');
    const ssize_t length =
        H5Lget_name_by_idx(id_, ".", H5_INDEX_NAME, H5_ITER_INC, i, name.data(), name.size(), H5P_DEFAULT);
    check(length > 0 && length < std::ssize(name), path_, "has a member without a name, or with a long one");
    found.push_back(name.substr(0, static_cast<std::size_t>(length)));
  }
  return found;
}

Hdf5Input::Hdf5Input(const std::filesystem::path& path)
    : file_((require_memory(kForLibraries), H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr),
             H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)),
            "the file") {
  std::error_code error;
  budget_.file = budget_.left = std::filesystem::file_size(path, error);
  check(!error, "the file", error.message());
}

Hdf5Group Hdf5Input::root() const {
  return {Hdf5Id(H5Gopen2(file_, "/", H5P_DEFAULT), "/"), "/", budget_};
}

}  // namespace charrnn
