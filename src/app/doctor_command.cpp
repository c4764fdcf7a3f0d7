// charrnn_dist doctor: what of this machine, or of all nodes of a job, would keep a training from running well.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>

#include "app/failure.hpp"
#include "app/job.hpp"
#include "app/messages.hpp"
#include "app/program.hpp"
#include "base/host.hpp"
#include "base/program_version.hpp"
#include "base/text.hpp"
#include "dist/agreement.hpp"
#include "dist/device_choice.hpp"
#include "dist/launcher.hpp"
#include "dist/topology.hpp"
#include "doctor/all_reduce_time.hpp"
#include "doctor/gpus.hpp"
#include "doctor/machine.hpp"
#include "doctor/network.hpp"
#include "doctor/shared_folder.hpp"
#include "report/terminal.hpp"
#ifdef CHARRNN_CUDA
#include "dist/cuda_runtime.hpp"
#endif

namespace charrnn {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kVerdicts[] = {"ok", "warning", "fault"};

struct DoctorArguments {
  ConfigSources sources;
  bool json = false;
};

Json to_json(const Finding& finding) {
  return {{"verdict", kVerdicts[static_cast<int>(finding.verdict)]},
          {"topic", finding.topic},
          {"text", finding.text},
          {"remedy", as_flags(finding.remedy)}};
}

class HostMemory final : public DeviceMemory {
 public:
  void* allocate(std::size_t bytes) override { return new std::byte[bytes]; }
  void release(void* memory) override { delete[] static_cast<std::byte*>(memory); }
  void to_host(void* host, const void* device, std::size_t bytes) override { std::memcpy(host, device, bytes); }
  void to_device(void* device, const void* host, std::size_t bytes) override { std::memcpy(device, host, bytes); }
};

std::unique_ptr<DeviceMemory> memory_of([[maybe_unused]] Device device) {
#ifdef CHARRNN_CUDA
  if (device.cuda) return make_cuda_memory();
#endif
  return std::make_unique<HostMemory>();
}

std::string describe_launcher() {
  const std::string name = launcher_name(std::getenv);
  if (name.empty()) return "none: one process alone";
  return std::getenv("PMIX_NAMESPACE") != nullptr ? name + " with PMIx" : name;
}

/// What a rank finds on its node.
Findings check_node(std::span<const RankPlace> places, Job& job) {
  const int ranks = job.mpi.local_size();
  Findings findings = check_cores(places, job.mpi.rank(), std::getenv("OMP_NUM_THREADS"));
  findings.push_back(check_memory(ranks));
  findings.push_back(check_shared_memory(ranks));
  findings.push_back(check_temporary_folder());
  findings.push_back(check_limits());
  std::ranges::move(check_gpus(ranks), std::back_inserter(findings));
  return findings;
}

/// The nodes' findings, topic by topic, those that are the same on several nodes once. `told` is everyone's, by rank.
std::vector<Json> merge(const std::vector<std::string>& told, std::size_t hosts) {
  std::vector<Json> merged;
  Strings topics;
  for (const std::string& text : told) {
    const Json node = Json::parse(text);
    for (const Json& finding : node["findings"]) {
      const std::string topic = finding["topic"];
      if (std::ranges::find(topics, topic) == topics.end()) topics.push_back(topic);
      const auto same = std::ranges::find_if(
          merged, [&](const Json& one) { return one["topic"] == finding["topic"] && one["text"] == finding["text"]; });
      if (same != merged.end()) {
        (*same)["nodes"].push_back(node["host"]);
        continue;
      }
      merged.push_back(finding);
      merged.back()["nodes"] = Json::array({node["host"]});
    }
  }
  std::ranges::stable_sort(merged, {}, [&](const Json& one) {
    return std::ranges::find(topics, one["topic"].get<std::string>()) - topics.begin();
  });
  for (Json& one : merged) {
    if (one["nodes"].size() == hosts) one.erase("nodes");
  }
  return merged;
}

/// Collective. Everything, on rank 0.
Json examine(Job& job, const RunConfig& config) {
  MpiCommunicator& control = job.control;
  const std::vector<RankPlace> places = gather_places(control, place_here());
  const std::string host = host_name();
  Json mine{{"host", host}, {"findings", Json::array()}, {"interfaces", Json::array()}};
  if (job.mpi.local_rank() == 0) {
    for (const Finding& finding : check_node(places, job)) mine["findings"].push_back(to_json(finding));
    for (const Interface& one : interfaces_here(host)) mine["interfaces"].push_back({one.name, one.address});
  }
  const std::vector<std::string> told = gather_strings(control, mine.dump());
  std::vector<std::string> hosts;
  std::vector<Interface> interfaces;
  for (const std::string& text : told) {
    const Json node = Json::parse(text);
    const std::string name = node["host"];
    if (std::ranges::find(hosts, name) == hosts.end()) hosts.push_back(name);
    for (const Json& one : node["interfaces"]) interfaces.push_back({name, one[0], one[1]});
  }

  Json all = Json::array();
  const auto add = [&](const Findings& findings) {
    for (const Finding& finding : findings) all.push_back(to_json(finding));
  };
  add({{.topic = "launcher",
        .text = fmt::format("{}; {} rank(s) on {} node(s); {}", describe_launcher(), job.mpi.size(), hosts.size(),
                            mpi_version())}});
  if (job.mpi.size() > 1) add({{.topic = "nodes", .text = ranks_of_hosts(places)}});
  for (const Json& finding : merge(told, hosts.size())) all.push_back(finding);
  add(check_interfaces(interfaces, hosts));
  add(check_shared_folder(config.run.run_dir, control));
  if (job.mpi.size() > 1) {
    const Device device = choose_device("auto", job.mpi.local_rank(), [](const std::string&) {});
    const auto warn = [&](const std::string& line) { add({{Verdict::kWarning, "GPUs seen", line, ""}}); };
    const auto gradients = control.make_gradient_communicator("auto", device, control.timeout(), warn);
    const auto memory = memory_of(device);
    add(time_all_reduce(*gradients, *memory));
  }
  return all;
}

void print_text(const Json& findings) {
  const auto width = static_cast<std::size_t>(std::max(60, terminal_width()));
  constexpr std::size_t kIndent = 26;
  std::array<int, 3> counts{};
  for (const Json& one : findings) {
    const std::string verdict = one["verdict"], remedy = one["remedy"];
    ++counts[static_cast<std::size_t>(std::ranges::find(kVerdicts, verdict) - std::begin(kVerdicts))];
    std::string words = one["text"];
    if (one.contains("nodes")) words = fmt::format("{}: {}", fmt::join(one["nodes"].get<Strings>(), ", "), words);
    std::string text = fmt::format("{:<8} {:<{}}", verdict, one["topic"].get<std::string>(), kIndent - 9);
    if (!text.ends_with(' ')) text += ' ';
    const std::size_t column = text.size();
    add_wrapped(text, words, column, kIndent, width);
    if (!remedy.empty()) {
      text += std::string(kIndent, ' ') + "-> ";
      add_wrapped(text, remedy, kIndent + 3, kIndent + 3, width);
    }
    fmt::print("{}", text);
  }
  fmt::print("{}\n", counts[1] + counts[2] == 0 ? "Nothing is wrong."
                                                : fmt::format("{} warning(s), {} fault(s).", counts[1], counts[2]));
}

ExitCode run_doctor(DoctorArguments& arguments, Job& job) {
  RunConfig config;
  arguments.sources.given().apply(config);
  const Json findings = examine(job, config);
  if (job.mpi.rank() == 0 && arguments.json) {
    fmt::print("{}\n", Json{{"program_version", kProgramVersion}, {"findings", findings}}.dump(2));
  } else if (job.mpi.rank() == 0) {
    print_text(findings);
  }
  const auto is_fault = [](const Json& finding) { return finding["verdict"] == "fault"; };
  std::array<double, 1> faults{static_cast<double>(std::ranges::count_if(findings, is_fault))};  // rank 0 knows all
  job.control.all_reduce_sum(faults);
  return faults[0] > 0 ? ExitCode::kUsage : ExitCode::kDone;
}

}  // namespace

Command doctor_command() {
  auto arguments = std::make_shared<DoctorArguments>();
  Command command("doctor",
                  "check this machine, or all nodes of a job, for what would keep a training from running well");
  command.add_training_options(arguments->sources, {"run-dir"});
  command.add("json", arguments->json, "print one JSON object");
  command.explain(
      "Each line says what is right or wrong, and how to mend it. Start it as you would start train. "
      "The exit code is 0 if a run can start, and 2 if something is at fault.",
      {"charrnn_dist doctor", "mpirun -np 4 charrnn_dist doctor --run-dir /shared/runs",
       "srun --nodes 2 --ntasks-per-node 4 --mpi=pmix charrnn_dist doctor --run-dir /shared/runs"});
  command.run_by([arguments] {
    return run_job([&](Job& job) { return run_doctor(*arguments, job); }, kUseMore, &arguments->sources);
  });
  return command;
}

}  // namespace charrnn
