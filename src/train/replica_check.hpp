// Ranks that train together must hold the same parameters, bit for bit.
#pragma once

#include <cstdint>
#include <span>

#include "dist/communicator.hpp"
#include "models/parameter_layout.hpp"

namespace charrnn {

/// Compares SHA-256 digests of every parameter over all ranks. `parameters` are this rank's, in host memory.
/// Where they differ every rank throws an Error (kInterrupted) with the rank that is alone with its own, or
/// all of them if there is no majority, and the first parameter that differs. Collective.
void check_replicas(const ParameterLayout& layout, std::span<const float> parameters, std::int64_t step,
                    Communicator& control);

}  // namespace charrnn
