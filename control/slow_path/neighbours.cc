// SPDX-License-Identifier: Apache-2.0
#include "control/slow_path/neighbours.h"

#include <utility>
#include <variant>

#include "base/check.h"
#include "base/headers.h"
#include "base/ipv6.h"
#include "control/slow_path/arp.h"
#include "control/slow_path/ip_family.h"

namespace causeway {
namespace {

bool is_ipv6(const IpAddress& address) noexcept {
    return std::holds_alternative<Ipv6Address>(address);
}

// Every link has the same link-local addresses, so a VRF's routes cannot tell them apart.
bool has_host_route(const IpAddress& address) noexcept {
    return !is_ipv6(address) || !is_link_local(std::get<Ipv6Address>(address));
}

EtherType type_of(const IpAddress& address) noexcept {
    return is_ipv6(address) ? EtherType::kIpv6 : EtherType::kIpv4;
}

}  // namespace

Neighbours::Neighbours(Attachments& attachments, NextHops& next_hops, Ribs& ribs,
                       Transmitter& transmitter, SlowCounters& counters)
    : attachments_(attachments),
      next_hops_(next_hops),
      ribs_(ribs),
      transmitter_(transmitter),
      counters_(counters),
      pending_(kAttachmentsMax) {}

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
        has_host_route(key.address)
            ? ribs_.add(attachment->vrf, host_prefix(key.address), RouteSource::kConnected, *group)
            : ok();
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
    ++changes_;
    drop_pending(entry);
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment != nullptr && has_host_route(entry->first.address)) {
        (void)ribs_.remove(attachment->vrf, host_prefix(entry->first.address),
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
    confirm(entry, mac, now_ns);
}

void Neighbours::learn_from_solicitation(NeighbourKey key, const MacAddress& mac,
                                         std::uint64_t now_ns) {
    Entry entry = table_.find(key);
    if (entry == table_.end()) {
        const auto made = make(key, now_ns);
        if (!made) return;
        entry = *made;
    }
    if (entry->second.mac != mac) doubt(entry, mac, now_ns);
}

void Neighbours::learn_from_advertisement(NeighbourKey key, const NeighbourNotice& notice,
                                          std::uint64_t now_ns) {
    const Entry entry = table_.find(key);
    if (entry == table_.end()) return;
    Neighbour& neighbour = entry->second;
    if (!neighbour.mac && !notice.mac) return;
    const MacAddress mac = notice.mac ? *notice.mac : *neighbour.mac;
    if (neighbour.mac && *neighbour.mac != mac && !notice.overrides) {
        // Not believed, but a reason to ask whom we know.
        if (neighbour.state == ResolutionState::kReachable) doubt(entry, *neighbour.mac, now_ns);
    } else if (notice.is_solicited) {
        confirm(entry, mac, now_ns);
    } else if (neighbour.mac != mac) {
        doubt(entry, mac, now_ns);
    }
}

void Neighbours::confirm(Entry entry, const MacAddress& mac, std::uint64_t now_ns) {
    Neighbour& neighbour = entry->second;
    neighbour.state = ResolutionState::kReachable;
    neighbour.confirmed_ns = now_ns;
    neighbour.probe_due_ns = now_ns + kReachableTime;
    neighbour.probes = 0;
    set_mac(entry, mac);
}

void Neighbours::doubt(Entry entry, const MacAddress& mac, std::uint64_t now_ns) {
    Neighbour& neighbour = entry->second;
    neighbour.state = ResolutionState::kStale;
    neighbour.confirmed_ns = now_ns;
    neighbour.probe_due_ns = now_ns + kFirstProbeDelay;
    neighbour.probes = 0;
    set_mac(entry, mac);
}

void Neighbours::set_mac(Entry entry, const MacAddress& mac) {
    Neighbour& neighbour = entry->second;
    const bool is_news = neighbour.mac != mac;
    neighbour.mac = mac;
    const bool of_ipv6 = is_ipv6(entry->first.address);
    counters_.count(of_ipv6 ? SlowEvent::kNdLearned : SlowEvent::kArpLearned);
    // Where there was no slot for its adjacency the last time, there may be one now.
    const bool forwards = next_hops_.info(neighbour.next_hop).state == NextHopState::kForwarding;
    if (is_news || !forwards) update_next_hop(entry);
    if (is_news && mac_callback_) mac_callback_(entry->first, mac);
    if (is_news && watcher_ != nullptr) watcher_->mac_learned(entry->first, mac);
    send_pending(entry);
}

void Neighbours::hold(NeighbourKey key, Packet packet, std::uint64_t now_ns) {
    // Before anything is made: who scans a /64 finds as many neighbours as packets may wait, and no
    // more (RFC 6583 7).
    std::uint16_t& pending = pending_[key.attachment.value()];
    if (pending_total_ >= kPendingTotal || pending >= kPendingPerAttachment) {
        return counters_.count(SlowEvent::kPendingFull);
    }
    Entry entry = table_.find(key);
    if (entry == table_.end()) {
        const auto made = make(key, now_ns);
        if (!made) return counters_.count(SlowEvent::kNoWayOut);
        entry = *made;
        ask(entry, now_ns);
    }
    Neighbour& neighbour = entry->second;
    if (neighbour.pending.size() >= kPendingPerNeighbour) {
        return counters_.count(SlowEvent::kPendingFull);
    }
    neighbour.pending.push_back(std::move(packet));
    ++pending_total_;
    ++pending;
    counters_.count(SlowEvent::kPendingHeld);
    // The answer may have come between the worker's look and ours.
    if (neighbour.mac) send_pending(entry);
}

void Neighbours::want(NeighbourKey key, std::uint64_t now_ns) {
    if (table_.contains(key) || !wants_[key.attachment].take(now_ns, kWantRate)) return;
    const auto made = make(key, now_ns);
    if (made) ask(*made, now_ns);
}

std::optional<MacAddress> Neighbours::mac_of(const NeighbourKey& key) const {
    const auto found = table_.find(key);
    return found == table_.end() ? std::nullopt : found->second.mac;
}

void Neighbours::attachment_changed(AttachmentId attachment, std::uint64_t now_ns) {
    ++changes_;
    announce(attachment);
    for (Entry entry = table_.lower_bound({attachment, IpAddress()});
         entry != table_.end() && entry->first.attachment == attachment; ++entry) {
        update_next_hop(entry);
        // After an outage the far end may be another device: believe the old MAC, but ask at once.
        entry->second.probe_due_ns = now_ns;
    }
}

// Tells the far end where we are: its own first question may have gone out before our side of the
// link was up, and it would not ask again for a second.
void Neighbours::announce(AttachmentId id) {
    const Attachment* attachment = attachments_.find(id);
    if (attachment == nullptr || !attachment->is_usable()) return;
    say(*attachment, [&](auto room) { return write_arp_announcement(room, *attachment); });
    if (!attachment->ipv6) return;
    for (const Ipv6Address ours : {attachment->ipv6->address, attachment->link_local()}) {
        say(*attachment, [&](auto room) { return write_nd_announcement(room, *attachment, ours); });
    }
}

void Neighbours::attachment_removed(AttachmentId attachment) {
    for (Entry entry = table_.lower_bound({attachment, IpAddress()});
         entry != table_.end() && entry->first.attachment == attachment;) {
        entry = forget(entry);
    }
    wants_.erase(attachment);
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
        return neighbour.users > 0 || neighbour.mac.has_value();
    }
    if (neighbour.probes >= kProbesMax) {
        give_up_pending(entry);
        if (neighbour.users == 0) return false;
        if (neighbour.mac) {
            neighbour.mac.reset();
            update_next_hop(entry);
        }
        neighbour.state = ResolutionState::kIncomplete;
    } else if (neighbour.state == ResolutionState::kReachable) {
        neighbour.state = ResolutionState::kStale;
    }
    ask(entry, now_ns);
    return true;
}

void Neighbours::ask(Entry entry, std::uint64_t now_ns) {
    Neighbour& neighbour = entry->second;
    neighbour.probe_due_ns = now_ns + kProbeInterval;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment == nullptr || !attachment->is_usable()) return;
    if (neighbour.probes < kProbesMax) ++neighbour.probes;
    say(*attachment, [&](auto room) {
        return std::visit(
            [&](auto target) { return write_question(room, *attachment, target, neighbour.mac); },
            entry->first.address);
    });
}

template <class Write>
void Neighbours::say(const Attachment& attachment, const Write& write) {
    auto packet = transmitter_.make_packet();
    if (!packet || !packet->resize(kLinkMessageBytesMax)) {
        counters_.count(SlowEvent::kNoBuffer);
        return;
    }
    const LinkMessage message = write(packet->bytes());
    CHECK(packet->resize(message.bytes));
    CHECK(packet->prepend(attachment.header(message.to, message.type).view()));
    if (!transmitter_.send(std::move(*packet), attachment)) {
        counters_.count(SlowEvent::kInjectFull);
    }
}

void Neighbours::set_path(NeighbourKey key, PathState path) {
    const Entry entry = table_.find(key);
    if (entry == table_.end() || entry->second.path == path) return;
    entry->second.path = path;
    update_next_hop(entry);
}

void Neighbours::update_next_hop(Entry entry) {
    ++changes_;
    const Neighbour& neighbour = entry->second;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    const bool has_failed = neighbour.path == PathState::kFailed;
    if (attachment == nullptr || !attachment->is_usable() || has_failed) {
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
    adjacency.set_header(attachment->header(*neighbour.mac, type_of(entry->first.address)).view());
    const Status set = attachment->is_draining
                           ? next_hops_.set_standby(neighbour.next_hop, adjacency)
                           : next_hops_.set_forwarding(neighbour.next_hop, adjacency);
    if (!set) {
        next_hops_.set_unresolved(neighbour.next_hop);  // no slot: tried again at the next answer
    }
}

void Neighbours::send_pending(Entry entry) {
    Neighbour& neighbour = entry->second;
    const Attachment* attachment = attachments_.find(entry->first.attachment);
    if (attachment == nullptr || !attachment->is_usable() || !neighbour.mac) return;
    const FrameHeader header = attachment->header(*neighbour.mac, type_of(entry->first.address));
    for (Packet& packet : neighbour.pending) {
        const bool sent =
            packet.prepend(header.view()) && transmitter_.send(std::move(packet), *attachment);
        counters_.count(sent ? SlowEvent::kPendingSent : SlowEvent::kInjectFull);
    }
    forget_pending(entry);
}

void Neighbours::give_up_pending(Entry entry) {
    for (Packet& packet : entry->second.pending) given_up_.push_back(std::move(packet));
    drop_pending(entry);
}

void Neighbours::drop_pending(Entry entry) {
    counters_.count(SlowEvent::kPendingExpired, entry->second.pending.size());
    forget_pending(entry);
}

void Neighbours::forget_pending(Entry entry) {
    std::deque<Packet>& pending = entry->second.pending;
    pending_total_ -= pending.size();
    std::uint16_t& of_attachment = pending_[entry->first.attachment.value()];
    of_attachment = static_cast<std::uint16_t>(of_attachment - pending.size());
    pending.clear();
}

}  // namespace causeway
