#include "doctor/network.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>

namespace charrnn {

std::vector<Interface> interfaces_here(const std::string& host) {
  std::vector<Interface> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(list, &::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr; one = one->ifa_next) {
    const bool is_up = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_up || one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET) continue;
    std::array<char, INET_ADDRSTRLEN> text{};
    // The address is of this family, and the cast is how the interface is meant to be used.
    const auto* const address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
    ::inet_ntop(AF_INET, &address->sin_addr, text.data(), text.size());
    found.push_back({host, one->ifa_name, text.data()});
  }
  return found;
}

Findings check_interfaces(std::span<const Interface> interfaces, std::span<const std::string> hosts) {
  Findings findings;
  std::map<std::string, std::set<std::string>> hosts_of_address, names_of_address;
  for (const std::string& host : hosts) {
    std::string text;
    for (const Interface& one : interfaces) {
      if (one.host != host) continue;
      text += fmt::format("{}{} {}", text.empty() ? "" : ", ", one.name, one.address);
      hosts_of_address[one.address].insert(host);
      names_of_address[one.address].insert(one.name);
    }
    const std::string topic = hosts.size() > 1 ? "network of " + host : "network";
    if (!text.empty()) {
      findings.push_back({Verdict::kGood, topic, text});
    } else if (hosts.size() > 1) {
      findings.push_back(
          {Verdict::kFault, topic, "no interface that is up", "other nodes cannot reach it: bring one up"});
    } else {
      findings.push_back({Verdict::kGood, topic, "loopback only: ranks of this node alone"});
    }
  }
  std::set<std::string> same;
  for (const auto& [address, on] : hosts_of_address) {
    if (on.size() > 1) same.insert(names_of_address[address].begin(), names_of_address[address].end());
  }
  if (!same.empty()) {
    const std::string names = fmt::format("{}", fmt::join(same, ","));
    findings.push_back({Verdict::kWarning, "same address", names + " has one address on several nodes",
                        fmt::format("MPI may wait there in vain: export OMPI_MCA_btl_tcp_if_exclude=lo,{} "
                                    "OMPI_MCA_oob_tcp_if_exclude=lo,{}",
                                    names, names)});
  }
  return findings;
}

}  // namespace charrnn
