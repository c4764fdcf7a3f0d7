// Compresses a text, or any other file, with a model: what the model expects takes few bits, so that the file takes about as
// many as `charrnn_dist eval` says.
//
//     compress models/nietzsche.safetensors < text > file
//     compress --decompress models/nietzsche.safetensors < file > text
//
// Every character is a choice whose probabilities are the model's, given all characters before it. To get the same ones back,
// decompression must add up the same numbers in the same order: it needs the same model, version of the library, and kind of
// processor. Where they differ, checksums tell before anything wrong is written.
//
// The file, numbers with the lowest byte first:
//     8 bytes   "charrnn" and the format's version, 1
//     8 bytes   the first ones of a SHA-256 over the model
//     blocks    of 64 KB of text, up to three bytes more where a character goes on, and the last one of what is left:
//       4 bytes   bytes of text
//       4 bytes   bytes of code
//       4 bytes   the first ones of the SHA-256 over these eight bytes and the code
//       4 bytes   the first ones of the SHA-256 over the text
//       code      of range_coder.hpp
//     4 bytes   zero
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charrnn/base/error.hpp>
#include <charrnn/base/sha256.hpp>
#include <charrnn/models/as_error.hpp>
#include <charrnn/sample/loaded_model.hpp>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>

#include "expectation.hpp"
#include "range_coder.hpp"

namespace {

using charrnn::require;

constexpr std::string_view kFormat = "charrnn\1";
constexpr std::size_t kModelBytes = 8, kNumberBytes = 4, kCheckBytes = 4;
constexpr std::size_t kBlock = std::size_t{64} << 10, kMostText = kBlock + 3;
constexpr std::size_t kMostCode = 8 * kMostText;  // 53 bits for a byte that the model has no token for

std::string sha256_start(std::initializer_list<std::string_view> parts, std::size_t bytes) {
  charrnn::Sha256 digest;
  for (const std::string_view part : parts) digest.update(part.data(), part.size());
  const std::string hex = digest.hex();
  std::string start;
  for (std::size_t i = 0; i < bytes; ++i) start += static_cast<char>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return start;
}

/// Of the model, and of what its tokens stand for.
std::string identity_of(const charrnn::LoadedModel& loaded) {
  const charrnn::VocabularyOptions& options = loaded.vocabulary.options();
  std::string symbols = options.bytes ? "bytes\n" : options.full ? "full\n" : "";
  if (options.lowercase) symbols += "lowercase\n";
  for (const std::string& symbol : loaded.vocabulary.symbols()) symbols += symbol + '\n';
  const std::string weights = charrnn::hash_parameters(loaded.model->layout(), loaded.model->parameters());
  return sha256_start({loaded.settings.model.model, "\n", symbols, weights}, kModelBytes);
}

/// Up to `most` bytes of standard input, fewer at its end only.
std::string read_input(std::size_t most) {
  std::string bytes(most, '\0');
  bytes.resize(std::fread(bytes.data(), 1, most, stdin));
  require(std::ferror(stdin) == 0, "cannot read standard input");
  return bytes;
}

std::string read_exactly(std::size_t count) {
  std::string bytes = read_input(count);
  require(bytes.size() == count, "the file ends too soon: it is cut off");
  return bytes;
}

void write_output(std::string_view bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0) return;
  throw charrnn::WriteError("cannot write to standard output", errno);
}

std::string as_bytes(std::size_t number) {
  std::string bytes;
  for (std::size_t i = 0; i < kNumberBytes; ++i) bytes += static_cast<char>(number >> 8 * i);
  return bytes;
}

std::size_t as_number(std::string_view bytes) {
  std::size_t number = 0;
  for (std::size_t i = kNumberBytes; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

void compress(const charrnn::LoadedModel& loaded) {
  require<charrnn::UsageError>(::isatty(STDOUT_FILENO) == 0, "a compressed text is nothing to read: send it to a file");
  write_output(kFormat);
  write_output(identity_of(loaded));
  Expectation expectation(loaded);
  std::string waiting;
  for (;;) {
    waiting += read_input(kMostText - waiting.size());
    if (waiting.empty()) break;
    RangeEncoder encoder;
    std::size_t done = 0;
    while (done < std::min(kBlock, waiting.size())) {
      const Character next = first_of(std::string_view(waiting).substr(done), loaded.vocabulary.options().bytes);
      expectation.encode(next, encoder);
      done += next.bytes.size();
    }
    const std::string code = encoder.finish(), sizes = as_bytes(done) + as_bytes(code.size());
    write_output(sizes);
    write_output(sha256_start({sizes, code}, kCheckBytes));
    write_output(sha256_start({std::string_view(waiting).substr(0, done)}, kCheckBytes));
    write_output(code);
    waiting.erase(0, done);
  }
  write_output(as_bytes(0));
}

void decompress(const charrnn::LoadedModel& loaded) {
  require(read_input(kFormat.size()) == kFormat, "this is no file of compress, or one of another version of it");
  require(read_exactly(kModelBytes) == identity_of(loaded), "the file was compressed with another model than '{}'",
          loaded.path);
  Expectation expectation(loaded);
  for (std::uint64_t number = 1;; ++number) {
    std::string sizes = read_exactly(kNumberBytes);
    const std::size_t text_bytes = as_number(sizes);
    if (text_bytes == 0) break;
    sizes += read_exactly(kNumberBytes);
    const std::size_t code_bytes = as_number(std::string_view(sizes).substr(kNumberBytes));
    const std::string check = read_exactly(kCheckBytes), text_check = read_exactly(kCheckBytes);
    const bool is_possible = text_bytes <= kMostText && code_bytes <= kMostCode;
    const std::string code = is_possible ? read_exactly(code_bytes) : "";
    require(is_possible && sha256_start({sizes, code}, kCheckBytes) == check, "the file is damaged in block {}",
            number);
    RangeDecoder decoder(code);
    std::string text;
    while (text.size() < text_bytes && expectation.decode(decoder, text)) {
    }
    require(
        text.size() == text_bytes && sha256_start({text}, kCheckBytes) == text_check,
        "block {} comes out as another text: it was compressed on another kind of processor or by another version of "
        "the library; decompress it there",
        number);
    write_output(text);
  }
  require(read_input(1).empty(), "the file goes on after its end: something was added to it");
}

int run(const std::string& path, bool decompresses) {
  const auto warn = [](const std::string& line) { std::fprintf(stderr, "warning: %s\n", line.c_str()); };
  charrnn::ThreadTeam team;
  const charrnn::Compute one_thread{.device = {}, .team = team};
  const std::string file = charrnn::resolve_checkpoint(path, charrnn::Pick::kBest, warn).file.string();
  const charrnn::LoadedModel loaded = charrnn::load_model(file, one_thread);
  require(loaded.settings.window == 0, "'{}' reads windows, and has no probabilities for a text as a whole", file);
  charrnn::find_engine(loaded.settings.model, one_thread).set_threads(1, /*deterministic=*/true, one_thread);
  if (decompresses) {
    decompress(loaded);
  } else {
    compress(loaded);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool decompresses = argc == 3 && first == "--decompress", wants_help = first == "--help" || first == "-h";
  if (wants_help || (!decompresses && (argc != 2 || first.starts_with('-')))) {
    std::fputs("usage: compress [--decompress] MODEL < INPUT > OUTPUT\n", wants_help ? stdout : stderr);
    return wants_help ? 0 : 2;
  }
  try {
    return run(argv[argc - 1], decompresses);
  } catch (const std::exception& exception) {
    const charrnn::Error error = charrnn::as_error(exception, charrnn::kUseMore);
    std::fprintf(stderr, "compress: error: %s\n", error.what());
    return static_cast<int>(error.code());
  }
}
