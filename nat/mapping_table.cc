// SPDX-License-Identifier: Apache-2.0
#include "nat/mapping_table.h"

#include <immintrin.h>

#include <bit>
#include <utility>

#include "base/check.h"
#include "base/prefetch.h"

namespace causeway {
namespace {

constexpr std::uint64_t kClaimed = std::uint64_t{1} << 63;
// Some ten microseconds: a holder is done in a fraction of one unless the system took its core.
constexpr int kClaimTries = 256;
// So many that hosts seldom share one: the further hosts of a claim are not fetched in time.
constexpr std::uint32_t kClaimsPerHost = 4;
// Of a claim, that are looked through without it.
constexpr int kPeekedHosts = 3;

std::uint32_t claims_for(std::uint32_t hosts_max) noexcept {
    return kClaimsPerHost * std::bit_ceil(hosts_max);
}

}  // namespace

// The right to all that belongs to the inside hosts of one hash, until the end of the scope.
class MappingTable::Claim {
  public:
    explicit Claim(ClaimWord& claim) noexcept : word_(claim) {
        for (int tries = 0; tries < kClaimTries; ++tries) {
            std::uint64_t word = word_.load(std::memory_order_relaxed);
            if ((word & kClaimed) == 0 &&
                word_.compare_exchange_strong(word, word | kClaimed, std::memory_order_acquire)) {
                first_ = static_cast<std::uint32_t>(word);
                is_held_ = true;
                return;
            }
            _mm_pause();
        }
    }
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim() {
        if (is_held_) word_.store(first_, std::memory_order_release);
    }
    [[nodiscard]] bool is_held() const noexcept { return is_held_; }
    [[nodiscard]] std::uint32_t first() const noexcept { return first_; }
    void set_first(std::uint32_t host) noexcept { first_ = host; }

  private:
    ClaimWord& word_;
    std::uint32_t first_ = 0;
    bool is_held_ = false;
};

Result<std::unique_ptr<MappingTable>> MappingTable::create(PortSpace& space,
                                                           const Steering& steering,
                                                           const Options& options) {
    if (options.hosts_max == 0 || options.hosts_max > PortUse::kHostsMax) {
        return Unexpected(ErrorCode::kInvalid, "a NAT has 1 to 16,777,215 inside hosts");
    }
    auto hosts =
        Mapping::allocate((std::size_t{options.hosts_max} + 1) * sizeof(Host), PageSize::kHuge);
    if (!hosts) return Unexpected(hosts.error());
    auto claims =
        Mapping::allocate(claims_for(options.hosts_max) * sizeof(std::uint64_t), PageSize::kHuge);
    if (!claims) return Unexpected(claims.error());
    auto mappings = SharedMap::create(options.mappings_max, options.secret);
    if (!mappings) return Unexpected(mappings.error());
    auto peers = SharedMap::create(options.peers_max, options.secret);
    if (!peers) return Unexpected(peers.error());
    return std::unique_ptr<MappingTable>(new MappingTable(
        space, steering, options, std::move(hosts).value(), std::move(claims).value(),
        std::move(mappings).value(), std::move(peers).value()));
}

MappingTable::MappingTable(PortSpace& space, const Steering& steering, const Options& options,
                           Mapping hosts, Mapping claims, SharedMap mappings,
                           SharedMap peers) noexcept
    : space_(space),
      steering_(steering),
      hosts_max_(options.hosts_max),
      mappings_max_(options.mappings_max),
      secret_(options.secret),
      host_memory_(std::move(hosts)),
      claim_memory_(std::move(claims)),
      hosts_(reinterpret_cast<Host*>(host_memory_.data())),
      claims_(reinterpret_cast<ClaimWord*>(claim_memory_.data())),
      claim_count_(claims_for(options.hosts_max)),
      free_hosts_(1),
      mappings_(std::move(mappings)),
      peers_(std::move(peers)) {
    for (std::uint32_t host = 1; host < hosts_max_; ++host) hosts_[host].next = host + 1;
}

MappingTable::ClaimWord& MappingTable::claim_of(std::uint64_t host_key) const noexcept {
    const std::uint64_t hash = keyed_hash(host_key, 0, secret_);
    return claims_[scaled(static_cast<std::uint32_t>(hash >> 32), claim_count_)];
}

std::uint32_t MappingTable::find_host(const Claim& claim, std::uint64_t key) const noexcept {
    std::uint32_t host = claim.first();
    while (host != 0 && hosts_[host].key.load(std::memory_order_relaxed) != key) {
        host = hosts_[host].next;
    }
    return host;
}

std::uint32_t MappingTable::take_host(Claim& claim, std::uint64_t key) noexcept {
    std::uint64_t top = free_hosts_.load(std::memory_order_acquire);
    std::uint32_t host = 0;
    std::uint64_t rest = 0;
    do {
        host = static_cast<std::uint32_t>(top);
        if (host == 0) return 0;
        // May be in use by another by now; then the count has changed and the exchange fails.
        const std::uint32_t next =
            std::atomic_ref(hosts_[host].next).load(std::memory_order_relaxed);
        rest = ((top >> 32) + 1) << 32 | next;
    } while (!free_hosts_.compare_exchange_weak(top, rest, std::memory_order_acq_rel));
    host_count_.fetch_add(1, std::memory_order_relaxed);
    Host& taken = hosts_[host];
    taken.blocks.store({}, std::memory_order_relaxed);
    taken.block_count.store(0, std::memory_order_relaxed);
    taken.sessions.store(0, std::memory_order_relaxed);
    taken.ports = 0;
    std::atomic_ref(taken.next).store(claim.first(), std::memory_order_relaxed);
    taken.key.store(key, std::memory_order_release);
    claim.set_first(host);
    return host;
}

void MappingTable::give_host(Claim& claim, std::uint32_t host) noexcept {
    Host& gone = hosts_[host];
    if (claim.first() == host) {
        claim.set_first(gone.next);
    } else {
        std::uint32_t before = claim.first();
        while (hosts_[before].next != host) before = hosts_[before].next;
        std::atomic_ref(hosts_[before].next).store(gone.next, std::memory_order_relaxed);
    }
    gone.key.store(0, std::memory_order_release);
    std::uint64_t top = free_hosts_.load(std::memory_order_relaxed);
    std::uint64_t with_host = 0;
    do {
        std::atomic_ref(gone.next).store(static_cast<std::uint32_t>(top),
                                         std::memory_order_relaxed);
        with_host = ((top >> 32) + 1) << 32 | host;
    } while (!free_hosts_.compare_exchange_weak(top, with_host, std::memory_order_acq_rel));
    host_count_.fetch_sub(1, std::memory_order_relaxed);
}

MappingTable::Held MappingTable::hold(const Wish& wish) noexcept {
    const Inside& inside = wish.inside;
    const std::uint64_t key = host_key(inside.pool, inside.endpoint.address);
    Claim claim(*wish.claim);
    if (!claim.is_held()) return {.refusal = NatRefusal::kBusy};
    std::uint32_t host = find_host(claim, key);
    if (host == 0) host = take_host(claim, key);
    if (host == 0) return {.refusal = NatRefusal::kHostsFull};

    Held held{.inside = inside};
    const std::uint64_t mapping = mapping_key(host, inside.protocol, inside.endpoint.port);
    if (const std::uint32_t* const port = mappings_.find(mapping)) {
        held.port = PortRef::from_bits(*port);
    } else {
        held = make(host, wish);
    }
    if (held.refusal == NatRefusal::kNone) {
        held.refusal = add_session(host, held.port, space_.read(held.port), wish.remote);
    }
    if (held.refusal != NatRefusal::kNone) held.lent = {};  // it went back at once
    if (!first_block(hosts_[host])) give_host(claim, host);
    return held;
}

MappingTable::Held MappingTable::hold_at(const Inside& inside, PortRef port,
                                         Ipv4Address remote) noexcept {
    const std::uint64_t key = host_key(inside.pool, inside.endpoint.address);
    Claim claim(claim_of(key));
    if (!claim.is_held()) return {.refusal = NatRefusal::kBusy};
    std::uint32_t host = find_host(claim, key);
    if (host == 0) host = take_host(claim, key);
    if (host == 0) return {.refusal = NatRefusal::kHostsFull};

    Held held{.port = port, .inside = inside};
    const std::uint64_t mapping = mapping_key(host, inside.protocol, inside.endpoint.port);
    if (const std::uint32_t* const other = mappings_.find(mapping)) {
        if (*other != port.bits()) held.refusal = NatRefusal::kHostPorts;
    } else {
        held = make_at(host, inside, port);
    }
    if (held.refusal == NatRefusal::kNone) {
        held.refusal = add_session(host, port, space_.read(port), remote);
    }
    if (held.refusal != NatRefusal::kNone) held.lent = {};
    if (!first_block(hosts_[host])) give_host(claim, host);
    return held;
}

MappingTable::Held MappingTable::hold_from_outside(PortRef port, Ipv4Address remote) noexcept {
    const std::optional<Inside> inside = peek(port);
    if (!inside) return {.refusal = NatRefusal::kNoMapping};
    const std::uint64_t key = host_key(inside->pool, inside->endpoint.address);
    Claim claim(claim_of(key));
    if (!claim.is_held()) return {.refusal = NatRefusal::kBusy};
    const PortUse use = space_.read(port);
    // What was peeked at may be over, or somebody else's, by now.
    if (use.host() == 0 || use.inside_port() != inside->endpoint.port ||
        hosts_[use.host()].key.load(std::memory_order_relaxed) != key) {
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
    const std::uint64_t key = hosts_[use.host()].key.load(std::memory_order_acquire);
    if (key == 0) return std::nullopt;
    return Inside{.pool = pool_of(key),
                  .protocol = port.protocol(),
                  .endpoint = {address_of(key), use.inside_port()}};
}

MappingTable::Released MappingTable::release(PortRef port, Ipv4Address remote) noexcept {
    const std::uint32_t host = space_.read(port).host();  // ours to read: the session holds it
    return release(port, remote, claim_of(hosts_[host].key.load(std::memory_order_relaxed)));
}

MappingTable::Released MappingTable::release(PortRef port, Ipv4Address remote,
                                             ClaimWord& claim_word) noexcept {
    const std::uint32_t host = space_.read(port).host();
    DCHECK(host != 0);
    const std::uint64_t key = hosts_[host].key.load(std::memory_order_relaxed);
    DCHECK(&claim_word == &claim_of(key));
    Claim claim(claim_word);
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
    if (!first_block(hosts_[host])) give_host(claim, host);
    return {.is_done = true, .returned = returned, .pool = pool_of(key), .host = address_of(key)};
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

void MappingTable::prefetch_claim(const Wish& wish) const noexcept {
    prefetch_line(wish.claim);
}

void MappingTable::prefetch_host(const Wish& wish) const noexcept {
    prefetch_line(&hosts_[static_cast<std::uint32_t>(wish.claim->load(std::memory_order_relaxed))]);
}

void MappingTable::prefetch_mapping(Wish& wish) const noexcept {
    const std::uint64_t key = host_key(wish.inside.pool, wish.inside.endpoint.address);
    auto host = static_cast<std::uint32_t>(wish.claim->load(std::memory_order_relaxed));
    for (int peeked = 1; peeked < kPeekedHosts; ++peeked) {
        if (host == 0 || hosts_[host].key.load(std::memory_order_relaxed) == key) break;
        host = std::atomic_ref(hosts_[host].next).load(std::memory_order_relaxed);
    }
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

MappingTable::ClaimWord& MappingTable::prefetch_use(PortRef port, NatPoolId pool,
                                                    Ipv4Address host) const noexcept {
    ClaimWord& claim = claim_of(host_key(pool, host));
    prefetch_line(&claim);
    space_.prefetch(port);
    space_.prefetch_ports(space_.block_of(port), port.protocol());
    return claim;
}

void MappingTable::prefetch_user(PortRef port) const noexcept {
    prefetch_line(&hosts_[space_.read(port).host()]);
}

void MappingTable::prefetch_mapping(PortRef port) const noexcept {
    const PortUse use = space_.read(port);
    mappings_.prefetch(mapping_key(use.host(), port.protocol(), use.inside_port()));
    if (!has_one_block(use.host())) space_.prefetch(space_.block_of(port));
}

std::optional<MappingTable::HostReading> MappingTable::read_host(
    std::uint32_t host) const noexcept {
    const Host& entry = hosts_[host];
    const std::uint64_t key = entry.key.load(std::memory_order_acquire);
    if (key == 0) return std::nullopt;
    return HostReading{.pool = pool_of(key),
                       .address = address_of(key),
                       .blocks = entry.block_count.load(std::memory_order_relaxed),
                       .sessions = entry.sessions.load(std::memory_order_relaxed)};
}

}  // namespace causeway
