// Which of the instruction sets that kernels are compiled for this processor has.
#pragma once

namespace charrnn {

/// In rising order: each includes the ones before it. kAvx2 and kAvx512 are what a compiler may use for x86-64-v3
/// and -v4 (System V ABI, "Micro-Architecture Levels"); kAvx512Bf16 adds AVX512_BF16 and AVX512_VNNI.
enum class InstructionSet { kBaseline, kAvx2, kAvx512, kAvx512Bf16 };

/// The best one that this processor has.
InstructionSet instruction_set();

}  // namespace charrnn
