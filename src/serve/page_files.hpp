// The files of the page (src/serve/page/ and dygraphs), which are part of the program.
#pragma once

#include <span>
#include <string_view>

namespace charrnn {

struct PageFile {
  std::string_view path;  ///< "/app.js"
  std::string_view type;  ///< of its contents: "text/javascript"
  std::string_view contents;
};

/// cmake/embed.cmake writes it.
std::span<const PageFile> page_files();

}  // namespace charrnn
