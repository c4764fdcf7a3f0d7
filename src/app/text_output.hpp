// Standard output for a command that writes until its reader has seen enough.
#pragma once

#include <string_view>

namespace charrnn {

/// While it lives, a reader that leaves, such as `head`, is no error: what is written afterwards goes nowhere.
///
///     TextOutput output;
///     while (output.is_read()) output.write(next_line());
class TextOutput {
 public:
  TextOutput();
  ~TextOutput();
  TextOutput(const TextOutput&) = delete;
  TextOutput& operator=(const TextOutput&) = delete;

  /// Appears at once. Where it cannot be written, run_program() says so in the end.
  void write(std::string_view text);
  /// False once writing is in vain.
  bool is_read() const { return is_read_; }

 private:
  bool is_read_ = true;
};

}  // namespace charrnn
