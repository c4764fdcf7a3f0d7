// The network between nodes.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "doctor/finding.hpp"

namespace charrnn {

/// A network interface that is up, with its IPv4 address.
struct Interface {
  std::string host, name, address;
};

/// Those of this node but for the loopback.
std::vector<Interface> interfaces_here(const std::string& host);

/// Of all nodes together: whether they can reach each other, and whether some have one address on several nodes, as
/// the bridges of containers have, which MPI may choose and then wait for an answer in vain.
Findings check_interfaces(std::span<const Interface> interfaces, std::span<const std::string> hosts);

}  // namespace charrnn
