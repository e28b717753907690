// SPDX-License-Identifier: Apache-2.0
#include "nat/log_record.h"

#include <algorithm>
#include <cstring>

#include "base/endian.h"
#include "base/headers.h"

namespace causeway {
namespace {

constexpr std::array<std::uint8_t, 8> kMagic{'C', 'W', 'N', 'A', 'T', 'L', 'O', 'G'};
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::uint8_t kLossKind = 0;  // no NatEventKind has it

struct Layout {
    Be64 time_ms;
    Be32 inside_address;
    Be32 outside_address;
    Be32 remote_address;
    Be16 inside_port;
    Be16 outside_port;
    Be16 remote_port;
    Be16 ports;
    Be16 pool;
    std::uint8_t kind = 0;
    std::uint8_t protocol = 0;
};
static_assert(sizeof(Layout) == kNatLogRecordBytes && alignof(Layout) == 1);

bool is_of_session(NatEventKind kind) noexcept {
    return kind == NatEventKind::kSessionBegun || kind == NatEventKind::kSessionEnded;
}

std::optional<NatProtocol> protocol_of(std::uint8_t number) noexcept {
    for (std::size_t i = 0; i < kNatProtocols; ++i) {
        const auto protocol = static_cast<NatProtocol>(i);
        if (protocol_number(protocol) == number) return protocol;
    }
    return std::nullopt;
}

}  // namespace

std::uint8_t protocol_number(NatProtocol protocol) noexcept {
    switch (protocol) {
        case NatProtocol::kTcp:
            return static_cast<std::uint8_t>(IpProtocol::kTcp);
        case NatProtocol::kUdp:
            return static_cast<std::uint8_t>(IpProtocol::kUdp);
        default:
            return static_cast<std::uint8_t>(IpProtocol::kIcmp);
    }
}

NatLogHeader nat_log_header() noexcept {
    NatLogHeader header{};
    const Be32 version(kFormatVersion);
    const Be32 bytes(kNatLogRecordBytes);
    std::copy(kMagic.begin(), kMagic.end(), header.begin());
    std::memcpy(&header[8], &version, sizeof version);
    std::memcpy(&header[12], &bytes, sizeof bytes);
    return header;
}

Status check_nat_log_header(std::span<const std::uint8_t> header) {
    const NatLogHeader right = nat_log_header();
    if (header.size() < right.size() || !std::equal(kMagic.begin(), kMagic.end(), header.begin())) {
        return Unexpected(ErrorCode::kInvalid, "it is no log of a NAT");
    }
    if (std::equal(right.begin(), right.end(), header.begin())) return ok();
    std::uint32_t version = 0;
    std::memcpy(&version, &header[8], sizeof version);
    return Unexpected(ErrorCode::kInvalid,
                      "its format is version " + std::to_string(Be32::from_wire(version).host()) +
                          ", and this program reads version " + std::to_string(kFormatVersion));
}

NatLogBytes encode(const NatLogRecord& record) noexcept {
    const NatEvent& event = record.event;
    Layout layout;
    layout.time_ms = Be64(record.time_ms);
    if (record.lost != 0) {
        layout.inside_address = Be32(record.lost);
        layout.kind = kLossKind;
    } else {
        layout.inside_address = Be32(event.inside.address.value());
        layout.outside_address = Be32(event.outside.address.value());
        layout.remote_address = Be32(event.remote.address.value());
        layout.inside_port = Be16(event.inside.port);
        layout.outside_port = Be16(event.outside.port);
        layout.remote_port = Be16(event.remote.port);
        layout.ports = Be16(event.ports);
        layout.pool = Be16(event.pool.value());
        layout.kind = static_cast<std::uint8_t>(event.kind);
        if (is_of_session(event.kind)) layout.protocol = protocol_number(event.protocol);
    }
    NatLogBytes bytes;
    std::memcpy(bytes.data(), &layout, sizeof layout);
    return bytes;
}

Result<NatLogRecord> decode(std::span<const std::uint8_t, kNatLogRecordBytes> bytes) {
    Layout layout;
    std::memcpy(static_cast<void*>(&layout), bytes.data(), sizeof layout);
    NatLogRecord record{.time_ms = layout.time_ms.host()};
    if (layout.kind == kLossKind) {
        record.lost = layout.inside_address.host();
        if (record.lost == 0) return Unexpected(ErrorCode::kInvalid, "a loss of nothing");
        return record;
    }
    if (layout.kind > static_cast<std::uint8_t>(NatEventKind::kSessionEnded)) {
        return Unexpected(ErrorCode::kInvalid,
                          "there is no event of kind " + std::to_string(layout.kind));
    }
    NatEvent& event = record.event;
    event.kind = static_cast<NatEventKind>(layout.kind);
    event.inside = {Ipv4Address(layout.inside_address.host()), layout.inside_port.host()};
    event.outside = {Ipv4Address(layout.outside_address.host()), layout.outside_port.host()};
    event.remote = {Ipv4Address(layout.remote_address.host()), layout.remote_port.host()};
    event.ports = layout.ports.host();
    event.pool = NatPoolId(layout.pool.host());
    if (!is_of_session(event.kind)) return record;
    const auto protocol = protocol_of(layout.protocol);
    if (!protocol) {
        return Unexpected(ErrorCode::kInvalid,
                          "no NAT has sessions of protocol " + std::to_string(layout.protocol));
    }
    event.protocol = *protocol;
    return record;
}

}  // namespace causeway
