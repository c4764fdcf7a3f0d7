// Loads a checkpoint, says how well it predicts a text, and writes 200 characters that go on from it.
//
//     score_and_write runs/first "In the beginning "
#include <charrnn/base/error.hpp>
#include <charrnn/base/text.hpp>
#include <charrnn/sample/loaded_model.hpp>
#include <charrnn/sample/sampler.hpp>
#include <charrnn/sample/score.hpp>
#include <cstdio>
#include <string>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: score_and_write CHECKPOINT TEXT\n", stderr);
    return 2;
  }
  const std::string path = argv[1], text = argv[2];
  try {
    const auto warn = [](const std::string& line) { std::fprintf(stderr, "warning: %s\n", line.c_str()); };
    const std::string file = charrnn::resolve_checkpoint(path, charrnn::Pick::kBest, warn).file.string();
    charrnn::ThreadTeam team;
    const charrnn::LoadedModel loaded = charrnn::load_model(file, {.device = {}, .team = team});

    const double loss = charrnn::score(loaded, text);
    std::printf("%.6f nats = %.6f bits per character\n", loss, charrnn::bits(loss));

    charrnn::Sampler sampler({loaded.model.get()}, loaded.vocabulary, {.seed = 1}, loaded.settings.window);
    sampler.prime(text);
    std::printf("%s%s\n", text.c_str(), sampler.write(200).c_str());
  } catch (const charrnn::Error& error) {
    std::fprintf(stderr, "score_and_write: error: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
