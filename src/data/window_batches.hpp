// Windowed data: pieces of fixed length from all over the text, in a new random order every epoch.
#pragma once

#include <cstdint>
#include <memory>

#include "base/permutation.hpp"
#include "data/batches.hpp"
#include "data/token_array.hpp"

namespace charrnn {

/// Windows of `length` characters that begin at 0, stride, 2·stride, …, below n − length − 1: as many as the
/// notebook has (600,884 of 8 by 1 in its 600,893 characters, 75,111 of 8 by 8).
struct WindowLayout {
  std::int64_t length = 8;
  std::int64_t stride = 8;
  std::int64_t most = 0;         ///< use only the first `most` windows; 0: all
  bool predict_every = true;     ///< every next character of a window, or only the one after its end
  double train_fraction = 1;     ///< floor((1 − fraction) · windows) random ones are for validation
  std::int64_t batch_size = 64;  ///< windows of a batch on all ranks together: its columns

  std::int64_t windows(std::int64_t characters) const;
  std::int64_t validation_windows(std::int64_t characters) const;
};

/// Part of a text that windows are taken from.
enum class WindowPart { kTraining, kValidation, kAll };

class WindowBatches final : public Batches {
 public:
  /// `tokens` are those of the whole text, from which windows are copied. Which windows are for validation follows
  /// from the seed. Training windows come in another order every epoch, the others always in the same.
  /// DataError if there is no window in this part.
  WindowBatches(std::shared_ptr<const TokenArray> tokens, const WindowLayout& layout, WindowPart part,
                std::uint64_t seed, const Sharding& sharding);

  std::int64_t windows() const { return count_; }

  std::int64_t per_epoch() const override;  ///< the last batch may be smaller
  std::int64_t targets_per_epoch() const override { return count_ * (layout_.predict_every ? layout_.length : 1); }
  bool carry_state() const override { return false; }
  void load(std::int64_t epoch, std::int64_t index, Batch& batch) override;
  std::int64_t position(std::int64_t epoch, std::int64_t index) override;

 private:
  std::shared_ptr<const TokenArray> tokens_;
  WindowLayout layout_;
  WindowPart part_;
  std::uint64_t seed_;
  RandomPermutation split_;     ///< of all windows: first those for validation, then those for training
  std::int64_t first_, count_;  ///< this part's places in it
};

}  // namespace charrnn
