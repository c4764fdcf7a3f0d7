// What all answers of the server have in common.
#pragma once

#include <string>

namespace httplib {
struct Response;
}

namespace charrnn {

inline constexpr const char* kJson = "application/json";

/// Statuses of HTTP.
enum Status : int {
  kBadRequest = 400,
  kNotFound = 404,
  kTooLong = 414,
  kCannot = 422,
  kTooMany = 429,
  kFault = 500,
  kBusy = 503
};

/// Answers {"error": why}.
void refuse(httplib::Response& response, int status, const std::string& why);

}  // namespace charrnn
