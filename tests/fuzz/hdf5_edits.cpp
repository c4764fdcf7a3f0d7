#include "fuzz/hdf5_edits.hpp"

#include <hdf5.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace charrnn {

namespace {

/// A handle of HDF5, closed by the function that belongs to its kind.
template <herr_t (*close)(hid_t)>
class Handle {
 public:
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() {
    if (id_ >= 0) close(id_);
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor): used as one

 private:
  hid_t id_;
};
using File = Handle<H5Fclose>;
using Object = Handle<H5Oclose>;
using Type = Handle<H5Tclose>;
using Space = Handle<H5Sclose>;
using List = Handle<H5Pclose>;
using Attribute = Handle<H5Aclose>;
using Dataset = Handle<H5Dclose>;

constexpr std::size_t kMostWritten = 1 << 16;  // bytes of data that an edit brings along

hid_t make_type(FuzzedDataProvider& source) {
  const std::array plain{H5T_STD_I64LE,  H5T_STD_I32LE,  H5T_STD_U64LE, H5T_STD_I64BE,   H5T_IEEE_F64LE,
                         H5T_IEEE_F32LE, H5T_IEEE_F32BE, H5T_STD_I8LE,  H5T_STD_REF_OBJ, H5T_UNIX_D32LE};
  switch (source.ConsumeIntegralInRange(0, 5)) {
    case 0: {
      const hid_t text = H5Tcopy(H5T_C_S1);
      H5Tset_size(text, source.ConsumeBool() ? source.ConsumeIntegralInRange<std::size_t>(1, 64) : H5T_VARIABLE);
      if (source.ConsumeBool()) H5Tset_cset(text, H5T_CSET_UTF8);
      return text;
    }
    case 1: {
      const Type element(H5Tcopy(source.PickValueInArray(plain)));
      return H5Tvlen_create(element);
    }
    case 2: {
      const hid_t pair = H5Tcreate(H5T_COMPOUND, 16);
      H5Tinsert(pair, source.ConsumeBool() ? "epoch" : "x", 0, H5T_STD_I64LE);
      H5Tinsert(pair, "y", 8, H5T_IEEE_F64LE);
      return pair;
    }
    case 3: {
      const hsize_t size = source.ConsumeIntegralInRange(1, 1000);
      return H5Tarray_create2(source.PickValueInArray(plain), 1, &size);
    }
    default:
      return H5Tcopy(source.PickValueInArray(plain));
  }
}

std::vector<hsize_t> make_shape(FuzzedDataProvider& source) {
  constexpr std::array<hsize_t, 9> kSizes{0, 1, 2, 3, 4, 100, 65536, hsize_t{1} << 32, hsize_t{1} << 62};
  std::vector<hsize_t> shape(source.ConsumeIntegralInRange<std::size_t>(1, 4));
  for (hsize_t& size : shape) {
    size = source.ConsumeBool() ? source.PickValueInArray(kSizes) : source.ConsumeIntegralInRange<hsize_t>(0, 200);
  }
  return shape;
}

hid_t make_space(FuzzedDataProvider& source) {
  const int kind = source.ConsumeIntegralInRange(0, 4);
  if (kind == 0) return H5Screate(H5S_SCALAR);
  if (kind == 1) return H5Screate(H5S_NULL);
  const std::vector<hsize_t> shape = make_shape(source);
  return H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr);
}

/// Bytes for all elements of a dataset or an attribute; empty if they are too many, or pointers.
std::vector<char> make_data(hid_t type, hid_t space, FuzzedDataProvider& source) {
  const hssize_t elements = H5Sget_simple_extent_npoints(space);
  const std::size_t size = H5Tget_size(type);
  if (elements <= 0 || static_cast<std::size_t>(elements) > kMostWritten / size) return {};
  if (H5Tis_variable_str(type) > 0 || H5Tdetect_class(type, H5T_VLEN) > 0) return {};
  const std::string some = source.ConsumeRandomLengthString(64);
  std::vector<char> data(static_cast<std::size_t>(elements) * size);
  for (std::size_t i = 0; i < data.size() && !some.empty(); ++i) data[i] = some[i % some.size()];
  return data;
}

void replace_attribute(hid_t file, const Hdf5Names::Attribute& attribute, FuzzedDataProvider& source) {
  const Object object(H5Oopen(file, attribute.object.c_str(), H5P_DEFAULT));
  if (object < 0) return;
  const Attribute before(H5Aopen(object, attribute.name.c_str(), H5P_DEFAULT));
  if (before < 0) return;
  // Its own type as well: another value is a fault, too.
  const Type type(source.ConsumeBool() ? H5Aget_type(before) : make_type(source));
  const Space space(source.ConsumeBool() ? H5Aget_space(before) : make_space(source));
  H5Adelete(object, attribute.name.c_str());
  if (source.ConsumeIntegralInRange(0, 7) == 0) return;
  const Attribute after(H5Acreate2(object, attribute.name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
  const std::vector<char> data = make_data(type, space, source);
  if (after >= 0 && !data.empty()) H5Awrite(after, type, data.data());
}

void choose_storage(hid_t list, hid_t space, FuzzedDataProvider& source) {
  const int rank = std::max(1, H5Sget_simple_extent_ndims(space));
  switch (source.ConsumeIntegralInRange(0, 4)) {
    case 0:
      H5Pset_layout(list, H5D_COMPACT);
      return;
    case 1:
      H5Pset_external(list, "/proc/self/cmdline", 0, H5F_UNLIMITED);
      return;
    case 2:
      H5Pset_virtual(list, space, "/proc/self/exe", "x", space);
      return;
    case 3: {
      const std::vector<hsize_t> chunk(static_cast<std::size_t>(rank), source.ConsumeIntegralInRange<hsize_t>(1, 256));
      H5Pset_chunk(list, rank, chunk.data());
      if (source.ConsumeBool()) H5Pset_fletcher32(list);
      if (source.ConsumeBool()) H5Pset_shuffle(list);
      if (source.ConsumeBool()) H5Pset_deflate(list, 9);
      return;
    }
    default:
      return;  // contiguous
  }
}

void replace_dataset(hid_t file, const std::string& name, FuzzedDataProvider& source) {
  const Dataset before(H5Dopen2(file, name.c_str(), H5P_DEFAULT));
  if (before < 0) return;
  const Type type(source.ConsumeBool() ? H5Dget_type(before) : make_type(source));
  const Space space(source.ConsumeBool() ? H5Dget_space(before) : make_space(source));
  H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  const List list(H5Pcreate(H5P_DATASET_CREATE));
  choose_storage(list, space, source);
  const Dataset after(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, list, H5P_DEFAULT));
  const std::vector<char> data = make_data(type, space, source);
  // Its own attributes are gone, as those of /vocabulary; they have edits of their own.
  if (after >= 0 && !data.empty() && source.ConsumeBool())
    H5Dwrite(after, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data.data());
}

void relink(hid_t file, const std::string& name, const Hdf5Names& names, FuzzedDataProvider& source) {
  const std::string& other = names.objects[source.ConsumeIntegralInRange<std::size_t>(0, names.objects.size() - 1)];
  const int kind = source.ConsumeIntegralInRange(0, 5);
  const std::string at = kind == 5 ? name + "/more" : name;
  if (kind < 5) H5Ldelete(file, name.c_str(), H5P_DEFAULT);
  switch (kind) {
    case 0:
      return;
    case 1:
      H5Lcreate_soft(other.c_str(), file, at.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
    case 2:
      H5Lcreate_external("/proc/self/exe", "/x", file, at.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
    case 3:
      H5Gclose(H5Gcreate2(file, at.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
      return;
    default:
      H5Lcreate_hard(file, other.c_str(), file, at.c_str(), H5P_DEFAULT, H5P_DEFAULT);
      return;
  }
}

herr_t note_attribute(hid_t, const char* name, const H5A_info_t*, void* found) {
  auto& names = *static_cast<Hdf5Names*>(found);
  names.attributes.push_back({names.objects.back(), name});
  return 0;
}

herr_t note_object(hid_t file, const char* name, const H5O_info_t*, void* found) {
  auto& names = *static_cast<Hdf5Names*>(found);
  names.objects.push_back(std::string("/") + (std::string(name) == "." ? "" : name));
  const Object object(H5Oopen(file, name, H5P_DEFAULT));
  return H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, note_attribute, found);
}

}  // namespace

Hdf5Names names_in(const std::filesystem::path& path) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  const File file(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT));
  Hdf5Names names;
  H5Ovisit2(file, H5_INDEX_NAME, H5_ITER_INC, note_object, &names, H5O_INFO_BASIC);
  return names;
}

void edit(const std::filesystem::path& path, const Hdf5Names& names, FuzzedDataProvider& source) {
  const File file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
  for (int edits = source.ConsumeIntegralInRange(1, 4); edits > 0; --edits) {
    const std::string& name = names.objects[source.ConsumeIntegralInRange<std::size_t>(0, names.objects.size() - 1)];
    switch (source.ConsumeIntegralInRange(0, 3)) {
      case 0:
        relink(file, name, names, source);
        break;
      case 1:
        replace_dataset(file, name, source);
        break;
      default:
        replace_attribute(
            file, names.attributes[source.ConsumeIntegralInRange<std::size_t>(0, names.attributes.size() - 1)], source);
    }
  }
}

}  // namespace charrnn
