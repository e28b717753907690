// SPDX-License-Identifier: Apache-2.0
//
// What a packet's flow is called, and the time of the tables that remember flows.
#pragma once

#include <rte_cycles.h>

#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include "acl/names/flow_labels.h"
#include "acl/packet_view.h"
#include "dataplane/burst.h"
#include "dataplane/family.h"

namespace causeway {

// Something like seconds: of 0.5 to 2 of them.
[[nodiscard]] inline std::uint32_t flow_time() noexcept {
    constexpr unsigned kTicksShift = 31;
    return static_cast<std::uint32_t>(rte_rdtsc() >> kTicksShift);
}

// Of a packet of a customer's; the VRF is that of his attachment, whatever NAT makes of it, and the
// era that of the attachment's policy.
template <class Family>
[[nodiscard]] FlowName flow_name_of(const PacketMeta& meta, const AclPacket& packet, VrfId vrf,
                                    std::uint8_t era) noexcept {
    FlowName flow{.vrf = vrf, .protocol = packet.protocol, .era = era};
    const auto halves = [](auto address) noexcept {
        if constexpr (std::is_same_v<Family, Ipv4>) {
            return std::pair(std::uint64_t{0}, std::uint64_t{address.value()});
        } else {
            return std::pair(address.high(), address.low());
        }
    };
    std::tie(flow.source_high, flow.source_low) = halves(Family::source_of(meta));
    std::tie(flow.destination_high, flow.destination_low) = halves(Family::destination_of(meta));
    if (packet.ports) {
        flow.ports = std::uint32_t{packet.ports->source} << 16 | packet.ports->destination;
    }
    return flow;
}

}  // namespace causeway
