// SPDX-License-Identifier: Apache-2.0
//
// Neighbours: who answers ARP on which attachment (RFC 826), and what the next hops make of it.
//
// Thread safety: control thread only. Time is handed in, so that tests own the clock.
//
// A neighbour is made because a route or a peering names it (it is asked for ever, so that it is
// there before the first packet), or because a packet wants an address of a connected subnet (it is
// forgotten when it does not answer).
//
//              asked               answered              kReachableTime passes
//   kIncomplete ------> kIncomplete --------> kReachable --------------------> kStale
//        ^                                        ^            answered           |
//        +---- kProbesMax unanswered probes ------+-------------------------------+
//
// Every neighbour has a next hop (fib/next_hops.h) and a host route of source kConnected. The next
// hop forwards while the MAC is known and the attachment usable; is unresolved while only the MAC
// is missing; is down otherwise. Any change flips buckets before the call returns.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "control/attachments.h"
#include "control/slow_counters.h"
#include "control/transmitter.h"
#include "dataplane/packet.h"
#include "fib/next_hops.h"
#include "fib/rib.h"

namespace causeway {

enum class ArpState : std::uint8_t { kIncomplete, kReachable, kStale };

struct NeighbourKey {
    AttachmentId attachment;
    Ipv4Address address;
    friend auto operator<=>(const NeighbourKey&, const NeighbourKey&) = default;
};

struct Neighbour {
    ArpState state = ArpState::kIncomplete;
    std::optional<MacAddress> mac;
    std::uint64_t confirmed_ns = 0;
    std::uint64_t probe_due_ns = 0;
    unsigned probes = 0;  // unanswered since it was last confirmed
    unsigned users = 0;   // routes and peerings that name it; 0: made by a packet
    NextHopId next_hop;
    GroupId group;
    std::deque<Packet> pending;
};

class Neighbours {
  public:
    static constexpr std::uint64_t kSecond = 1'000'000'000;
    static constexpr std::uint64_t kReachableTime = 30 * kSecond;
    static constexpr std::uint64_t kProbeInterval = kSecond;
    static constexpr unsigned kProbesMax = 3;

    Neighbours(Attachments& attachments, NextHops& next_hops, Rib4& rib, Transmitter& transmitter,
               SlowCounters& counters);

    // For a route or a peering that names it: the next hop to build groups of. One release() each.
    [[nodiscard]] Result<NextHopId> acquire(NeighbourKey key, std::uint64_t now_ns);
    void release(NeighbourKey key);

    // An ARP packet said that the address has this MAC.
    void learn(NeighbourKey key, const MacAddress& mac, std::uint64_t now_ns);

    // A packet (layer 3 at its front) for a neighbour whose MAC is not known.
    void hold(NeighbourKey key, Packet packet, std::uint64_t now_ns);

    // The attachment became usable or unusable, or its header changed.
    void attachment_changed(AttachmentId attachment, std::uint64_t now_ns);
    // Forgets all of an attachment that is about to be removed. Routes that name them must be gone.
    void attachment_removed(AttachmentId attachment);

    // Asks, ages, forgets; to be called every twenty milliseconds or so.
    void tick(std::uint64_t now_ns);

    [[nodiscard]] const std::map<NeighbourKey, Neighbour>& all() const noexcept { return table_; }

  private:
    using Entry = std::map<NeighbourKey, Neighbour>::iterator;

    [[nodiscard]] Result<Entry> make(NeighbourKey key, std::uint64_t now_ns);
    Entry forget(Entry entry);
    void ask(Entry entry, std::uint64_t now_ns);
    void announce(AttachmentId attachment);
    void send_request(const Attachment& attachment, Ipv4Address target, const MacAddress& to);
    void update_next_hop(Entry entry);
    void send_pending(Entry entry);
    void drop_pending(Entry entry);
    // False where it should be forgotten.
    [[nodiscard]] bool age(Entry entry, std::uint64_t now_ns);

    Attachments& attachments_;
    NextHops& next_hops_;
    Rib4& rib_;
    Transmitter& transmitter_;
    SlowCounters& counters_;
    std::map<NeighbourKey, Neighbour> table_;
    std::size_t pending_total_ = 0;
};

}  // namespace causeway
