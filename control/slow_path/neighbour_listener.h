// SPDX-License-Identifier: Apache-2.0
//
// NeighbourListener: what is done with the ARP and the Neighbour Discovery that neighbours send us:
// questions about our addresses are answered, and what a neighbour says of itself is believed where
// it concerns us.
//
// Thread safety: control thread only.
//
// Who is believed: the customer's address on an edge, any host of the subnet on the core. A
// link-local neighbour is answered, but remembered only where a packet of ours waits for it, for
// there is no end of link-local addresses that one station can claim.
#pragma once

#include <cstdint>

#include "control/router/attachments.h"
#include "control/slow_path/arp.h"
#include "control/slow_path/neighbour_discovery.h"
#include "control/slow_path/neighbours.h"
#include "control/slow_path/slow_counters.h"
#include "control/slow_path/transmitter.h"
#include "dataplane/packet.h"

namespace causeway {

// Whether the address may be a neighbour's there.
[[nodiscard]] bool may_be_neighbour(const Attachment& in, Ipv4Address address) noexcept;
// REQUIRES: the attachment has IPv6.
[[nodiscard]] bool may_be_neighbour(const Attachment& in, Ipv6Address address) noexcept;

class NeighbourListener {
  public:
    NeighbourListener(Neighbours& neighbours, Transmitter& transmitter, SlowCounters& counters)
        : neighbours_(neighbours), transmitter_(transmitter), counters_(counters) {}

    // The packet begins with layer 3, here and below.
    void hear_arp(Packet packet, const Attachment& in, std::uint64_t now_ns);
    void hear_nd(Packet packet, const Attachment& in, std::uint64_t now_ns);

  private:
    void hear_solicitation(Packet packet, const NeighbourNotice& notice, const Attachment& in,
                           std::uint64_t now_ns);
    void hear_advertisement(const NeighbourNotice& notice, const Attachment& in,
                            std::uint64_t now_ns);
    // Sends what `write` makes in the room of the packet that asked.
    template <class Write>
    void answer(Packet packet, const Attachment& in, SlowEvent answered, const Write& write);

    Neighbours& neighbours_;
    Transmitter& transmitter_;
    SlowCounters& counters_;
};

}  // namespace causeway
