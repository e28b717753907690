// SPDX-License-Identifier: Apache-2.0
//
// The words of NAT44. "Inside" is the customer's private side, "outside" the public one, "remote"
// the host that an inside host talks to. A port is that of TCP or UDP, or the identifier of an ICMP
// query (RFC 5508 3.1 treats it as one).
#pragma once

#include <cstdint>

#include "base/types.h"

namespace causeway {

// A circuit's pool of public addresses, and with it the circuit's own private address space.
using NatPoolId = Id<struct NatPoolTag, std::uint16_t>;

// Seconds of a clock that only goes forward. All timers of the NAT count in it.
using NatSeconds = std::uint32_t;

enum class NatProtocol : std::uint8_t { kTcp, kUdp, kIcmp };
inline constexpr std::size_t kNatProtocols = 3;

enum class NatDirection : std::uint8_t { kOutbound, kInbound };

struct Endpoint {
    Ipv4Address address;
    std::uint16_t port = 0;
    friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// What a session is found by. From inside: the pool, the inside endpoint and the remote one. From
// outside: no pool, because a public address belongs to one, the outside endpoint and the remote
// one. An ICMP query has no remote port.
//
//   addresses   own 63..32 | remote 31..0
//   rest        pool 63..48 | protocol 39..32 | own port 31..16 | remote port 15..0
struct FlowKey {
    std::uint64_t addresses = 0;
    std::uint64_t rest = 0;

    [[nodiscard]] static constexpr FlowKey inside(NatPoolId pool, NatProtocol protocol,
                                                  Endpoint own, Endpoint remote) noexcept {
        FlowKey key = outside(protocol, own, remote);
        key.rest |= (std::uint64_t{pool.value()} + 1) << 48;
        return key;
    }
    [[nodiscard]] static constexpr FlowKey outside(NatProtocol protocol, Endpoint own,
                                                   Endpoint remote) noexcept {
        return {std::uint64_t{own.address.value()} << 32 | remote.address.value(),
                std::uint64_t{static_cast<std::uint8_t>(protocol)} << 32 |
                    std::uint64_t{own.port} << 16 | remote.port};
    }
    [[nodiscard]] constexpr Endpoint own() const noexcept {
        return {Ipv4Address(static_cast<std::uint32_t>(addresses >> 32)),
                static_cast<std::uint16_t>(rest >> 16)};
    }
    [[nodiscard]] constexpr Endpoint remote() const noexcept {
        return {Ipv4Address(static_cast<std::uint32_t>(addresses)),
                static_cast<std::uint16_t>(rest)};
    }
    [[nodiscard]] constexpr NatProtocol protocol() const noexcept {
        return static_cast<NatProtocol>(rest >> 32 & 0xffU);
    }
    // REQUIRES: a key from inside.
    [[nodiscard]] constexpr NatPoolId pool() const noexcept {
        return NatPoolId(static_cast<std::uint16_t>((rest >> 48) - 1));
    }
    // REQUIRES: a key from inside. The flow's key from outside, of which this is the endpoint.
    [[nodiscard]] constexpr FlowKey seen_from_outside(Endpoint endpoint) const noexcept {
        return outside(protocol(), endpoint, remote());
    }
    friend constexpr bool operator==(const FlowKey&, const FlowKey&) = default;
};
static_assert(sizeof(FlowKey) == 16);

// Pools number to 65,534: one more than the largest must fit the key's sixteen bits.
inline constexpr std::size_t kNatPoolsMax = 8'192;
static_assert(kNatPoolsMax < 65'535);

}  // namespace causeway
