// SPDX-License-Identifier: Apache-2.0
#include "nat/mapping_table.h"

#include <utility>

#include "base/check.h"
#include "base/prefetch.h"

namespace causeway {

Result<std::unique_ptr<MappingTable>> MappingTable::create(PortSpace& space,
                                                           const Steering& steering,
                                                           const Options& options) {
    auto hosts = HostTable::create(options.hosts_max, options.secret);
    if (!hosts) return Unexpected(hosts.error());
    auto mappings = SharedMap::create(options.mappings_max, options.secret);
    if (!mappings) return Unexpected(mappings.error());
    auto peers = SharedMap::create(options.peers_max, options.secret);
    if (!peers) return Unexpected(peers.error());
    return std::unique_ptr<MappingTable>(
        new MappingTable(space, steering, options, std::move(hosts).value(),
                         std::move(mappings).value(), std::move(peers).value()));
}

MappingTable::MappingTable(PortSpace& space, const Steering& steering, const Options& options,
                           HostTable hosts, SharedMap mappings, SharedMap peers) noexcept
    : space_(space),
      steering_(steering),
      mappings_max_(options.mappings_max),
      hosts_(std::move(hosts)),
      mappings_(std::move(mappings)),
      peers_(std::move(peers)) {}

MappingTable::Held MappingTable::hold(const Wish& wish) noexcept {
    const Inside& inside = wish.inside;
    Held held{.inside = inside};  // which is what all returns return, so that nothing is copied
    HostTable::Claim claim(hosts_, *wish.home);
    if (!claim.is_held()) {
        held.refusal = NatRefusal::kBusy;
        return held;
    }
    const std::uint32_t host = claim.find_or_add(key_of(inside));
    if (host == 0) {
        held.refusal = NatRefusal::kHostsFull;
        return held;
    }
    // The place is taken before there is a port, for one look; who is refused one gives it back.
    const std::uint64_t mapping = mapping_key(host, inside.protocol, inside.endpoint.port);
    std::uint32_t* const value = mappings_.find_or_insert(mapping);
    if (value == nullptr) {
        held.refusal = NatRefusal::kMappingsFull;
    } else if (*value != 0) {
        held.port = PortRef::from_bits(*value);
    } else {
        make(held, host, wish, *value);
        if (held.refusal != NatRefusal::kNone) mappings_.erase(mapping);
    }
    if (held.refusal == NatRefusal::kNone) {
        held.refusal = add_session(host, held.port, space_.read(held.port), wish.remote);
    }
    if (held.refusal != NatRefusal::kNone) held.lent = {};  // it went back at once
    if (!first_block(hosts_[host])) claim.remove(host);
    return held;
}

MappingTable::Held MappingTable::hold_at(const Inside& inside, PortRef port,
                                         Ipv4Address remote) noexcept {
    const HostKey key = key_of(inside);
    HostTable::Claim claim(hosts_, hosts_.home_of(key));
    if (!claim.is_held()) return {.refusal = NatRefusal::kBusy};
    const std::uint32_t host = claim.find_or_add(key);
    if (host == 0) return {.refusal = NatRefusal::kHostsFull};

    Held held{.port = port, .inside = inside};
    const std::uint64_t mapping = mapping_key(host, inside.protocol, inside.endpoint.port);
    std::uint32_t* const value = mappings_.find_or_insert(mapping);
    if (value == nullptr) {
        held.refusal = NatRefusal::kMappingsFull;
    } else if (*value == 0) {
        make_at(held, host, port, *value);
        if (held.refusal != NatRefusal::kNone) mappings_.erase(mapping);
    } else if (*value != port.bits()) {
        held.refusal = NatRefusal::kHostPorts;
    }
    if (held.refusal == NatRefusal::kNone) {
        held.refusal = add_session(host, port, space_.read(port), remote);
    }
    if (held.refusal != NatRefusal::kNone) held.lent = {};
    if (!first_block(hosts_[host])) claim.remove(host);
    return held;
}

MappingTable::Held MappingTable::hold_from_outside(PortRef port, Ipv4Address remote) noexcept {
    const std::optional<Inside> inside = peek(port);
    if (!inside) return {.refusal = NatRefusal::kNoMapping};
    const HostKey key = key_of(*inside);
    HostTable::Claim claim(hosts_, hosts_.home_of(key));
    if (!claim.is_held()) return {.refusal = NatRefusal::kBusy};
    const PortUse use = space_.read(port);
    // What was peeked at may be over, or somebody else's, by now.
    if (use.host() == 0 || use.inside_port() != inside->endpoint.port ||
        hosts_[use.host()].key.load(std::memory_order_relaxed) != key.bits()) {
        return {.refusal = NatRefusal::kNoMapping};
    }
    if (space_.settings(inside->pool).filtering == NatFiltering::kAddressDependent &&
        peers_.find(peer_key(port, remote)) == nullptr) {
        return {.refusal = NatRefusal::kFiltered};
    }
    return {.refusal = add_session(use.host(), port, use, remote), .port = port, .inside = *inside};
}

std::optional<MappingTable::Inside> MappingTable::peek(PortRef port) const noexcept {
    const PortUse use = space_.read(port);
    if (use.host() == 0) return std::nullopt;
    const std::optional<HostKey> key = hosts_.key_of(use.host());
    if (!key) return std::nullopt;
    return Inside{.pool = key->pool(),
                  .protocol = port.protocol(),
                  .endpoint = {key->address(), use.inside_port()}};
}

MappingTable::Released MappingTable::release(PortRef port, Ipv4Address remote) noexcept {
    // Ours to read: the session holds it.
    return release(port, remote, hosts_.home_of(*hosts_.key_of(space_.read(port).host())));
}

MappingTable::Released MappingTable::release(PortRef port, Ipv4Address remote,
                                             HostBucket& home) noexcept {
    const std::uint32_t host = space_.read(port).host();
    DCHECK(host != 0);
    const HostKey key = *hosts_.key_of(host);
    DCHECK(&home == &hosts_.home_of(key));
    HostTable::Claim claim(hosts_, home);
    if (!claim.is_held()) return {};
    if (space_.settings(space_.pool(port.address())).filtering == NatFiltering::kAddressDependent) {
        std::uint32_t* const sessions = peers_.find(peer_key(port, remote));
        DCHECK(sessions != nullptr);
        if (--*sessions == 0) peers_.erase(peer_key(port, remote));
    }
    add(hosts_[host].sessions, -1);
    const PortUse use = space_.read(port).with_less();
    if (use.sessions() != 0) {
        space_.update(port, use);
        return {.is_done = true};
    }
    const BlockRef returned = end_mapping(host, port, use);
    if (!first_block(hosts_[host])) claim.remove(host);
    return {.is_done = true, .returned = returned, .pool = key.pool(), .host = key.address()};
}

NatRefusal MappingTable::add_session(std::uint32_t host, PortRef port, PortUse use,
                                     Ipv4Address remote) noexcept {
    const NatPoolSettings& settings = space_.settings(space_.pool(port.address()));
    NatRefusal refusal = NatRefusal::kNone;
    if (hosts_[host].sessions.load(std::memory_order_relaxed) >= settings.host_sessions_max) {
        refusal = NatRefusal::kHostSessions;
    } else if (use.sessions() == PortUse::kSessionsMax) {
        refusal = NatRefusal::kMappingsFull;
    } else if (settings.filtering == NatFiltering::kAddressDependent) {
        std::uint32_t* sessions = peers_.find(peer_key(port, remote));
        if (sessions == nullptr) sessions = peers_.insert(peer_key(port, remote));
        if (sessions == nullptr) {
            refusal = NatRefusal::kMappingsFull;
        } else {
            ++*sessions;
        }
    }
    if (refusal != NatRefusal::kNone) {
        if (use.sessions() == 0) end_mapping(host, port, use);
        return refusal;
    }
    add(hosts_[host].sessions, 1);
    space_.update(port, use.with_more());
    return NatRefusal::kNone;
}

void MappingTable::prefetch_mapping(Wish& wish) const noexcept {
    const std::uint32_t host = hosts_.peek(*wish.home, key_of(wish.inside));
    mappings_.prefetch(mapping_key(host, wish.inside.protocol, wish.inside.endpoint.port));
    wish.block = first_block(hosts_[host]);
    if (!wish.block) return;
    space_.prefetch_ports(wish.block, wish.inside.protocol);
    if (!has_one_block(host)) space_.prefetch(wish.block);
}

void MappingTable::prefetch_port(Wish& wish) const noexcept {
    if (!wish.block) return;
    wish.port = choose_in(wish.block, wish.inside, Fit::kKindAndParity, wish.random);
    if (wish.port != PortRef()) space_.prefetch(wish.port);
}

HostBucket& MappingTable::prefetch_use(PortRef port, NatPoolId pool,
                                       Ipv4Address host) const noexcept {
    HostBucket& home = hosts_.home_of({pool, host});
    prefetch_line(&home);
    space_.prefetch(port);
    space_.prefetch_ports(space_.block_of(port), port.protocol());
    return home;
}

void MappingTable::prefetch_mapping(PortRef port) const noexcept {
    const PortUse use = space_.read(port);
    mappings_.prefetch(mapping_key(use.host(), port.protocol(), use.inside_port()));
    if (!has_one_block(use.host())) space_.prefetch(space_.block_of(port));
}

std::optional<MappingTable::HostReading> MappingTable::read_host(
    std::uint32_t host) const noexcept {
    const std::optional<HostKey> key = hosts_.key_of(host);
    if (!key) return std::nullopt;
    const NatHost& entry = hosts_[host];
    return HostReading{.pool = key->pool(),
                       .address = key->address(),
                       .blocks = entry.block_count.load(std::memory_order_relaxed),
                       .sessions = entry.sessions.load(std::memory_order_relaxed)};
}

}  // namespace causeway
