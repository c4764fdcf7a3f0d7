#include "checkpoint/pt_file.hpp"

#include <ATen/ATen.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/pickler.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/atomic_file.hpp"
#include "checkpoint/setting_names.hpp"

namespace charrnn {

namespace {

using PythonDict = c10::impl::GenericDict;

PythonDict make_dict() {
  return PythonDict(c10::StringType::get(), c10::AnyType::get());
}

/// Of the tensors' own memory.
PythonDict state_dict(const std::vector<NamedTensor>& tensors) {
  PythonDict dict = make_dict();
  for (const NamedTensor& tensor : tensors) {
    dict.insert(tensor.name, at::from_blob(const_cast<float*>(tensor.values.data()), tensor.shape, at::kFloat));
  }
  return dict;
}

PythonDict contents(const Checkpoint& checkpoint) {
  const auto into = [](PythonDict& dict) {
    return [&dict](const char* name, const auto& value) { dict.insert(std::string(name), value); };
  };
  c10::impl::GenericList symbols(c10::AnyType::get());
  for (const std::string& symbol : checkpoint.vocabulary.symbols) symbols.push_back(symbol);
  PythonDict vocabulary = make_dict(), settings = make_dict(), all = make_dict();
  vocabulary.insert("symbols", symbols);
  for_each_vocabulary_option(checkpoint.vocabulary, into(vocabulary));
  for_each_setting(checkpoint.settings.value(), into(settings));
  all.insert("model", state_dict(checkpoint.model));
  all.insert("vocabulary", vocabulary);
  all.insert("settings", settings);
  all.insert("config", checkpoint.config);
  return all;
}

}  // namespace

void write_pt(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  std::string pickle;
  // Without tags of their types: those are calls, and weights_only=True allows no call that it does not know.
  torch::jit::Pickler pickler([&](const char* bytes, std::size_t size) { pickle.append(bytes, size); }, nullptr,
                              nullptr, nullptr, nullptr, false);
  pickler.protocol();
  pickler.pushIValue(contents(checkpoint));
  pickler.stop();
  std::string file;
  caffe2::serialize::PyTorchStreamWriter archive([&](const void* bytes, std::size_t size) {
    file.append(static_cast<const char*>(bytes), size);
    return size;
  });
  archive.writeRecord("data.pkl", pickle.data(), pickle.size());
  constexpr std::string_view kOrder = "little";
  archive.writeRecord("byteorder", kOrder.data(), kOrder.size());
  for (std::size_t i = 0; i < pickler.tensorData().size(); ++i) {
    const at::Tensor& tensor = pickler.tensorData()[i];
    archive.writeRecord("data/" + std::to_string(i), tensor.data_ptr(), tensor.nbytes());
  }
  archive.writeEndOfFile();
  replace_file(path, file);
}

}  // namespace charrnn
