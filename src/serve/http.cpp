#include "serve/http.hpp"

#include <httplib.h>

#include <nlohmann/json.hpp>

#include "serve/answers.hpp"

namespace charrnn {

void refuse(httplib::Response& response, int status, const std::string& why) {
  response.status = status;
  response.set_content(as_text({{"error", why}}), kJson);
}

}  // namespace charrnn
