// SPDX-License-Identifier: Apache-2.0
//
// SlowPath: what the control thread does with the packets that the workers hand up: ARP, Neighbour
// Discovery, echo, ICMP errors, fragments, and packets that wait for a neighbour.
//
// Thread safety: control thread only. It reads the FIBs and the next hops as a worker does, so a
// packet of ours takes the way that a customer's would.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "control/host/host_stack.h"
#include "control/router/attachments.h"
#include "control/slow_path/icmp.h"
#include "control/slow_path/neighbour_listener.h"
#include "control/slow_path/neighbours.h"
#include "control/slow_path/slow_counters.h"
#include "control/slow_path/token_bucket.h"
#include "control/slow_path/transmitter.h"
#include "dataplane/exit.h"
#include "dataplane/packet.h"
#include "fib/fib4.h"
#include "fib/fib6.h"
#include "fib/next_hops.h"

namespace causeway {

// What one attachment may make us say in each family, each kind on its own: one customer's flood of
// expired packets silences neither that customer's path-MTU discovery nor anybody else's.
struct SlowRates {
    TokenRate echo{.per_second = 1'000, .burst = 200};
    TokenRate time_exceeded{.per_second = 200, .burst = 50};
    TokenRate unreachable{.per_second = 200, .burst = 50};
    TokenRate too_big{.per_second = 500, .burst = 100};
};

class SlowPath {
  public:
    SlowPath(Attachments& attachments, Neighbours& neighbours, const Fib4& fib4, const Fib6& fib6,
             const NextHops& next_hops, Transmitter& transmitter, SlowCounters& counters,
             const SlowRates& rates = {});

    // Gives what is addressed to us, and what the daemon does not answer itself, to the kernel from
    // now on: of the attachments that `host` has.
    void attach(HostStack& host) noexcept { host_ = &host; }

    // Takes care of one packet, as its note says why it came. Time is of any monotonic clock.
    void handle(Packet packet, std::uint64_t now_ns);

    // Tells the sender of a packet that its neighbour does not answer; nobody where it is ours.
    void give_up(Packet packet, std::uint64_t now_ns);

  private:
    struct Buckets {
        TokenBucket echo;
        TokenBucket time_exceeded;
        TokenBucket unreachable;
        TokenBucket too_big;
    };

    // Of one family, from here on; slow_packet.h has what differs.
    template <class Address>
    void handle_ip(Packet packet, const Attachment& in, Exit exit, std::uint64_t now_ns);
    template <class Address>
    void give_up_on(Packet packet, const Attachment& in, std::uint64_t now_ns);
    template <class Address>
    void handle_local(Packet packet, const Attachment& in, std::uint64_t now_ns);
    void hand_up(Packet packet, const Attachment& in, EtherType type);
    template <class Address>
    void handle_too_big(Packet packet, const Attachment& in, std::uint64_t now_ns);
    template <class Address>
    void handle_unresolved(Packet packet, const Attachment& in, std::uint64_t now_ns);
    // Or says that it is too big, where nobody but its sender may part it.
    template <class Address>
    void forward_in_fragments(Packet packet, const Attachment& in, std::uint16_t mtu,
                              std::uint64_t now_ns);
    template <class Address>
    void answer_with_error(Packet packet, const Attachment& in, IcmpError error, std::uint16_t mtu,
                           std::uint64_t now_ns);
    template <class Address>
    [[nodiscard]] Buckets& buckets_of(AttachmentId in) noexcept;
    [[nodiscard]] bool may_send(IcmpError error, Buckets& buckets, std::uint64_t now_ns);

    // Whose routes a packet takes: a customer's, those that the walk would have taken; one of ours,
    // those of `in`, or of the inside of its NAT.
    template <class Address>
    [[nodiscard]] static VrfId vrf_of(Packet& packet, const Attachment& in);
    // Sends a packet (layer 3 at its front) of ours, or a customer's that waited, by the routes of
    // its VRF; to a link-local address, over `in` itself.
    template <class Address>
    void route(Packet packet, const Attachment& in, std::uint64_t now_ns);
    // The neighbour that a packet must wait for; nothing where nobody could answer.
    template <class Address>
    [[nodiscard]] std::optional<NeighbourKey> awaited(VrfId vrf, Address destination) const;
    template <class Address>
    [[nodiscard]] GroupId group_of(VrfId vrf, Address destination) const;
    template <class Address>
    [[nodiscard]] const Adjacency& way_of(VrfId vrf, std::span<const std::uint8_t> packet) const;

    Attachments& attachments_;
    Neighbours& neighbours_;
    NeighbourListener listener_;
    const Fib4& fib4_;
    const Fib6& fib6_;
    const NextHops& next_hops_;
    Transmitter& transmitter_;
    SlowCounters& counters_;
    HostStack* host_ = nullptr;  // nobody listens
    SlowRates rates_;
    std::vector<Buckets> ipv4_buckets_ = std::vector<Buckets>(kAttachmentsMax);
    std::vector<Buckets> ipv6_buckets_ = std::vector<Buckets>(kAttachmentsMax);
};

}  // namespace causeway
