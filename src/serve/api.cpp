#include "serve/api.hpp"

#include <httplib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.hpp"
#include "base/wall_clock.hpp"
#include "serve/answers.hpp"
#include "serve/event_stream.hpp"
#include "serve/http.hpp"
#include "serve/model_answers.hpp"
#include "serve/prometheus.hpp"

namespace charrnn {

namespace {

using httplib::DataSink;
using httplib::Request;
using httplib::Response;
using namespace std::chrono_literals;

/// Errors of `work` become an answer.
template <class Work>
void answer_by(Response& response, const Work& work) {
  try {
    work();
  } catch (const UsageError& error) {
    refuse(response, kBadRequest, error.what());
  } catch (const DataError& error) {
    refuse(response, kCannot, error.what());
  } catch (const std::exception& error) {
    refuse(response, kFault, error.what());
  }
}

}  // namespace

void Api::add_to(httplib::Server& http) {
  http.Get("/api/runs", [this](const Request&, Response& response) { runs(response); });
  http.Get(R"(/api/runs/([^/]+))", [this](const Request& request, Response& response) { run(request, response); });
  http.Get("/events", [this](const Request& request, Response& response) { events(request, response); });
  http.Get("/metrics", [this](const Request&, Response& response) { metrics(response); });
  http.Post("/api/sample", [this](const Request& request, Response& response) { sample(request, response); });
  http.Post("/api/score", [this](const Request& request, Response& response) {
    with_model(
        response, [&] { return read_score_request(request.body); }, score_answer);
  });
  http.Post("/api/neurons", [this](const Request& request, Response& response) {
    with_model(
        response, [&] { return read_neuron_request(request.body); }, neuron_answer);
  });
}

void Api::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  stopping_.notify_all();
}

void Api::runs(Response& response) {
  answer_by(response, [&] { response.set_content(as_text(runs_answer(catalog_.list(seconds_since_1970()))), kJson); });
}

void Api::run(const Request& request, Response& response) {
  const std::string name = request.matches[1];
  const auto folder = catalog_.find(name);
  if (!folder) return refuse(response, kNotFound, "there is no such run");
  answer_by(response, [&] {
    const NamedRun named{name, catalog_.summary(*folder, seconds_since_1970())};
    response.set_content(as_text(run_answer(named, *folder)), kJson);
  });
}

void Api::metrics(Response& response) {
  answer_by(response, [&] {
    response.set_content(prometheus_text(catalog_.list(seconds_since_1970())), "text/plain; version=0.0.4");
  });
}

/// With `once` the events end with the last line that is there.
void Api::events(const Request& request, Response& response) {
  const auto folder = catalog_.find(request.get_param_value("run"));
  if (!folder) return refuse(response, kNotFound, "there is no such run");
  std::shared_ptr<void> place = followers_.take();
  if (place == nullptr) return refuse(response, kBusy, "too many pages follow runs; close one");
  const std::string from =
      request.has_header("Last-Event-ID") ? request.get_header_value("Last-Event-ID") : request.get_param_value("from");
  const bool once = request.has_param("once");
  auto stream = std::make_shared<EventStream>(*folder / "metrics.jsonl", from);
  const auto give = [this, stream, once, place = std::move(place)](std::size_t, DataSink& sink) {
    constexpr auto kPause = 500ms;
    const std::string events = stream->next();
    if (!events.empty()) return sink.write(events.data(), events.size());
    if (once) {
      sink.done();
      return true;
    }
    const std::string sign = stream->sign_of_life();
    const bool is_heard = sign.empty() || sink.write(sign.data(), sign.size());
    return is_heard && !wait(kPause);
  };
  response.set_chunked_content_provider("text/event-stream", give);
}

void Api::sample(const Request& request, Response& response) {
  answer_by(response, [&] {
    const SampleRequest wanted = read_sample_request(request.body);
    const auto file = file_for(wanted, response);
    if (!file) return;
    std::shared_ptr<void> place = writers_.take();
    if (place == nullptr) return refuse(response, kBusy, "too many texts are being written; try again");
    auto writing = std::make_shared<Writing>(desk_, desk_.open(*file), wanted);
    const auto give = [writing, place = std::move(place)](std::size_t, DataSink& sink) {
      std::string lines;
      try {
        lines = writing->next();
      } catch (const std::exception& error) {
        lines = as_text({{"error", error.what()}}) + '\n';
        sink.write(lines.data(), lines.size());
        lines.clear();
      }
      if (!lines.empty()) return sink.write(lines.data(), lines.size());
      sink.done();
      return true;
    };
    response.set_chunked_content_provider("application/x-ndjson", give);
  });
}

template <class Read, class Answer>
void Api::with_model(Response& response, const Read& read, const Answer& answer) {
  answer_by(response, [&] {
    const auto wanted = read();
    const auto file = file_for(wanted, response);
    if (!file) return;
    const std::shared_ptr<void> place = readers_.take();
    if (place == nullptr) return refuse(response, kBusy, "too many texts are being read; try again");
    response.set_content(as_text(answer(desk_, *desk_.open(*file), wanted)), kJson);
  });
}

std::optional<std::filesystem::path> Api::file_for(const ModelRequest& wanted, Response& response) {
  if (!rate_.take(std::chrono::steady_clock::now())) {
    refuse(response, kTooMany, "too many requests; wait a second");
    return std::nullopt;
  }
  const auto folder = catalog_.find(wanted.run);
  std::optional<std::filesystem::path> file;
  if (folder && wanted.checkpoint.empty()) {
    file = find_checkpoint(*folder, "best");
    if (!file) file = find_checkpoint(*folder, "latest");
  } else if (folder) {
    file = find_checkpoint(*folder, wanted.checkpoint);
  }
  if (!file) refuse(response, kNotFound, folder ? "there is no such checkpoint" : "there is no such run");
  return file;
}

bool Api::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return stopping_.wait_for(lock, time, [&] { return is_stopping_; });
}

}  // namespace charrnn
