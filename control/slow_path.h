// SPDX-License-Identifier: Apache-2.0
//
// SlowPath: what the control thread does with the packets that the workers hand up: ARP, echo, ICMP
// errors, fragments, and packets that wait for a neighbour.
//
// Thread safety: control thread only. It reads the FIB and the next hops as a worker does, so a
// packet of ours takes the way that a customer's would.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "control/attachments.h"
#include "control/icmp.h"
#include "control/neighbours.h"
#include "control/slow_counters.h"
#include "control/token_bucket.h"
#include "control/transmitter.h"
#include "dataplane/packet.h"
#include "fib/fib4.h"
#include "fib/next_hops.h"
#include "fib/rib.h"

namespace causeway {

// What one attachment may make us say, each kind on its own: one customer's flood of expired
// packets silences neither that customer's path-MTU discovery nor anybody else's.
struct SlowRates {
    TokenRate echo{.per_second = 1'000, .burst = 200};
    TokenRate time_exceeded{.per_second = 200, .burst = 50};
    TokenRate unreachable{.per_second = 200, .burst = 50};
    TokenRate fragmentation_needed{.per_second = 500, .burst = 100};
};

class SlowPath {
  public:
    SlowPath(Attachments& attachments, Neighbours& neighbours, const Fib4& fib,
             const NextHops& next_hops, const Rib4& rib, Transmitter& transmitter,
             SlowCounters& counters, const SlowRates& rates = {});

    // Takes care of one packet, as its note says why it came. Time is of any monotonic clock.
    void handle(Packet packet, std::uint64_t now_ns);

  private:
    struct Buckets {
        TokenBucket echo;
        TokenBucket time_exceeded;
        TokenBucket unreachable;
        TokenBucket fragmentation_needed;
    };

    void handle_arp(Packet packet, const Attachment& in, std::uint64_t now_ns);
    void handle_local(Packet packet, const Attachment& in, std::uint64_t now_ns);
    void handle_too_big(Packet packet, const Attachment& in, std::uint64_t now_ns);
    void handle_unresolved(Packet packet, const Attachment& in, std::uint64_t now_ns);
    // Or says that it needs fragmentation, where its sender forbids that.
    void forward_in_fragments(Packet packet, const Attachment& in, std::uint16_t mtu,
                              std::uint64_t now_ns);
    // The neighbour that a packet must wait for; nothing where nobody could answer.
    [[nodiscard]] std::optional<NeighbourKey> awaited(VrfId vrf,
                                                      std::span<const std::uint8_t> packet) const;
    void answer_with_error(Packet packet, const Attachment& in, IcmpError error, std::uint16_t mtu,
                           std::uint64_t now_ns);
    [[nodiscard]] bool may_send(IcmpError error, AttachmentId in, std::uint64_t now_ns);

    // Sends a packet (layer 3 at its front) of ours, or a customer's that waited, by the VRF's
    // routes.
    void route(Packet packet, VrfId vrf, std::uint64_t now_ns);
    [[nodiscard]] const Adjacency& way_of(VrfId vrf, std::span<const std::uint8_t> packet) const;

    Attachments& attachments_;
    Neighbours& neighbours_;
    const Fib4& fib_;
    const NextHops& next_hops_;
    const Rib4& rib_;
    Transmitter& transmitter_;
    SlowCounters& counters_;
    SlowRates rates_;
    std::vector<Buckets> buckets_ = std::vector<Buckets>(kAttachmentsMax);
};

}  // namespace causeway
