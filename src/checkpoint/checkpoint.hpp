// What a checkpoint holds, as plain data. The file format is docs/checkpoint.md; writer.cpp
// and reader.cpp are its two sides.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/running_mean.hpp"

namespace charrnn {

struct NamedTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// One row per finished epoch. Losses in nats per character.
struct EpochRecord {
  std::int64_t epoch = 0, step = 0;
  double train_loss = 0, val_loss = 0, learning_rate = 0, seconds = 0;
};

struct Checkpoint {
  std::string arch;
  std::int64_t step = 0;   ///< updates done
  std::int64_t epoch = 0;  ///< the epoch that `step` lies in
  std::int64_t cycle = 0;
  std::string created_utc, program_version;
  std::string processor;  ///< of rank 0; empty in files of older versions

  std::string config;  ///< the effective config, TOML

  struct Vocabulary {
    std::vector<std::string> symbols;
    std::int64_t unknown = -1, padding = -1;  ///< tokens; -1: none
    bool lowercase = false, bytes = false, full = false;
    std::int64_t min_freq = 1;
  } vocabulary;

  std::vector<NamedTensor> model;
  std::vector<NamedTensor> trained;  ///< with weight averaging: `model` is the average, this is being trained

  /// One state buffer of the optimizer, such as Adam's exp_avg: a tensor for every parameter, by its name.
  struct OptimizerBuffer {
    std::string name;
    std::vector<NamedTensor> tensors;
  };
  std::vector<OptimizerBuffer> optimizer;
  std::int64_t optimizer_step = 0;
  struct Group {
    std::string match;
    double learning_rate = 0, weight_decay = 0;
  };
  std::vector<Group> groups;

  /// The hidden state by global column: "h" and an LSTM's "c", each [layers, columns, width]. No columns where
  /// no state is carried from batch to batch.
  std::vector<NamedTensor> hidden;

  struct Data {
    std::string corpus_sha256;
    std::int64_t train_characters = 0, row = 0, columns = 0, bptt = 0;
  } data;

  std::vector<EpochRecord> history;

  /// The unfinished epoch: what its means are made of when the run goes on.
  struct Progress {
    double loss_sum = 0, characters = 0;
    RunningMean smoothed;  ///< of the steps' losses
    double seconds = 0;
    double best_val_loss = 0;  ///< infinity before the first validation
  } progress;
};

/// Writes to a temporary file in the same folder, closes, hashes, syncs, calls `before_rename` (which may
/// throw to keep the file from appearing) and renames. DataError if the file system refuses; nothing is left
/// behind then.
void write_checkpoint(
    const std::filesystem::path& path, const Checkpoint& checkpoint,
    const std::function<void()>& before_rename = [] {});

/// Checks the digest before HDF5 sees the file, then reads everything. DataError names the file and what is
/// wrong.
Checkpoint read_checkpoint(const std::filesystem::path& path);

/// Only the digest: empty if good, else what is wrong.
std::string check_digest(const std::filesystem::path& path);

}  // namespace charrnn
