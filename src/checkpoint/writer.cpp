#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "base/error.hpp"
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

/// Closes the dataset too, since its last chunk is written then; a destructor would keep the failure to
/// itself.
void fill(H5::DataSet&& dataset, const void* values, const H5::DataType& type) {
  dataset.write(values, type);
  dataset.close();
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
  return group.createDataSet(
      name, type, H5::DataSpace(static_cast<int>(dimensions.size()), dimensions.data()), properties);
}

void put_floats(const H5::Group& group, const std::string& name, const std::vector<std::int64_t>& shape,
                const std::vector<float>& values) {
  fill(make_dataset(group, name, H5::PredType::IEEE_F32LE, shape), values.data(), H5::PredType::NATIVE_FLOAT);
}

void put_tensors(const H5::Group& group, const std::vector<NamedTensor>& tensors) {
  for (const NamedTensor& tensor : tensors) put_floats(group, tensor.name, tensor.shape, tensor.values);
}

void write_vocabulary(const H5::H5File& file, const Checkpoint::Vocabulary& vocabulary) {
  std::size_t longest = 1;
  for (const std::string& symbol : vocabulary.symbols) longest = std::max(longest, symbol.size());
  std::string packed;
  for (const std::string& symbol : vocabulary.symbols)
    packed += symbol + std::string(longest - symbol.size(), '\0');
  const H5::StrType type = text_type(longest);
  H5::DataSet dataset =
      make_dataset(file, "vocabulary", type, {static_cast<std::int64_t>(vocabulary.symbols.size())});
  put(dataset, "unknown", vocabulary.unknown);
  put(dataset, "padding", vocabulary.padding);
  put(dataset, "lowercase", std::int64_t{vocabulary.lowercase});
  put(dataset, "min_freq", vocabulary.min_freq);
  put(dataset, "bytes", std::int64_t{vocabulary.bytes});
  put(dataset, "full", std::int64_t{vocabulary.full});
  fill(std::move(dataset), packed.data(), type);
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
  fill(file.createDataSet("config", config_type, scalar()), checkpoint.config.data(), config_type);
  write_vocabulary(file, checkpoint.vocabulary);
  put_tensors(file.createGroup("model"), checkpoint.model);

  const H5::Group optimizer = file.createGroup("optimizer");
  put(optimizer, "step", checkpoint.optimizer_step);
  put_tensors(optimizer.createGroup("exp_avg"), checkpoint.exp_avg);
  put_tensors(optimizer.createGroup("exp_avg_sq"), checkpoint.exp_avg_sq);
  if (!checkpoint.trained.empty()) put_tensors(optimizer.createGroup("parameters"), checkpoint.trained);
  const H5::Group groups = optimizer.createGroup("groups");
  for (std::size_t i = 0; i < checkpoint.groups.size(); ++i) {
    const H5::Group group = groups.createGroup(std::to_string(i));
    put(group, "match", checkpoint.groups[i].match);
    put(group, "lr", checkpoint.groups[i].learning_rate);
    put(group, "weight_decay", checkpoint.groups[i].weight_decay);
  }

  const Checkpoint::Hidden& state = checkpoint.hidden;
  const H5::Group hidden = file.createGroup("hidden");
  put_floats(hidden, "h", {state.layers, state.columns, state.hidden}, state.h);
  if (!state.c.empty()) put_floats(hidden, "c", {state.layers, state.columns, state.hidden}, state.c);

  const H5::Group data = file.createGroup("data");
  put(data, "corpus_sha256", checkpoint.data.corpus_sha256);
  put(data, "train_characters", checkpoint.data.train_characters);
  put(data, "row", checkpoint.data.row);
  put(data, "columns", checkpoint.data.columns);
  put(data, "bptt", checkpoint.data.bptt);

  const H5::CompType record = epoch_record_type();
  fill(make_dataset(file, "history", record, {static_cast<std::int64_t>(checkpoint.history.size())}),
       checkpoint.history.data(), record);

  const H5::Group progress = file.createGroup("progress");
  put(progress, "loss_sum", checkpoint.progress.loss_sum);
  put(progress, "characters", checkpoint.progress.characters);
  put(progress, "smoothed_loss", checkpoint.progress.smoothed.sum);
  put(progress, "smoothed_weight", checkpoint.progress.smoothed.weight);
  put(progress, "seconds", checkpoint.progress.seconds);
  put(progress, "best_val_loss", checkpoint.progress.best_val_loss);
}

/// While this lives nothing comes out of std::cerr, where HDF5's destructors print what they cannot throw:
/// the exception that is on its way already says it.
class SilentDestructors {
 public:
  SilentDestructors() : before_(std::cerr.rdbuf(nullptr)) {}
  ~SilentDestructors() { std::cerr.rdbuf(before_); }
  SilentDestructors(const SilentDestructors&) = delete;
  SilentDestructors& operator=(const SilentDestructors&) = delete;

 private:
  std::streambuf* before_;
};

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

void write_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint,
                      const std::function<void()>& before_rename) {
  const std::filesystem::path temporary =
      path.parent_path() / fmt::format(".{}.tmp-{}", path.filename().string(), ::getpid());
  H5::Exception::dontPrint();
  try {
    {
      const SilentDestructors silent;
      H5::FileCreatPropList creation;
      creation.setUserblock(kUserBlock);
      H5::FileAccPropList access;
      access.setLibverBounds(H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
      H5::H5File file(temporary.string(), H5F_ACC_TRUNC, creation, access);
      write_contents(file, checkpoint);
      file.close();
    }
    seal(temporary);
    before_rename();
    std::filesystem::rename(temporary, path);
    sync_folder(path.parent_path());
  } catch (const H5::Exception& error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw DataError(
        fmt::format("cannot write the checkpoint '{}' ({}: {}); is the disk full, the folder writable?",
                    path.string(), error.getFuncName(), error.getDetailMsg()));
  } catch (const std::filesystem::filesystem_error& error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw DataError(
        fmt::format("cannot write the checkpoint '{}': {}", path.string(), error.code().message()));
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    throw;
  }
}

}  // namespace charrnn
