#include "dist/agreement.hpp"

#include <array>
#include <optional>
#include <utility>

namespace charrnn {

std::string on_root(Communicator& communicator, const std::function<std::string()>& work) {
  std::string result;
  std::optional<Error> error;
  if (communicator.rank() == 0) {
    try {
      result = work();
    } catch (const Error& caught) {
      error = caught;
    }
  }
  int code = error ? static_cast<int>(error->code()) : 0;
  communicator.broadcast(std::as_writable_bytes(std::span(&code, 1)), 0, kRootPatience);
  if (error) throw *error;
  if (code != 0) throw RemoteError(static_cast<ExitCode>(code));
  return broadcast_string(communicator, std::move(result), 0);
}

void together(Communicator& communicator, const std::function<void()>& work) {
  std::optional<Error> error;
  try {
    work();
  } catch (const CommError&) {
    throw;
  } catch (const Error& caught) {
    error = caught;
  }
  // How many ranks failed with each of the two kinds of code that work outside a collective can have.
  std::array<double, 2> failures{};
  if (error) failures[error->code() == ExitCode::kUsage ? 0 : 1] = 1;
  communicator.all_reduce_sum(failures);
  if (error) throw *error;
  if (failures[0] > 0) throw RemoteError(ExitCode::kUsage);
  if (failures[1] > 0) throw RemoteError(ExitCode::kData);
}

}  // namespace charrnn
