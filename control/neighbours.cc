// SPDX-License-Identifier: Apache-2.0
#include "control/neighbours.h"

#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/headers.h"
#include "base/text.h"

namespace causeway {
namespace {

constexpr Ipv4Prefix host_prefix(Ipv4Address address) noexcept {
    return Ipv4Prefix::of(address, 32);
}

ArpHeader arp_request(const Attachment& attachment, Ipv4Address target) {
    return {.hardware_type = Be16(1),
            .protocol_type = Be16(static_cast<std::uint16_t>(EtherType::kIpv4)),
            .hardware_length = 6,
            .protocol_length = 4,
            .operation = Be16(static_cast<std::uint16_t>(ArpOperation::kRequest)),
            .sender_mac = attachment.mac,
            .sender_address = Be32(attachment.address.value()),
            .target_mac = {},
            .target_address = Be32(target.value())};
}

}  // namespace

Neighbours::Neighbours(Attachments& attachments, NextHops& next_hops, Rib4& rib,
                       Transmitter& transmitter, SlowCounters& counters)
    : attachments_(attachments),
      next_hops_(next_hops),
      rib_(rib),
      transmitter_(transmitter),
      counters_(counters) {}

Result<NextHopId> Neighbours::acquire(NeighbourKey key, std::uint64_t now_ns) {
    Entry entry = table_.find(key);
    if (entry == table_.end()) {
        auto made = make(key, now_ns);
        if (!made) return Unexpected(made.error());
        entry = *made;
    }
    ++entry->second.users;
    return entry->second.next_hop;
}

void Neighbours::release(NeighbourKey key) {
    const Entry entry = table_.find(key);
    CHECK(entry != table_.end());
    CHECK(entry->second.users > 0);
    // One that still answers stays until it does not: packets may be using it.
    if (--entry->second.users == 0 && !entry->second.mac) forget(entry);
}

Result<Neighbours::Entry> Neighbours::make(NeighbourKey key, std::uint64_t now_ns) {
    const Attachment* attachment = attachments_.find(key.attachment);
    CHECK(attachment != nullptr);
    const auto next_hop = next_hops_.acquire(key.attachment, key.address);
    if (!next_hop) return Unexpected(next_hop.error());
    const GroupMember member{.next_hop = *next_hop, .weight = 1};
    const auto group = next_hops_.acquire_group({&member, 1});
    if (!group) {
        next_hops_.release(*next_hop);
        return Unexpected(group.error());
    }
    const Status added =
        rib_.add(attachment->vrf, host_prefix(key.address), RouteSource::kConnected, *group);
    if (!added) {
        next_hops_.release_group(*group);
        next_hops_.release(*next_hop);
        return Unexpected(added.error());
    }
    const Entry entry = table_.try_emplace(key).first;
    entry->second.next_hop = *next_hop;
    entry->second.group = *group;
    entry->second.probe_due_ns = now_ns;
    update_next_hop(entry);
    return entry;
}

Neighbours::Entry Neighbours::forget(Entry entry) {
    drop_pending(entry);
    if (const Attachment* attachment = attachments_.find(entry->first.attachment)) {
        (void)rib_.remove(attachment->vrf, host_prefix(entry->first.address),
                          RouteSource::kConnected);
    }
    next_hops_.release_group(entry->second.group);
    next_hops_.release(entry->second.next_hop);
    return table_.erase(entry);
}

void Neighbours::learn(NeighbourKey key, const MacAddress& mac, std::uint64_t now_ns) {
    Entry entry = table_.find(key);
    if (entry == table_.end()) {
        const auto made = make(key, now_ns);
        if (!made) return;  // full: it will be asked again when a packet wants it
        entry = *made;
    }
    Neighbour& neighbour = entry->second;
    const bool is_news = neighbour.mac != mac;
    neighbour.mac = mac;
    neighbour.state = ArpState::kReachable;
    neighbour.confirmed_ns = now_ns;
    neighbour.probe_due_ns = now_ns + kReachableTime;
    neighbour.probes = 0;
    counters_.count(SlowEvent::kArpLearned);
    // Where there was no slot for its adjacency the last time, there may be one now.
    const bool forwards = next_hops_.info(neighbour.next_hop).state == NextHopState::kForwarding;
    if (is_news || !forwards) update_next_hop(entry);
    send_pending(entry);
}

void Neighbours::hold(NeighbourKey key, Packet packet, std::uint64_t now_ns) {
    Entry entry = table_.find(key);
    if (entry == table_.end()) {
        const auto made = make(key, now_ns);
        if (!made) {
            counters_.count(SlowEvent::kNoWayOut);
            return;
        }
        entry = *made;
        ask(entry, now_ns);
    }
    Neighbour& neighbour = entry->second;
    if (neighbour.pending.size() >= kPendingPerNeighbour || pending_total_ >= kPendingTotal) {
        counters_.count(SlowEvent::kPendingFull);
        return;
    }
    neighbour.pending.push_back(std::move(packet));
    ++pending_total_;
    counters_.count(SlowEvent::kPendingHeld);
    // The answer may have come between the worker's look and ours.
    if (neighbour.mac) send_pending(entry);
}

void Neighbours::attachment_changed(AttachmentId attachment, std::uint64_t now_ns) {
    announce(attachment);
    for (Entry entry = table_.lower_bound({attachment, Ipv4Address(0)});
         entry != table_.end() && entry->first.attachment == attachment; ++entry) {
        update_next_hop(entry);
        // After an outage the far end may be another device: believe the old MAC, but ask at once.
        entry->second.probe_due_ns = now_ns;
    }
}

// Tells the far end where we are (RFC 5227 3, ARP announcement): its own first question may have
// gone out before our side of the link was up, and it would not ask again for a second.
void Neighbours::announce(AttachmentId id) {
    const Attachment* attachment = attachments_.find(id);
    if (attachment == nullptr || !attachment->is_usable()) return;
    send_request(*attachment, attachment->address, kBroadcastMac);
}

void Neighbours::attachment_removed(AttachmentId attachment) {
    for (Entry entry = table_.lower_bound({attachment, Ipv4Address(0)});
         entry != table_.end() && entry->first.attachment == attachment;) {
        entry = forget(entry);
    }
}

void Neighbours::tick(std::uint64_t now_ns) {
    for (Entry entry = table_.begin(); entry != table_.end();) {
        entry = age(entry, now_ns) ? std::next(entry) : forget(entry);
    }
}

bool Neighbours::age(Entry entry, std::uint64_t now_ns) {
    Neighbour& neighbour = entry->second;
    if (now_ns < neighbour.probe_due_ns) return true;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment == nullptr || !attachment->is_usable()) {
        neighbour.probe_due_ns = now_ns + kProbeInterval;
        drop_pending(entry);
        return true;
    }
    if (neighbour.probes >= kProbesMax) {
        drop_pending(entry);
        if (neighbour.users == 0) return false;
        if (neighbour.mac) {
            neighbour.mac.reset();
            update_next_hop(entry);
        }
        neighbour.state = ArpState::kIncomplete;
    } else if (neighbour.state == ArpState::kReachable) {
        neighbour.state = ArpState::kStale;
    }
    ask(entry, now_ns);
    return true;
}

// Broadcast while the MAC is unknown, else to its owner alone (RFC 1122 2.3.2.1, unicast poll).
void Neighbours::ask(Entry entry, std::uint64_t now_ns) {
    Neighbour& neighbour = entry->second;
    neighbour.probe_due_ns = now_ns + kProbeInterval;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment == nullptr || !attachment->is_usable()) return;
    if (neighbour.probes < kProbesMax) ++neighbour.probes;
    send_request(*attachment, entry->first.address, neighbour.mac.value_or(kBroadcastMac));
}

void Neighbours::send_request(const Attachment& attachment, Ipv4Address target,
                              const MacAddress& to) {
    auto packet = transmitter_.make_packet();
    if (!packet || !packet->resize(sizeof(ArpHeader))) {
        counters_.count(SlowEvent::kNoBuffer);
        return;
    }
    const ArpHeader request = arp_request(attachment, target);
    std::memcpy(packet->bytes().data(), &request, sizeof request);
    CHECK(packet->prepend(attachment.header(to, EtherType::kArp).view()));
    if (!transmitter_.send(std::move(*packet), attachment)) {
        counters_.count(SlowEvent::kInjectFull);
    }
}

void Neighbours::update_next_hop(Entry entry) {
    const Neighbour& neighbour = entry->second;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment == nullptr || !attachment->is_usable()) {
        next_hops_.set_down(neighbour.next_hop);
        return;
    }
    if (!neighbour.mac) {
        next_hops_.set_unresolved(neighbour.next_hop);
        return;
    }
    Adjacency adjacency;
    adjacency.kind = AdjacencyKind::kForward;
    adjacency.port = attachment->port;
    adjacency.attachment = attachment->id;
    adjacency.mtu = attachment->mtu;
    adjacency.set_header(attachment->header(*neighbour.mac, EtherType::kIpv4).view());
    if (!next_hops_.set_forwarding(neighbour.next_hop, adjacency)) {
        next_hops_.set_unresolved(neighbour.next_hop);  // no slot: tried again at the next answer
    }
}

void Neighbours::send_pending(Entry entry) {
    Neighbour& neighbour = entry->second;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment == nullptr || !attachment->is_usable() || !neighbour.mac) return;
    const FrameHeader header = attachment->header(*neighbour.mac, EtherType::kIpv4);
    for (Packet& packet : neighbour.pending) {
        const bool sent =
            packet.prepend(header.view()) && transmitter_.send(std::move(packet), *attachment);
        counters_.count(sent ? SlowEvent::kPendingSent : SlowEvent::kInjectFull);
    }
    pending_total_ -= neighbour.pending.size();
    neighbour.pending.clear();
}

void Neighbours::drop_pending(Entry entry) {
    counters_.count(SlowEvent::kPendingExpired, entry->second.pending.size());
    pending_total_ -= entry->second.pending.size();
    entry->second.pending.clear();
}

}  // namespace causeway
