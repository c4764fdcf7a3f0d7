#include "dist/shared_file.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/host.hpp"
#include "dist/agreement.hpp"

namespace charrnn {

namespace {

/// Sends rank 0's file to all; those that pass a `copy` keep it.
void send(ScratchFile* file, ScratchFile* copy, Communicator& control, Activity& activity) {
  const std::span<const std::byte> bytes = file != nullptr ? file->map() : std::span<const std::byte>();
  const std::size_t size = std::stoull(broadcast_string(control, std::to_string(bytes.size()), 0));
  constexpr std::size_t kPiece = std::size_t{4} << 20;
  std::vector<std::byte> piece(std::min(kPiece, size));
  for (std::size_t at = 0; at < size; at += piece.size()) {
    activity.on_work("sending the text to other nodes", static_cast<std::int64_t>(at), static_cast<std::int64_t>(size));
    stop_together(control, activity);
    piece.resize(std::min(kPiece, size - at));
    if (file != nullptr) std::memcpy(piece.data(), bytes.data() + at, piece.size());
    control.broadcast(piece, 0);
    together(control, [&] {
      if (copy != nullptr) copy->append(piece);
    });
  }
}

}  // namespace

std::shared_ptr<ScratchFile> share_file(std::shared_ptr<ScratchFile> file, Communicator& control, Activity& activity) {
  const std::string host = host_name() + '\n';
  bool is_new = file != nullptr;
  for (;;) {
    // Who has just got one offers it to the ranks beside it.
    const std::string mine = std::exchange(is_new, false) ? host + file->handle() : "";
    for (const std::string& offer : gather_strings(control, mine)) {
      if (file != nullptr || !offer.starts_with(host)) continue;
      if (auto found = ScratchFile::open(offer.substr(host.size()))) {
        file = std::make_shared<ScratchFile>(std::move(*found));
      }
    }
    // Of the ranks of a machine that are left with nothing the first gets a copy.
    const std::vector<std::string> without = gather_strings(control, file == nullptr ? host : "");
    if (std::ranges::all_of(without, &std::string::empty)) return file;
    const auto first = std::ranges::find(without, host) - without.begin();
    std::shared_ptr<ScratchFile> copy;
    together(control, [&] {
      if (file == nullptr && first == control.rank()) copy = std::make_shared<ScratchFile>();
    });
    send(control.rank() == 0 ? file.get() : nullptr, copy.get(), control, activity);
    if (copy != nullptr) {
      file = std::move(copy);
      is_new = true;
    }
  }
}

}  // namespace charrnn
