// What a compiler is told about a loop that is to become vector instructions.
#pragma once

// CHARRNN_INDEPENDENT: the iterations of the next loop do not read what others write.
// CHARRNN_ROLLED: it stays a loop, else gcc first unrolls it and then finds nothing to vectorise.
#if defined(__clang__)
#define CHARRNN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define CHARRNN_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define CHARRNN_INDEPENDENT _Pragma("GCC ivdep")
#define CHARRNN_ROLLED _Pragma("GCC unroll 1")
#endif
