#include "app/failure.hpp"

#include <cstdlib>
#include <exception>

#include "app/messages.hpp"

namespace charrnn {

namespace {

[[noreturn]] void end_now() {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      const Error error = as_error(exception, kLowerToTrain);
      print_error(error.what());
      if (error.code() != ExitCode::kBug) std::_Exit(static_cast<int>(error.code()));
    } catch (...) {  // the system tells
    }
  }
  std::abort();
}

}  // namespace

void end_by_as_error() {
  std::set_terminate(end_now);
}

}  // namespace charrnn
