// What the subjects have in common that sum in host memory, over MPI.
#include "dist/subject.hpp"

namespace charrnn::test {

std::string cannot_run(const MpiSession&) {
  return "";
}

std::function<bool()> mark_of_subject() {
  return [] { return true; };  // nothing is queued in host memory
}

Communicator::Moment moment_of_subject() {
  return nullptr;
}

std::string wrong_after(const CommError& error) {
  return error.exit_at_once() ? "MPI can be left in order" : "";
}

}  // namespace charrnn::test
