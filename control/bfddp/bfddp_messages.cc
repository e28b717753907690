// SPDX-License-Identifier: Apache-2.0
#include "control/bfddp/bfddp_messages.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "base/endian.h"
#include "base/headers.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::uint8_t kVersion = 1;

enum Type : std::uint16_t {
    kEchoRequest = 0,
    kEchoReply = 1,
    kAddSession = 2,
    kDeleteSession = 3,
    kStateChange = 4,
    kRequestCounters = 5,
    kCounters = 6,
};

constexpr std::uint32_t kMultihop = 1U << 0;
constexpr std::uint32_t kIpv6 = 1U << 4;
constexpr std::uint32_t kShutdown = 1U << 6;

struct WireHeader {
    std::uint8_t version;
    std::uint8_t zero;
    Be16 type;
    Be16 id;
    Be16 length;
};
static_assert(sizeof(WireHeader) == kBfddpHeaderBytes);

struct WireEcho {
    Be64 data_plane_time;
    Be64 bfdd_time;
};
static_assert(sizeof(WireEcho) == 16);

struct WireSession {
    Be32 flags;
    std::array<std::uint8_t, 16> source;  // IPv4: the first four bytes
    std::array<std::uint8_t, 16> destination;
    Be32 id;
    Be32 min_tx_us;
    Be32 min_rx_us;
    Be32 min_echo_tx_us;
    Be32 min_echo_rx_us;
    Be32 hold_time_ms;  // bfdd never fills it
    std::uint8_t ttl;
    std::uint8_t multiplier;
    Be16 zero;
    Be32 interface_index;
    std::array<char, kBfddpInterfaceBytesMax + 1> interface;
};
static_assert(sizeof(WireSession) == 132);

struct WireState {
    Be32 id;
    Be32 remote;
    Be32 remote_flags;
    Be32 desired_tx_us;
    Be32 required_rx_us;
    Be32 required_echo_rx_us;
    std::uint8_t state;
    std::uint8_t diagnostic;
    std::uint8_t multiplier;
    std::uint8_t padding;  // of the compiler of bfdd
};
static_assert(sizeof(WireState) == 28);

struct WireCounters {
    Be32 id;
    Be32 padding;  // of the compiler of bfdd, on 64-bit machines
    Be64 rx_bytes, rx_packets, tx_bytes, tx_packets;
    std::array<Be64, 4> of_echoes;
};
static_assert(sizeof(WireCounters) == 72);

std::array<std::uint8_t, 16> wire_of(const IpAddress& address) {
    std::array<std::uint8_t, 16> bytes{};
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&address)) {
        const Be32 value(ipv4->value());
        std::memcpy(bytes.data(), &value, sizeof value);
    } else {
        const WireIpv6Address value(std::get<Ipv6Address>(address));
        std::memcpy(bytes.data(), &value, sizeof value);
    }
    return bytes;
}

IpAddress address_of(const std::array<std::uint8_t, 16>& bytes, std::uint32_t flags) {
    if ((flags & kIpv6) != 0) {
        WireIpv6Address value;
        std::memcpy(&value, bytes.data(), sizeof value);
        return value.host();
    }
    Be32 value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return Ipv4Address(value.host());
}

WireSession wire_of(const BfddpSession& session) {
    CHECK(session.interface.size() <= kBfddpInterfaceBytesMax);
    std::uint32_t flags = 0;
    if (session.path == BfddpPath::kSeveralHops) flags |= kMultihop;
    if (session.admin == BfddpAdmin::kShutdown) flags |= kShutdown;
    if (std::holds_alternative<Ipv6Address>(session.remote)) flags |= kIpv6;
    WireSession wire{
        .flags = Be32(flags),
        .source = wire_of(session.local),
        .destination = wire_of(session.remote),
        .id = Be32(session.id.value()),
        .min_tx_us = Be32(session.parameters.desired_min_tx_us),
        .min_rx_us = Be32(session.parameters.required_min_rx_us),
        .ttl = kBfdTtl,
        .multiplier = session.parameters.multiplier,
    };
    std::ranges::copy(session.interface, wire.interface.begin());
    return wire;
}

// Nothing: no session can be so.
std::optional<BfddpSession> session_of(const WireSession& wire) {
    const auto end = std::ranges::find(wire.interface, '\0');
    if (end == wire.interface.end() || wire.id.host() == 0 || wire.multiplier == 0 ||
        wire.min_tx_us.host() == 0 || wire.min_rx_us.host() == 0)
        return std::nullopt;
    const std::uint32_t flags = wire.flags.host();
    return BfddpSession{
        .id = BfddpSessionId(wire.id.host()),
        .local = address_of(wire.source, flags),
        .remote = address_of(wire.destination, flags),
        .interface = std::string(wire.interface.begin(), end),
        .parameters = {.desired_min_tx_us = wire.min_tx_us.host(),
                       .required_min_rx_us = wire.min_rx_us.host(),
                       .multiplier = wire.multiplier},
        .path = (flags & kMultihop) != 0 ? BfddpPath::kSeveralHops : BfddpPath::kOneHop,
        .admin = (flags & kShutdown) != 0 ? BfddpAdmin::kShutdown : BfddpAdmin::kUp,
    };
}

template <class Wire>
void append(std::vector<std::uint8_t>& bytes, const Wire& wire) {
    const std::size_t end = bytes.size();
    bytes.resize(end + sizeof wire);
    std::memcpy(bytes.data() + end, &wire, sizeof wire);
}

template <class Wire>
void append(std::vector<std::uint8_t>& bytes, Type type, std::uint16_t id, const Wire& wire) {
    append(bytes, WireHeader{.version = kVersion,
                             .zero = 0,
                             .type = Be16(type),
                             .id = Be16(id),
                             .length = Be16(sizeof(WireHeader) + sizeof wire)});
    append(bytes, wire);
}

void write(const BfddpEcho& echo, std::vector<std::uint8_t>& bytes) {
    append(bytes, echo.kind == BfddpEchoKind::kRequest ? kEchoRequest : kEchoReply, echo.message_id,
           WireEcho{Be64(echo.data_plane_time), Be64(echo.bfdd_time)});
}
void write(const BfddpAdd& add, std::vector<std::uint8_t>& bytes) {
    append(bytes, kAddSession, 0, wire_of(add.session));
}
void write(const BfddpDelete& gone, std::vector<std::uint8_t>& bytes) {
    append(bytes, kDeleteSession, 0, wire_of(gone.session));
}
void write(const BfddpState& state, std::vector<std::uint8_t>& bytes) {
    append(bytes, kStateChange, 0,
           WireState{.id = Be32(state.id.value()),
                     .remote = Be32(state.remote.value()),
                     .desired_tx_us = Be32(state.remote_parameters.desired_min_tx_us),
                     .required_rx_us = Be32(state.remote_parameters.required_min_rx_us),
                     .state = static_cast<std::uint8_t>(state.state),
                     .diagnostic = static_cast<std::uint8_t>(state.remote_diagnostic),
                     .multiplier = state.remote_parameters.multiplier,
                     .padding = 0});
}
void write(const BfddpCountersRequest& request, std::vector<std::uint8_t>& bytes) {
    append(bytes, kRequestCounters, request.message_id, Be32(request.id.value()));
}
void write(const BfddpTraffic& traffic, std::vector<std::uint8_t>& bytes) {
    append(bytes, kCounters, traffic.message_id,
           WireCounters{.id = Be32(traffic.id.value()),
                        .rx_bytes = Be64(traffic.control.rx_bytes),
                        .rx_packets = Be64(traffic.control.rx_packets),
                        .tx_bytes = Be64(traffic.control.tx_bytes),
                        .tx_packets = Be64(traffic.control.tx_packets)});
}

using Read = std::variant<BfddpMessage, BfddpEvent>;

// The body as a Wire; a longer one is read as far as it is known.
template <class Wire, class Make>
Read read_as(Bytes body, const Make& make) {
    Wire wire;
    if (body.size() < sizeof wire) return BfddpEvent::kShortMessage;
    std::memcpy(&wire, body.data(), sizeof wire);
    return make(wire);
}

template <class Message>
Read read_session(Bytes body) {
    return read_as<WireSession>(body, [](const WireSession& wire) -> Read {
        auto session = session_of(wire);
        if (!session) return BfddpEvent::kBadSession;
        return Message{std::move(*session)};
    });
}

Read read_state(Bytes body) {
    return read_as<WireState>(body, [](const WireState& wire) -> Read {
        if (wire.state > static_cast<std::uint8_t>(BfdState::kUp)) return BfddpEvent::kBadSession;
        return BfddpState{.id = BfddpSessionId(wire.id.host()),
                          .state = static_cast<BfdState>(wire.state),
                          .remote = BfdDiscriminator(wire.remote.host()),
                          .remote_diagnostic = static_cast<BfdDiagnostic>(wire.diagnostic),
                          .remote_parameters = {.desired_min_tx_us = wire.desired_tx_us.host(),
                                                .required_min_rx_us = wire.required_rx_us.host(),
                                                .multiplier = wire.multiplier}};
    });
}

Read read_message(const WireHeader& header, Bytes body) {
    const std::uint16_t id = header.id.host();
    switch (header.type.host()) {
        case kEchoRequest:
        case kEchoReply:
            return read_as<WireEcho>(body, [&](const WireEcho& wire) -> Read {
                return BfddpEcho{.kind = header.type.host() == kEchoRequest
                                             ? BfddpEchoKind::kRequest
                                             : BfddpEchoKind::kReply,
                                 .message_id = id,
                                 .data_plane_time = wire.data_plane_time.host(),
                                 .bfdd_time = wire.bfdd_time.host()};
            });
        case kAddSession:
            return read_session<BfddpAdd>(body);
        case kDeleteSession:
            return read_session<BfddpDelete>(body);
        case kStateChange:
            return read_state(body);
        case kRequestCounters:
            return read_as<Be32>(body, [id](Be32 wire) -> Read {
                return BfddpCountersRequest{id, BfddpSessionId(wire.host())};
            });
        case kCounters:
            return read_as<WireCounters>(body, [id](const WireCounters& wire) -> Read {
                return BfddpTraffic{.message_id = id,
                                    .id = BfddpSessionId(wire.id.host()),
                                    .control = {.rx_bytes = wire.rx_bytes.host(),
                                                .rx_packets = wire.rx_packets.host(),
                                                .tx_bytes = wire.tx_bytes.host(),
                                                .tx_packets = wire.tx_packets.host()}};
            });
        default:
            return BfddpEvent::kUnknownType;
    }
}

}  // namespace

void write_bfddp(const BfddpMessage& message, std::vector<std::uint8_t>& bytes) {
    std::visit([&](const auto& one) { write(one, bytes); }, message);
}

void BfddpReader::append(std::span<const std::uint8_t> bytes) {
    if (is_lost_) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

std::optional<std::variant<BfddpMessage, BfddpEvent>> BfddpReader::next() {
    const Bytes ahead = Bytes(bytes_).subspan(begin_);
    WireHeader header;
    if (is_lost_ || ahead.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, ahead.data(), sizeof header);
    const std::size_t length = header.length.host();
    is_lost_ = true;
    if (header.version != kVersion) return BfddpEvent::kBadVersion;
    if (length < sizeof header) return BfddpEvent::kBadLength;
    if (length > kBfddpMessageBytesMax) return BfddpEvent::kOversize;
    is_lost_ = false;
    if (ahead.size() < length) return std::nullopt;
    begin_ += length;
    return read_message(header, ahead.first(length).subspan(sizeof header));
}

}  // namespace causeway
