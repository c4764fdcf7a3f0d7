// Loads a checkpoint, says how well it predicts a text, and writes 200 characters.
//
//     score_and_write runs/first "In the beginning "
#include <cstdio>
#include <string>

#include <base/error.hpp>
#include <base/text.hpp>
#include <sample/loaded_model.hpp>
#include <sample/sampler.hpp>
#include <sample/score.hpp>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: score_and_write CHECKPOINT TEXT\n", stderr);
    return 2;
  }
  const std::string path = argv[1], text = argv[2];
  try {
    charrnn::ThreadTeam team;
    const charrnn::LoadedModel loaded = charrnn::load_model(path, {.device = {}, .team = team});

    const double loss = charrnn::score(*loaded.model, loaded.vocabulary, text);
    std::printf("%.6f nats = %.6f bits per character\n", loss, charrnn::bits(loss));

    charrnn::Sampler sampler({loaded.model.get()}, loaded.vocabulary, {.seed = 1}, loaded.window);
    sampler.prime(text);
    std::printf("%s%s\n", text.c_str(), sampler.write(200).c_str());
  } catch (const charrnn::Error& error) {
    std::fprintf(stderr, "score_and_write: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
