#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/memory.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/digest.hpp"
#include "checkpoint/format.hpp"

namespace charrnn {

namespace {

const H5::DataSpace& scalar() {
  static const H5::DataSpace space(H5S_SCALAR);
  return space;
}

void put(const H5::H5Object& object, const char* name, std::int64_t value) {
  object.createAttribute(name, H5::PredType::STD_I64LE, scalar()).write(H5::PredType::NATIVE_INT64, &value);
}
void put(const H5::H5Object& object, const char* name, double value) {
  object.createAttribute(name, H5::PredType::IEEE_F64LE, scalar()).write(H5::PredType::NATIVE_DOUBLE, &value);
}
void put(const H5::H5Object& object, const char* name, bool value) {
  put(object, name, std::int64_t{value});
}
H5::StrType text_type(std::size_t bytes) {
  H5::StrType type(H5::PredType::C_S1, std::max<std::size_t>(bytes, 1));
  type.setCset(H5T_CSET_UTF8);
  type.setStrpad(H5T_STR_NULLPAD);
  return type;
}
void put(const H5::H5Object& object, const char* name, const std::string& value) {
  const H5::StrType type = text_type(value.size());
  object.createAttribute(name, type, scalar()).write(type, value.empty() ? std::string(1, '\0') : value);
}

/// A chunked, checksummed dataset. An empty one has chunks of one element, which HDF5 wants.
H5::DataSet make_dataset(const H5::Group& group, const std::string& name, const H5::DataType& type,
                         const std::vector<std::int64_t>& shape) {
  constexpr hsize_t kChunkElements = hsize_t{1} << 18;
  std::vector<hsize_t> dimensions(shape.begin(), shape.end());
  std::vector<hsize_t> chunk = dimensions;
  hsize_t row = 1;
  for (std::size_t i = chunk.size(); i-- > 0;) {
    chunk[i] = std::clamp<hsize_t>(chunk[i], 1, std::max<hsize_t>(1, kChunkElements / row));
    row *= chunk[i];
  }
  H5::DSetCreatPropList properties;
  properties.setChunk(static_cast<int>(chunk.size()), chunk.data());
  properties.setFletcher32();
  return group.createDataSet(name, type, H5::DataSpace(static_cast<int>(dimensions.size()), dimensions.data()),
                             properties);
}

void put_floats(const H5::Group& group, const std::string& name, const std::vector<std::int64_t>& shape,
                const std::vector<float>& values) {
  make_dataset(group, name, H5::PredType::IEEE_F32LE, shape).write(values.data(), H5::PredType::NATIVE_FLOAT);
}

void put_tensors(const H5::Group& group, const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& tensor : tensors) put_floats(group, tensor.name, tensor.shape, tensor.values);
}

void write_vocabulary(const H5::H5File& file, const Checkpoint::Vocabulary& vocabulary) {
  std::size_t longest = 1;
  for (const std::string& symbol : vocabulary.symbols) longest = std::max(longest, symbol.size());
  std::string packed;
  for (const std::string& symbol : vocabulary.symbols) packed += symbol + std::string(longest - symbol.size(), '\0');
  const H5::StrType type = text_type(longest);
  const H5::DataSet dataset =
      make_dataset(file, "vocabulary", type, {static_cast<std::int64_t>(vocabulary.symbols.size())});
  dataset.write(packed.data(), type);
  put(dataset, "unknown", vocabulary.unknown);
  put(dataset, "padding", vocabulary.padding);
  put(dataset, "lowercase", vocabulary.lowercase);
  put(dataset, "min_freq", vocabulary.min_freq);
  put(dataset, "bytes", vocabulary.bytes);
  put(dataset, "full", vocabulary.full);
}

void write_contents(const H5::H5File& file, const Checkpoint& checkpoint) {
  put(file, "format_version", kFormatVersion);
  put(file, "arch", checkpoint.arch);
  put(file, "step", checkpoint.step);
  put(file, "epoch", checkpoint.epoch);
  put(file, "cycle", checkpoint.cycle);
  put(file, "created_utc", checkpoint.created_utc);
  put(file, "program_version", checkpoint.program_version);
  put(file, "processor", checkpoint.processor);

  const H5::StrType config_type = text_type(checkpoint.config.size());
  file.createDataSet("config", config_type, scalar()).write(checkpoint.config, config_type);
  if (checkpoint.settings) {
    const H5::Group settings = file.createGroup("model_config");
    for_each_setting(*checkpoint.settings, [&](const char* name, const auto& value) { put(settings, name, value); });
  }
  write_vocabulary(file, checkpoint.vocabulary);
  put_tensors(file.createGroup("model"), checkpoint.model);

  const H5::Group optimizer = file.createGroup("optimizer");
  put(optimizer, "step", checkpoint.optimizer_step);
  for (const Checkpoint::OptimizerBuffer& buffer : checkpoint.optimizer) {
    put_tensors(optimizer.createGroup(buffer.name), buffer.tensors);
  }
  if (!checkpoint.trained.empty()) put_tensors(optimizer.createGroup("parameters"), checkpoint.trained);
  const H5::Group groups = optimizer.createGroup("groups");
  for (std::size_t i = 0; i < checkpoint.groups.size(); ++i) {
    const H5::Group group = groups.createGroup(std::to_string(i));
    put(group, "match", checkpoint.groups[i].match);
    put(group, "lr", checkpoint.groups[i].learning_rate);
    put(group, "weight_decay", checkpoint.groups[i].weight_decay);
  }

  put_tensors(file.createGroup("hidden"), checkpoint.hidden);

  const H5::Group data = file.createGroup("data");
  put(data, "corpus_sha256", checkpoint.data.corpus_sha256);
  put(data, "train_characters", checkpoint.data.train_characters);
  put(data, "row", checkpoint.data.row);
  put(data, "columns", checkpoint.data.columns);
  put(data, "bptt", checkpoint.data.bptt);

  const H5::CompType record = epoch_record_type();
  make_dataset(file, "history", record, {static_cast<std::int64_t>(checkpoint.history.size())})
      .write(checkpoint.history.data(), record);
  const H5::CompType validation = validation_record_type();
  make_dataset(file, "validations", validation, {static_cast<std::int64_t>(checkpoint.validations.size())})
      .write(checkpoint.validations.data(), validation);

  const H5::Group progress = file.createGroup("progress");
  put(progress, "loss_sum", checkpoint.progress.loss_sum);
  put(progress, "characters", checkpoint.progress.characters);
  put(progress, "smoothed_loss", checkpoint.progress.smoothed.sum);
  put(progress, "smoothed_weight", checkpoint.progress.smoothed.weight);
  put(progress, "seconds", checkpoint.progress.seconds);
  put(progress, "best_val_loss", checkpoint.progress.best_val_loss);
  for_each_count(checkpoint.progress, [&](const char* name, std::int64_t count) { put(progress, name, count); });
}

/// What the file will have, nearly: its tensors.
std::size_t bytes_of(const Checkpoint& checkpoint) {
  std::size_t numbers = 0;
  const auto add = [&](const std::vector<NamedTensor>& tensors) {
    for (const NamedTensor& tensor : tensors) numbers += tensor.values.size();
  };
  add(checkpoint.model);
  for (const Checkpoint::OptimizerBuffer& buffer : checkpoint.optimizer) add(buffer.tensors);
  add(checkpoint.trained);
  add(checkpoint.hidden);
  return numbers * sizeof(float);
}

/// What HDF5 leaves of a file in memory when it closes it.
struct Image {
  std::unique_ptr<void, decltype(&std::free)> memory{nullptr, &std::free};
  std::size_t bytes = 0;
};

/// A whole file with the checkpoint in it, its user block empty. In memory: where a disk is full HDF5
/// crashes, or keeps the failure to itself.
Image write_to_memory(const Checkpoint& checkpoint) {
  Image image;
  // The driver frees its memory by the last of these; it is kept instead. (H5Fget_file_image() would copy it,
  // and in HDF5 1.10 leaves the superblock with a wrong checksum.)
  H5FD_file_image_callbacks_t callbacks{};
  callbacks.udata = &image;
  callbacks.udata_copy = [](void* same) { return same; };
  callbacks.udata_free = [](void*) { return herr_t{0}; };
  callbacks.image_malloc = [](std::size_t bytes, H5FD_file_image_op_t, void*) { return std::malloc(bytes); };
  callbacks.image_memcpy = [](void* to, const void* from, std::size_t bytes, H5FD_file_image_op_t, void*) {
    return std::memcpy(to, from, bytes);
  };
  callbacks.image_realloc = [](void* memory, std::size_t bytes, H5FD_file_image_op_t, void* kept) {
    static_cast<Image*>(kept)->bytes = bytes;
    return std::realloc(memory, bytes);
  };
  callbacks.image_free = [](void* memory, H5FD_file_image_op_t, void* kept) {
    static_cast<Image*>(kept)->memory.reset(memory);
    return herr_t{0};
  };
  H5::FileCreatPropList creation;
  creation.setUserblock(kUserBlock);
  H5::FileAccPropList access;
  access.setLibverBounds(H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  constexpr std::size_t kGrowth = std::size_t{16} << 20;
  access.setCore(kGrowth, /*backing_store=*/false);
  ::H5Pset_file_image_callbacks(access.getId(), &callbacks);
  {
    const H5::H5File file("checkpoint", H5F_ACC_TRUNC, creation, access);
    write_contents(file, checkpoint);
  }
  // The memory grows in steps; where the file ends is in its superblock (HDF5 File Format Specification 3.0,
  // "Superblock version 2 and 3").
  constexpr std::size_t kEndOfFile = 28;
  std::uint64_t bytes = 0;
  if (image.bytes >= kUserBlock + kEndOfFile + sizeof bytes) {
    std::memcpy(&bytes, static_cast<const char*>(image.memory.get()) + kUserBlock + kEndOfFile, sizeof bytes);
  }
  if (bytes <= kUserBlock || bytes > image.bytes) throw H5::FileIException("write_to_memory", "no whole file");
  image.bytes = bytes;
  return image;
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                      const std::function<void()>& before_rename) {
  H5::Exception::dontPrint();
  require_memory(bytes_of(checkpoint) + kForLibraries);
  Image image;
  try {
    image = write_to_memory(checkpoint);
  } catch (const H5::Exception& error) {
    throw DataError(fmt::format("cannot write the checkpoint '{}' ({}: {})", path.string(), error.getFuncName(),
                                error.getDetailMsg()));
  }
  const std::span<char> file(static_cast<char*>(image.memory.get()), image.bytes);
  seal(file);
  replace_file(path, {file.data(), file.size()}, before_rename);
}

}  // namespace charrnn
