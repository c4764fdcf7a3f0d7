#include <algorithm>

#include "base/error.hpp"
#include "checkpoint/checkpoint.hpp"
#include "checkpoint/format.hpp"

namespace charrnn {

namespace {

std::int64_t get_integer(const H5::H5Object& object, const char* name) {
  std::int64_t value = 0;
  object.openAttribute(name).read(H5::PredType::NATIVE_INT64, &value);
  return value;
}
double get_number(const H5::H5Object& object, const char* name) {
  double value = 0;
  object.openAttribute(name).read(H5::PredType::NATIVE_DOUBLE, &value);
  return value;
}
std::string until_padding(std::string text) {
  text.erase(std::find(text.begin(), text.end(), '\0'), text.end());
  return text;
}
std::string get_text(const H5::H5Object& object, const char* name) {
  const H5::Attribute attribute = object.openAttribute(name);
  std::string value;
  attribute.read(attribute.getStrType(), value);
  return until_padding(value);
}

NamedTensor get_tensor(const H5::Group& group, const std::string& name) {
  const H5::DataSet dataset = group.openDataSet(name);
  const H5::DataSpace space = dataset.getSpace();
  std::vector<hsize_t> dimensions(static_cast<std::size_t>(space.getSimpleExtentNdims()));
  space.getSimpleExtentDims(dimensions.data());
  NamedTensor tensor{name, {dimensions.begin(), dimensions.end()}, {}};
  tensor.values.resize(static_cast<std::size_t>(space.getSimpleExtentNpoints()));
  dataset.read(tensor.values.data(), H5::PredType::NATIVE_FLOAT);
  return tensor;
}

std::vector<NamedTensor> get_tensors(const H5::Group& group) {
  std::vector<NamedTensor> tensors;
  for (hsize_t i = 0; i < group.getNumObjs(); ++i)
    tensors.push_back(get_tensor(group, group.getObjnameByIdx(i)));
  return tensors;
}

Checkpoint::Vocabulary read_vocabulary(const H5::H5File& file) {
  const H5::DataSet dataset = file.openDataSet("vocabulary");
  const H5::StrType type = dataset.getStrType();
  const auto count = static_cast<std::size_t>(dataset.getSpace().getSimpleExtentNpoints());
  std::string packed(count * type.getSize(), '\0');
  dataset.read(packed.data(), type);
  Checkpoint::Vocabulary vocabulary;
  for (std::size_t i = 0; i < count; ++i) {
    vocabulary.symbols.push_back(until_padding(packed.substr(i * type.getSize(), type.getSize())));
  }
  vocabulary.unknown = get_integer(dataset, "unknown");
  vocabulary.padding = get_integer(dataset, "padding");
  vocabulary.lowercase = get_integer(dataset, "lowercase") != 0;
  vocabulary.min_freq = get_integer(dataset, "min_freq");
  vocabulary.bytes = get_integer(dataset, "bytes") != 0;
  vocabulary.full = get_integer(dataset, "full") != 0;
  return vocabulary;
}

Checkpoint read_contents(const H5::H5File& file) {
  const std::int64_t version = get_integer(file, "format_version");
  require(version == kFormatVersion, "its format version is {}, this program reads {}", version,
          kFormatVersion);
  Checkpoint checkpoint;
  checkpoint.arch = get_text(file, "arch");
  checkpoint.step = get_integer(file, "step");
  checkpoint.epoch = get_integer(file, "epoch");
  checkpoint.cycle = get_integer(file, "cycle");
  checkpoint.created_utc = get_text(file, "created_utc");
  checkpoint.program_version = get_text(file, "program_version");
  if (file.attrExists("processor")) checkpoint.processor = get_text(file, "processor");

  const H5::DataSet config = file.openDataSet("config");
  config.read(checkpoint.config, config.getStrType());
  checkpoint.vocabulary = read_vocabulary(file);
  checkpoint.model = get_tensors(file.openGroup("model"));

  const H5::Group optimizer = file.openGroup("optimizer");
  checkpoint.optimizer_step = get_integer(optimizer, "step");
  for (hsize_t i = 0; i < optimizer.getNumObjs(); ++i) {
    const std::string name = optimizer.getObjnameByIdx(i);
    if (name == "groups" || name == "parameters") continue;
    checkpoint.optimizer.push_back({name, get_tensors(optimizer.openGroup(name))});
  }
  if (optimizer.nameExists("parameters")) checkpoint.trained = get_tensors(optimizer.openGroup("parameters"));
  const H5::Group groups = optimizer.openGroup("groups");
  for (hsize_t i = 0; i < groups.getNumObjs(); ++i) {
    const H5::Group group = groups.openGroup(std::to_string(i));
    checkpoint.groups.push_back(
        {get_text(group, "match"), get_number(group, "lr"), get_number(group, "weight_decay")});
  }

  checkpoint.hidden = get_tensors(file.openGroup("hidden"));

  const H5::Group data = file.openGroup("data");
  checkpoint.data.corpus_sha256 = get_text(data, "corpus_sha256");
  checkpoint.data.train_characters = get_integer(data, "train_characters");
  checkpoint.data.row = get_integer(data, "row");
  checkpoint.data.columns = get_integer(data, "columns");
  checkpoint.data.bptt = get_integer(data, "bptt");

  const H5::DataSet history = file.openDataSet("history");
  checkpoint.history.resize(static_cast<std::size_t>(history.getSpace().getSimpleExtentNpoints()));
  history.read(checkpoint.history.data(), epoch_record_type());

  const H5::Group progress = file.openGroup("progress");
  checkpoint.progress = {get_number(progress, "loss_sum"),
                         get_number(progress, "characters"),
                         {get_number(progress, "smoothed_loss"), get_number(progress, "smoothed_weight")},
                         get_number(progress, "seconds"),
                         get_number(progress, "best_val_loss")};
  return checkpoint;
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  const std::string wrong = check_digest(path);
  require(wrong.empty(), "cannot use the checkpoint '{}': {}", path.string(), wrong);
  H5::Exception::dontPrint();
  try {
    return read_contents(H5::H5File(path.string(), H5F_ACC_RDONLY));
  } catch (const H5::Exception& error) {
    throw DataError(fmt::format("cannot read the checkpoint '{}': {}: {}", path.string(), error.getFuncName(),
                                error.getDetailMsg()));
  } catch (const DataError& error) {
    throw DataError(fmt::format("cannot use the checkpoint '{}': {}", path.string(), error.what()));
  }
}

}  // namespace charrnn
