// SPDX-License-Identifier: Apache-2.0
#include "control/router/bfd_watch.h"

#include <utility>

#include "base/text.h"
#include "control/log/log.h"

namespace causeway {
namespace {

EtherType type_of(const IpAddress& address) {
    return std::holds_alternative<Ipv4Address>(address) ? EtherType::kIpv4 : EtherType::kIpv6;
}

// Calls visit(our address, its address) for each family in which the attachment has a peer.
template <class Visit>
void each_peer(const Attachment& attachment, const Visit& visit) {
    if (attachment.peer) visit(IpAddress(attachment.address), IpAddress(*attachment.peer));
    if (attachment.ipv6 && attachment.ipv6->peer)
        visit(IpAddress(attachment.ipv6->address), IpAddress(*attachment.ipv6->peer));
}

}  // namespace

BfdWatch::BfdWatch(BfdRunner& runner, const Attachments& attachments, Neighbours& neighbours)
    : runner_(runner), attachments_(attachments), neighbours_(neighbours) {
    neighbours_.set_watcher(this);
}

BfdWatch::~BfdWatch() {
    neighbours_.set_watcher(nullptr);
}

void BfdWatch::update(const Attachment& attachment) {
    if (!attachment.bfd) return forget(attachment.id);
    each_peer(attachment, [&](const IpAddress& local, const IpAddress& peer) {
        update_peer(attachment, local, peer);
    });
}

void BfdWatch::update_peer(const Attachment& attachment, const IpAddress& local,
                           const IpAddress& peer) {
    const NeighbourKey key{attachment.id, peer};
    auto known = sessions_.find(key);
    if (known == sessions_.end()) {
        const auto id = runner_.ask([&](BfdEngine& engine, std::uint64_t now) {
            return engine.add({{attachment.id, peer}, local, attachment.port, *attachment.bfd},
                              now);
        });
        if (!id) {
            ++refused_;
            return log_error("BFD {}: {}", attachment.name, id.error().message);
        }
        known = sessions_.emplace(key, Session{.id = *id, .parameters = *attachment.bfd}).first;
        const auto neighbour = neighbours_.all().find(key);
        if (neighbour != neighbours_.all().end() && neighbour->second.mac)
            mac_learned(key, *neighbour->second.mac);
    }
    Session& session = known->second;
    const bool is_shut = attachment.closed != Exit::kNone;
    runner_.ask([&](BfdEngine& engine, std::uint64_t now) {
        if (session.parameters != *attachment.bfd)
            engine.set_parameters(session.id, *attachment.bfd, now);
        if (is_shut && !session.is_shut) engine.shut_down(session.id, now);
        if (!is_shut && session.is_shut) engine.open_up(session.id, now);
    });
    session.parameters = *attachment.bfd;
    session.is_shut = is_shut;
}

void BfdWatch::forget(AttachmentId attachment) {
    auto session = sessions_.lower_bound({attachment, IpAddress()});
    while (session != sessions_.end() && session->first.attachment == attachment)
        session = end(session);
    if (const Attachment* found = attachments_.find(attachment)) set_paths(*found);
}

BfdWatch::Sessions::iterator BfdWatch::end(Sessions::iterator session) {
    runner_.ask(
        [&](BfdEngine& engine, std::uint64_t now) { engine.remove(session->second.id, now); });
    return sessions_.erase(session);
}

void BfdWatch::mac_learned(const NeighbourKey& key, const MacAddress& mac) {
    const auto session = sessions_.find(key);
    const Attachment* attachment = attachments_.find(key.attachment);
    if (session == sessions_.end() || attachment == nullptr) return;
    const FrameHeader header = attachment->header(mac, type_of(key.address));
    runner_.ask([&](BfdEngine& engine, std::uint64_t) {
        engine.set_link(session->second.id, header.view());
    });
}

void BfdWatch::follow(const Changed& changed) {
    const std::vector<BfdSessionStatus> rows = runner_.take_changes();
    for (const BfdSessionStatus& row : rows) {
        const BfdPeer& peer = row.options.peer;
        const auto session = sessions_.find({peer.attachment, peer.address});
        if (session == sessions_.end() || session->second.id != row.id) continue;
        session->second.verdict = row.verdict;
        if (const Attachment* attachment = attachments_.find(peer.attachment))
            set_paths(*attachment);
    }
    for (const BfdSessionStatus& row : rows) changed(row);
}

void BfdWatch::set_paths(const Attachment& attachment) {
    bool has_any_failed = false;
    each_peer(attachment, [&](const IpAddress&, const IpAddress& peer) {
        has_any_failed |= verdict({attachment.id, peer}) == BfdVerdict::kFailed;
    });
    each_peer(attachment, [&](const IpAddress&, const IpAddress& peer) {
        const NeighbourKey key{attachment.id, peer};
        const bool is_alive = verdict(key) == BfdVerdict::kAlive;
        neighbours_.set_path(key,
                             has_any_failed && !is_alive ? PathState::kFailed : PathState::kGood);
    });
}

std::vector<BfdNeighbour> BfdWatch::neighbours_on(PortId port) const {
    std::vector<BfdNeighbour> found;
    for (const auto& [name, id] : attachments_.by_name()) {
        const Attachment* attachment = attachments_.find(id);
        if (attachment == nullptr || attachment->port != port || !attachment->bfd) continue;
        if (attachment->closed != Exit::kNone) continue;  // the walk says why it is dropped
        const TagPair tags{*VlanId::from(attachment->outer), VlanId::from(attachment->inner)};
        each_peer(*attachment, [&](const IpAddress& local, const IpAddress& peer) {
            found.push_back({.tags = tags,
                             .our_mac = attachment->mac,
                             .address = peer,
                             .our_address = local,
                             .attachment = attachment->id});
        });
    }
    return found;
}

std::optional<BfdDiscriminator> BfdWatch::find(const NeighbourKey& key) const {
    const auto session = sessions_.find(key);
    if (session == sessions_.end()) return std::nullopt;
    return session->second.id;
}

BfdVerdict BfdWatch::verdict(const NeighbourKey& key) const {
    const auto session = sessions_.find(key);
    return session == sessions_.end() ? BfdVerdict::kNone : session->second.verdict;
}

}  // namespace causeway
