// SPDX-License-Identifier: Apache-2.0
//
// NatLogRecord: an event with the time of day, or how many were lost in that place. In a file it
// has 32 bytes, all numbers big-endian:
//
//   0  time, milliseconds since 1970 (UTC)    20  inside port         28  pool
//   8  inside address; of a loss: how many    22  outside port        30  kind
//   12 outside address                        24  remote port         31  IP protocol, or 0
//   16 remote address                         26  ports of a block
//
// A file begins with 16 bytes: "CWNATLOG", the version of the format, the size of a record.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "nat/event.h"

namespace causeway {

struct NatLogRecord {
    std::uint64_t time_ms = 0;
    std::uint32_t lost = 0;  // if not zero, there is no event
    NatEvent event;          // `at` is not kept
    friend bool operator==(const NatLogRecord&, const NatLogRecord&) = default;
};

inline constexpr std::size_t kNatLogHeaderBytes = 16;
inline constexpr std::size_t kNatLogRecordBytes = 32;
using NatLogHeader = std::array<std::uint8_t, kNatLogHeaderBytes>;
using NatLogBytes = std::array<std::uint8_t, kNatLogRecordBytes>;

[[nodiscard]] NatLogHeader nat_log_header() noexcept;
// Whether a file that begins like this is a log of ours, and of which version.
[[nodiscard]] Status check_nat_log_header(std::span<const std::uint8_t> header);

[[nodiscard]] NatLogBytes encode(const NatLogRecord& record) noexcept;
[[nodiscard]] Result<NatLogRecord> decode(std::span<const std::uint8_t, kNatLogRecordBytes> bytes);

// IANA's number of the protocol (RFC 5237).
[[nodiscard]] std::uint8_t protocol_number(NatProtocol protocol) noexcept;

}  // namespace causeway
