// What processors with AVX512_BF16 do in another way than kernels.cpp compiled for AVX-512.
#pragma once

#include <cstdint>

#include "models/native/int8_product.hpp"

namespace charrnn::avx512_bf16 {

/// As in Kernels.
void to_bf16(std::int64_t size, const float* from, std::uint16_t* to);
void to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                   std::uint32_t* to, std::int64_t to_stride);
void split_to_bf16(std::int64_t size, const float* from, std::uint16_t* high, std::uint16_t* low);
void split_to_bf16_pairs(std::int64_t rows, std::int64_t columns, const float* from, std::int64_t from_stride,
                         std::uint32_t* high, std::uint32_t* low, std::int64_t to_stride);
void transpose_to_bf16(std::int64_t rows, std::int64_t columns, const float* const* from, std::int64_t first,
                       std::uint16_t* high, std::uint16_t* low, std::int64_t to_stride);
void multiply_int8(std::int64_t rows, std::int64_t outputs, std::int64_t depth, ScaledRows<std::int16_t> a,
                   ScaledRows<std::int8_t> b, float* c, std::int64_t c_stride, bool add);

}  // namespace charrnn::avx512_bf16
