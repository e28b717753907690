// SPDX-License-Identifier: Apache-2.0
//
// Neighbours: who answers on which attachment, to ARP (RFC 826) or to Neighbour Discovery (RFC
// 4861), and what the next hops make of it. Both families share one table, one state machine and
// one queue of packets that wait; how each asks is in arp.h and neighbour_discovery.h.
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
// An IPv6 neighbour that has only spoken of itself, without having been asked, is kStale at once,
// and asked after kFirstProbeDelay: that it speaks does not prove that it hears us (RFC
// 4861 7.3.1).
//
// Every neighbour has a next hop (fib/next_hops.h) and, unless its address is link-local, a host
// route of source kConnected. The next hop is down while the attachment is not usable or the way
// to the neighbour has failed (so says BFD); else unresolved while the MAC is missing; else on
// standby while the attachment drains; else it forwards. Any change flips buckets before the call
// returns.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "control/router/attachments.h"
#include "control/router/ribs.h"
#include "control/slow_path/neighbour_discovery.h"
#include "control/slow_path/slow_counters.h"
#include "control/slow_path/token_bucket.h"
#include "control/slow_path/transmitter.h"
#include "dataplane/packet.h"
#include "fib/next_hops.h"

namespace causeway {

enum class ResolutionState : std::uint8_t { kIncomplete, kReachable, kStale };

// What BFD says of the way to a neighbour.
enum class PathState : std::uint8_t { kGood, kFailed };

struct NeighbourKey {
    AttachmentId attachment;
    IpAddress address;
    friend auto operator<=>(const NeighbourKey&, const NeighbourKey&) = default;
};

struct Neighbour {
    ResolutionState state = ResolutionState::kIncomplete;
    std::optional<MacAddress> mac;
    std::uint64_t confirmed_ns = 0;
    std::uint64_t probe_due_ns = 0;
    unsigned probes = 0;  // unanswered since it was last confirmed
    unsigned users = 0;   // routes and peerings that name it; 0: made by a packet
    PathState path = PathState::kGood;
    NextHopId next_hop;
    GroupId group;
    std::deque<Packet> pending;
};

// Who wants to know how a neighbour is reached.
class NeighbourWatcher {
  public:
    virtual ~NeighbourWatcher() = default;
    virtual void mac_learned(const NeighbourKey& key, const MacAddress& mac) = 0;
};

class Neighbours {
  public:
    static constexpr std::uint64_t kSecond = 1'000'000'000;
    static constexpr std::uint64_t kReachableTime = 30 * kSecond;
    static constexpr std::uint64_t kProbeInterval = kSecond;
    static constexpr std::uint64_t kFirstProbeDelay = 5 * kSecond;  // RFC 4861 10
    static constexpr unsigned kProbesMax = 3;
    // Packets that wait for neighbours of one attachment: who scans a subnet on one must leave room
    // for the others.
    static constexpr std::size_t kPendingPerAttachment = kPendingTotal / 16;
    // Neighbours of one attachment that our kernel may make us ask for. One that does not answer is
    // forgotten after three seconds, so there are a hundred at most.
    static constexpr TokenRate kWantRate{.per_second = 20, .burst = 40};

    Neighbours(Attachments& attachments, NextHops& next_hops, Ribs& ribs, Transmitter& transmitter,
               SlowCounters& counters);

    // For a route or a peering that names it: the next hop to build groups of. One release() each.
    [[nodiscard]] Result<NextHopId> acquire(NeighbourKey key, std::uint64_t now_ns);
    void release(NeighbourKey key);

    // The address has this MAC: so says its owner, in an answer or in any ARP packet to us.
    void learn(NeighbourKey key, const MacAddress& mac, std::uint64_t now_ns);
    // So says its owner in a neighbour solicitation (RFC 4861 7.2.3).
    void learn_from_solicitation(NeighbourKey key, const MacAddress& mac, std::uint64_t now_ns);
    // What a neighbour advertisement says of a neighbour that is known (RFC 4861 7.2.5).
    void learn_from_advertisement(NeighbourKey key, const NeighbourNotice& notice,
                                  std::uint64_t now_ns);

    // Our kernel wants to know it: asks, if it is not known yet. Bounded as packets are.
    void want(NeighbourKey key, std::uint64_t now_ns);
    [[nodiscard]] std::optional<MacAddress> mac_of(const NeighbourKey& key) const;
    // Is called for each MAC address that is learned, and for each that changes.
    using MacCallback = std::function<void(const NeighbourKey&, const MacAddress&)>;
    void on_mac(MacCallback callback) { mac_callback_ = std::move(callback); }

    // A packet (layer 3 at its front) for a neighbour whose MAC is not known.
    void hold(NeighbourKey key, Packet packet, std::uint64_t now_ns);

    // The attachment became usable or unusable, or its header changed.
    void attachment_changed(AttachmentId attachment, std::uint64_t now_ns);
    void set_path(NeighbourKey key, PathState path);
    // Forgets all of an attachment that is about to be removed. Routes that name them must be gone.
    void attachment_removed(AttachmentId attachment);

    // Asks, ages, forgets; to be called every twenty milliseconds or so.
    void tick(std::uint64_t now_ns);
    // Packets whose neighbour has not answered, since the last call: their senders are to be told
    // (RFC 1812 5.2.7.1, RFC 4861 7.2.2).
    [[nodiscard]] std::vector<Packet> take_given_up() { return std::exchange(given_up_, {}); }

    // It must outlive this.
    void set_watcher(NeighbourWatcher* watcher) noexcept { watcher_ = watcher; }
    // Grows whenever a next hop, or an attachment, may have changed its state.
    [[nodiscard]] std::uint64_t changes() const noexcept { return changes_; }
    [[nodiscard]] const std::map<NeighbourKey, Neighbour>& all() const noexcept { return table_; }

  private:
    using Entry = std::map<NeighbourKey, Neighbour>::iterator;

    [[nodiscard]] Result<Entry> make(NeighbourKey key, std::uint64_t now_ns);
    Entry forget(Entry entry);
    void ask(Entry entry, std::uint64_t now_ns);
    void announce(AttachmentId attachment);
    // `write` fills the room that it is given and returns a LinkMessage.
    template <class Write>
    void say(const Attachment& attachment, const Write& write);
    void confirm(Entry entry, const MacAddress& mac, std::uint64_t now_ns);
    void doubt(Entry entry, const MacAddress& mac, std::uint64_t now_ns);
    void set_mac(Entry entry, const MacAddress& mac);
    void update_next_hop(Entry entry);
    void send_pending(Entry entry);
    void give_up_pending(Entry entry);
    void drop_pending(Entry entry);
    void forget_pending(Entry entry);
    // False where it should be forgotten.
    [[nodiscard]] bool age(Entry entry, std::uint64_t now_ns);

    Attachments& attachments_;
    NextHops& next_hops_;
    Ribs& ribs_;
    Transmitter& transmitter_;
    SlowCounters& counters_;
    NeighbourWatcher* watcher_ = nullptr;
    std::uint64_t changes_ = 0;
    std::map<NeighbourKey, Neighbour> table_;
    std::size_t pending_total_ = 0;
    std::vector<std::uint16_t> pending_;  // of each attachment
    std::vector<Packet> given_up_;
    std::map<AttachmentId, TokenBucket> wants_;  // of the kernel's, for neighbours not known
    MacCallback mac_callback_;
};

}  // namespace causeway
