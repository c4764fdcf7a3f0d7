// Models as .safetensors files. The Python tests read them with Hugging Face's own library, and have more files that
// somebody made to do harm.
#include "checkpoint/safetensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>

#include "base/error.hpp"
#include "checkpoint/some_checkpoint.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A file with this header and these bytes after it.
std::string file_of(const std::string& header, const std::string& data) {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(header.size() >> 8 * i);
  return file + header + data;
}

/// The header of a file that write_safetensors() made, with this tensor in place of its own.
std::string header_with(const std::string& written, const std::string& tensor) {
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(written[0])) |
                      static_cast<std::size_t>(static_cast<unsigned char>(written[1])) << 8;
  const std::string header = written.substr(8, length);
  return header.substr(0, header.find(",\"bias\"")) + tensor + "}";
}

class Safetensors : public testing::Test {
 protected:
  Checkpoint read(Parts parts = Parts::kModel) { return read_checkpoint(path_, parts, layout_of_); }
  std::string refusal() {
    return error_of<DataError>([&] { read(); });
  }
  std::string written() {
    write_safetensors(path_, some_checkpoint());
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// What is read of a file with this one tensor, "weight" of three numbers.
  std::vector<float> values(const std::string& dtype, const std::string& data) {
    ParameterLayout layout;
    layout.add({.name = "weight", .shape = {3}});
    layout_of_ = [layout](const Checkpoint&) { return layout; };
    folder_.write(
        "model.safetensors",
        file_of(header_with(written(), fmt::format(R"(,"weight":{{"dtype":"{}","shape":[3],"data_offsets":[0,{}]}})",
                                                   dtype, data.size())),
                data));
    return read().model[0].values;
  }

  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "model.safetensors";
  LayoutOf layout_of_ = [](const Checkpoint&) { return some_layout(); };
};

TEST_F(Safetensors, GivesBackWhatWasWritten) {
  const Checkpoint checkpoint = some_checkpoint();
  write_safetensors(path_, checkpoint);
  const Checkpoint read_back = read();
  EXPECT_EQ(read_back.arch, "gru");
  EXPECT_EQ(read_back.step, 7);
  EXPECT_EQ(read_back.created_utc, checkpoint.created_utc);
  EXPECT_EQ(read_back.config, checkpoint.config);
  ASSERT_TRUE(read_back.settings);
  EXPECT_EQ(read_back.settings->model.layers, 2);
  EXPECT_EQ(read_back.settings->model.dropout, 0.25);
  EXPECT_TRUE(read_back.settings->model.locked_dropout);
  EXPECT_EQ(read_back.settings->window, 8);
  EXPECT_EQ(read_back.settings->predict, "last");
  EXPECT_THAT(read_back.vocabulary.symbols, ElementsAre("<unk>", "<pad>", "ä", ""));
  EXPECT_TRUE(read_back.vocabulary.lowercase);
  EXPECT_EQ(read_back.vocabulary.min_freq, 3);
  EXPECT_EQ(read_back.data.train_characters, 1000);
  ASSERT_EQ(read_back.model.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read_back.model[i].name, checkpoint.model[i].name);
    EXPECT_EQ(read_back.model[i].shape, checkpoint.model[i].shape);
    EXPECT_EQ(read_back.model[i].values, checkpoint.model[i].values);
  }
}

TEST_F(Safetensors, DataBeginAtAMultipleOfEightBytes) {
  EXPECT_EQ((written().size() - 303 * sizeof(float)) % 8, 0U);
}

TEST_F(Safetensors, DescriptionNeedsNoLayout) {
  write_safetensors(path_, some_checkpoint());
  layout_of_ = {};
  EXPECT_TRUE(read(Parts::kDescription).model.empty());
}

TEST_F(Safetensors, HasNothingToResume) {
  write_safetensors(path_, some_checkpoint());
  EXPECT_THAT(error_of<DataError>([&] { read(Parts::kAll); }), HasSubstr("no optimizer"));
}

TEST_F(Safetensors, TakesHalfNumbers) {
  using std::string_literals::operator""s;
  // 1.5, −2⁻²⁴ (the smallest subnormal number) and infinity; then 1.5, −2 and 2⁻¹²⁶ of the other kind.
  EXPECT_THAT(values("F16", "\x00\x3e\x01\x80\x00\x7c"s), ElementsAre(1.5F, -0x1p-24F, INFINITY));
  EXPECT_THAT(values("BF16", "\xc0\x3f\x00\xc0\x80\x00"s), ElementsAre(1.5F, -2.0F, 0x1p-126F));
}

TEST_F(Safetensors, RefusesOtherTensors) {
  const auto refusal_of = [&](const std::string& dtype, const std::string& data) {
    return error_of<DataError>([&] { values(dtype, data); });
  };
  EXPECT_THAT(refusal_of("F64", std::string(24, 'a')), AllOf(HasSubstr("model.safetensors"), HasSubstr("F64")));
  EXPECT_THAT(refusal_of("F32", std::string(16, 'a')), HasSubstr("has 16 bytes"));
  write_safetensors(path_, some_checkpoint(7, 2));
  layout_of_ = [](const Checkpoint&) { return some_layout(); };
  EXPECT_THAT(refusal(), HasSubstr("is [2, 100], the model needs [3, 100]"));
}

TEST_F(Safetensors, RefusesFilesOfOtherPrograms) {
  folder_.write("model.safetensors", file_of(R"({"__metadata__":{"format":"pt"}})", ""));
  EXPECT_THAT(refusal(), HasSubstr("not from charrnn_dist"));
  folder_.write("model.safetensors", file_of("{}", ""));
  EXPECT_THAT(refusal(), HasSubstr("not from charrnn_dist"));
}

TEST_F(Safetensors, RefusesWhatIsCutOff) {
  const std::string whole = written();
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{100}, whole.size() - 1}) {
    folder_.write("model.safetensors", whole.substr(0, size));
    EXPECT_THAT(refusal(), HasSubstr("cannot use")) << size;
  }
}

}  // namespace
}  // namespace charrnn
