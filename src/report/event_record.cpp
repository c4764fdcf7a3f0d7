#include "report/event_record.hpp"

#include <bit>
#include <boost/crc.hpp>

namespace charrnn {

namespace {

// A message in protocol buffers' wire format: fields, each a number of its kind and its value.
enum class Wire : std::uint64_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

template <class Unsigned>
void add_little_endian(std::string& to, Unsigned value) {
  for (std::size_t i = 0; i < sizeof value; ++i) to += static_cast<char>(value >> 8 * i & 0xff);
}

void add_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) to += static_cast<char>(value | 0x80);
  to += static_cast<char>(value);
}

void add_key(std::string& to, int field, Wire wire) {
  add_varint(to, static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire));
}

std::string number_field(int field, std::int64_t value) {
  std::string message;
  add_key(message, field, Wire::kVarint);
  add_varint(message, static_cast<std::uint64_t>(value));
  return message;
}

std::string double_field(int field, double value) {
  std::string message;
  add_key(message, field, Wire::kFixed64);
  add_little_endian(message, std::bit_cast<std::uint64_t>(value));
  return message;
}

std::string float_field(int field, double value) {
  std::string message;
  add_key(message, field, Wire::kFixed32);
  add_little_endian(message, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  return message;
}

/// A text, or a message within a message.
std::string bytes_field(int field, std::string_view bytes) {
  std::string message;
  add_key(message, field, Wire::kBytes);
  add_varint(message, bytes.size());
  return message.append(bytes);
}

/// Masked, because the CRC of data that has CRCs in it is weak.
std::uint32_t checksum(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xffffffff, 0xffffffff, true, true> crc;  // CRC-32C
  crc.process_bytes(bytes.data(), bytes.size());
  constexpr std::uint32_t kMask = 0xa282ead8;
  return std::rotr(static_cast<std::uint32_t>(crc.checksum()), 15) + kMask;
}

/// Field numbers are those of Event.
std::string record(double time, std::int64_t step, const std::string& what) {
  const std::string event = double_field(1, time) + (step != 0 ? number_field(2, step) : "") + what;
  std::string bytes;
  add_little_endian(bytes, std::uint64_t{event.size()});
  add_little_endian(bytes, checksum(bytes));
  bytes += event;
  add_little_endian(bytes, checksum(event));
  return bytes;
}

}  // namespace

std::string version_record(double time) {
  return record(time, 0, bytes_field(3, "brain.Event:2"));
}

std::string restart_record(double time, std::int64_t step) {
  constexpr std::int64_t kStart = 1;
  return record(time, step, bytes_field(7, number_field(1, kStart)));  // SessionLog
}

std::string scalars_record(double time, std::int64_t step, std::span<const Scalar> scalars) {
  std::string summary;
  for (const auto& [tag, value] : scalars) summary += bytes_field(1, bytes_field(1, tag) + float_field(2, value));
  return record(time, step, bytes_field(5, summary));
}

std::string text_record(double time, std::int64_t step, std::string_view tag, std::string_view text) {
  constexpr std::int64_t kString = 7;  // of DataType
  const std::string shape = bytes_field(2, number_field(1, 1));
  const std::string tensor = number_field(1, kString) + bytes_field(2, shape) + bytes_field(8, text);
  const std::string plugin = bytes_field(1, bytes_field(1, "text"));
  const std::string value = bytes_field(1, tag) + bytes_field(8, tensor) + bytes_field(9, plugin);
  return record(time, step, bytes_field(5, bytes_field(1, value)));
}

}  // namespace charrnn
