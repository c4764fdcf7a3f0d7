// charrnn_dist export: a model out of a checkpoint, in a file that other programs read.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string_view>
#include <utility>

#include "app/checkpoint_path.hpp"
#include "app/messages.hpp"
#include "app/program.hpp"
#include "base/text.hpp"
#include "checkpoint/contents.hpp"
#include "checkpoint/safetensors.hpp"
#include "models/libtorch.hpp"
#include "sample/loaded_model.hpp"

namespace charrnn {

namespace {

struct ExportArguments {
  Strings paths;
  std::string to;
};

struct Format {
  std::string_view ending;
  void (*write)(const std::filesystem::path& path, const Checkpoint& checkpoint);
};
void write_by_libtorch(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  libtorch().write_pt(path, checkpoint);
}

constexpr Format kFormats[] = {{".safetensors", write_safetensors}, {".pt", write_by_libtorch}};

const Format& format_of(const std::filesystem::path& file) {
  const auto* found = std::ranges::find(kFormats, file.extension().string(), &Format::ending);
  require_option(
      found != std::end(kFormats), "to",
      "`to` '{}' must end in .safetensors or .pt: that is the format (for ONNX: charrnn.export_onnx in Python, "
      "docs/interchange.md)",
      file.string());
  return *found;
}

/// The checkpoint again, whole and with what files of 0.4.0 have in their configs alone.
Checkpoint contents_of(LoadedModel loaded) {
  Checkpoint checkpoint = std::move(loaded.checkpoint);
  checkpoint.settings = loaded.settings;
  cut_tensors(loaded.model->layout(), loaded.model->parameters(), checkpoint.model);
  return checkpoint;
}

void run_export(const ExportArguments& arguments) {
  require<UsageError>(arguments.paths.size() == 1, "export needs one PATH: a checkpoint, or the folder of a run");
  const Format& format = format_of(arguments.to);
  ThreadTeam team;
  const Checkpoint checkpoint =
      contents_of(load_model(checkpoint_to_use(arguments.paths[0]), {.device = {}, .team = team}));
  format.write(arguments.to, checkpoint);
  tell_on_stderr(fmt::format("wrote {} ({} bytes)", arguments.to,
                             with_commas(static_cast<std::int64_t>(std::filesystem::file_size(arguments.to)))));
}

}  // namespace

Command export_command() {
  auto arguments = std::make_shared<ExportArguments>();
  Command command("export", "write a model to a file for other programs");
  command.add_paths("PATH", Argument::Kind::kWords, arguments->paths,
                    "a checkpoint or .safetensors file, or the folder of a run: its best checkpoint");
  command.add("to", &arguments->to, {}, "FILE", "file to write, which ends in .safetensors or .pt").required = true;
  command.explain("Weights, vocabulary and config; docs/interchange.md says how they are read.",
                  {"charrnn_dist export runs/lstm --to lstm.safetensors", "charrnn_dist export runs/lstm --to lstm.pt",
                   "charrnn_dist train --init-from lstm.safetensors --corpus other.txt"});
  command.run_by([arguments] {
    run_export(*arguments);
    return ExitCode::kDone;
  });
  return command;
}

}  // namespace charrnn
