#include "serve/model_requests.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "serve/limits.hpp"
#include "temporary_folder.hpp"

namespace charrnn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string sample_error(const std::string& body) {
  return error_of<UsageError>([&] { read_sample_request(body); });
}

TEST(SampleRequest, TakesTheOptionsOfSample) {
  const SampleRequest request = read_sample_request(
      R"({"run": "a/b", "checkpoint": "best", "prime": "é", "length": 7, "temperature": 0.5, "top_k": 3, "top_p": 0.25,
          "seed": 9007199254740992, "greedy": true})");
  EXPECT_EQ(request.run, "a/b");
  EXPECT_EQ(request.checkpoint, "best");
  EXPECT_EQ(request.prime, "é");
  EXPECT_EQ(request.length, 7);
  EXPECT_EQ(request.options.temperature, 0.5);
  EXPECT_EQ(request.options.top_k, 3);
  EXPECT_EQ(request.options.top_p, 0.25);
  EXPECT_EQ(request.options.seed, std::uint64_t{1} << 53);
  EXPECT_TRUE(request.options.greedy);
}

TEST(SampleRequest, HasDefaults) {
  const SampleRequest request = read_sample_request(R"({"temperature": null})");
  EXPECT_EQ(request.run, "");
  EXPECT_EQ(request.length, 400);
  EXPECT_EQ(request.options.temperature, SampleOptions().temperature);
  EXPECT_EQ(request.options.seed, 1U);
}

TEST(SampleRequest, NamesTheFieldThatIsWrong) {
  for (const char* body : {"", "7", "[]", "{", "null", "\xff"}) {
    EXPECT_THAT(sample_error(body), HasSubstr("not a JSON object")) << body;
  }
  EXPECT_THAT(sample_error(R"({"temprature": 1})"), HasSubstr("no field 'temprature'"));
  EXPECT_THAT(sample_error(R"({"prime": 5})"), HasSubstr("'prime' must be a text"));
  EXPECT_THAT(sample_error(R"({"greedy": 1})"), HasSubstr("'greedy' must be true or false"));
  EXPECT_THAT(sample_error(R"({"temperature": "x"})"), HasSubstr("'temperature' must be a number"));
  for (const char* length : {"-1", "1.5", "10001", "18446744073709551615", "\"9\""}) {
    EXPECT_THAT(sample_error(fmt::format(R"({{"length": {}}})", length)),
                HasSubstr("'length' must be a whole number from 0"))
        << length;
  }
  EXPECT_THAT(sample_error(R"({"seed": 9007199254740993})"), HasSubstr("'seed'"));
  EXPECT_NE(sample_error(R"({"top_p": 2})"), "");
  const std::string longest(kLongestPrime, 'x');
  EXPECT_EQ(sample_error(fmt::format(R"({{"prime": "{}"}})", longest)), "");
  EXPECT_THAT(sample_error(fmt::format(R"({{"prime": "{}y"}})", longest)), HasSubstr("'prime' has 65537 bytes"));
}

TEST(NeuronRequest, NamesUnitsOrASearch) {
  const NeuronRequest units = read_neuron_request(R"({"text": "ab", "layer": 1, "units": [0, 5]})");
  EXPECT_EQ(units.layer, 1);
  EXPECT_THAT(units.units, ElementsAre(0, 5));
  EXPECT_EQ(read_neuron_request(R"({"search": "word"})").search, "word");
  for (const char* list : {"[-1]", "[1.5]", "7", R"(["1"])"}) {
    const std::string body = fmt::format(R"({{"units": {}}})", list);
    EXPECT_THAT(error_of<UsageError>([&] { read_neuron_request(body); }), HasSubstr("'units'")) << list;
  }
}

TEST(ScoreRequest, HasALimit) {
  EXPECT_EQ(read_score_request(R"({"text": "ab"})").text, "ab");
  const std::string body = fmt::format(R"({{"text": "{}"}})", std::string(kLongestScored + 1, 'x'));
  EXPECT_THAT(error_of<UsageError>([&] { read_score_request(body); }), HasSubstr("65536 are allowed"));
}

}  // namespace
}  // namespace charrnn
