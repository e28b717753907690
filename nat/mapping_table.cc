// SPDX-License-Identifier: Apache-2.0
#include "nat/mapping_table.h"

#include <immintrin.h>

#include <bit>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::uint64_t kClaimed = std::uint64_t{1} << 63;
// Some ten microseconds: a holder is done in a fraction of one unless the system took its core.
constexpr int kClaimTries = 256;

// Under the claim there is one writer, so that no locked instruction is needed.
void add(std::atomic<std::uint32_t>& count, int difference) noexcept {
    count.store(count.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(difference),
                std::memory_order_relaxed);
}

constexpr std::uint64_t kEvenPorts = 0x5555'5555'5555'5555U;

// A bit of the word, any with equal chance as long as most are set.
int pick(std::uint64_t word, std::uint64_t random) noexcept {
    const auto turn = static_cast<int>(random & 63U);
    return (std::countr_zero(std::rotr(word, turn)) + turn) % 64;
}

}  // namespace

// The right to all that belongs to the inside hosts of one hash, until the end of the scope.
class MappingTable::Claim {
  public:
    Claim(const MappingTable& table, std::uint64_t host_key) noexcept
        : word_(table.claim_of(host_key)) {
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
    std::atomic<std::uint64_t>& word_;
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
    auto claims = Mapping::allocate(std::bit_ceil(options.hosts_max) * sizeof(std::uint64_t),
                                    PageSize::kHuge);
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
      secret_(options.secret),
      host_memory_(std::move(hosts)),
      claim_memory_(std::move(claims)),
      hosts_(reinterpret_cast<Host*>(host_memory_.data())),
      claims_(reinterpret_cast<std::atomic<std::uint64_t>*>(claim_memory_.data())),
      claim_count_(std::bit_ceil(options.hosts_max)),
      free_hosts_(1),
      mappings_(std::move(mappings)),
      peers_(std::move(peers)) {
    for (std::uint32_t host = 1; host < hosts_max_; ++host) hosts_[host].next = host + 1;
}

std::atomic<std::uint64_t>& MappingTable::claim_of(std::uint64_t host_key) const noexcept {
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
    Host& taken = hosts_[host];
    taken.blocks.store({}, std::memory_order_relaxed);
    taken.block_count.store(0, std::memory_order_relaxed);
    taken.sessions.store(0, std::memory_order_relaxed);
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
}

MappingTable::Held MappingTable::hold(const Inside& inside, Ipv4Address remote,
                                      std::uint64_t random) noexcept {
    const std::uint64_t key = host_key(inside.pool, inside.endpoint.address);
    Claim claim(*this, key);
    if (!claim.is_held()) return {.refusal = NatRefusal::kBusy};
    std::uint32_t host = find_host(claim, key);
    if (host == 0) host = take_host(claim, key);
    if (host == 0) return {.refusal = NatRefusal::kHostsFull};

    Held held{.inside = inside};
    const std::uint64_t mapping = mapping_key(host, inside.protocol, inside.endpoint.port);
    if (const std::uint32_t* const port = mappings_.find(mapping)) {
        held.port = PortRef::from_bits(*port);
    } else {
        held = make(host, inside, random);
    }
    if (held.refusal == NatRefusal::kNone) {
        held.refusal = add_session(host, held.port, space_.read(held.port), remote);
    }
    if (held.refusal != NatRefusal::kNone) held.lent = {};  // it went back at once
    if (!first_block(hosts_[host])) give_host(claim, host);
    return held;
}

MappingTable::Held MappingTable::hold_from_outside(PortRef port, Ipv4Address remote) noexcept {
    const std::optional<Inside> inside = peek(port);
    if (!inside) return {.refusal = NatRefusal::kNoMapping};
    const std::uint64_t key = host_key(inside->pool, inside->endpoint.address);
    Claim claim(*this, key);
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
    DCHECK(host != 0);
    const std::uint64_t key = hosts_[host].key.load(std::memory_order_relaxed);
    Claim claim(*this, key);
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

// RFC 4787 REQ-3: no port twice. Of the free ones, first those that keep the flow with its worker
// and the port's parity (REQ-4), then those that keep it with its worker, if need be of a further
// block; and before anything is refused, any: its packets from outside will change workers.
MappingTable::Held MappingTable::make(std::uint32_t host, const Inside& inside,
                                      std::uint64_t random) noexcept {
    PortRef port = choose_of_kind(host, inside, random);
    Loan loan;
    if (port == PortRef()) {
        loan = lend_block(host, inside, random);
        if (loan.block) port = choose_of_kind(host, inside, random);
    }
    if (port == PortRef()) port = choose(host, inside, Fit::kAny, random);
    Held held{.refusal = loan.refusal, .port = port, .inside = inside, .lent = loan.block};
    if (port == PortRef()) {
        if (held.refusal == NatRefusal::kNone) held.refusal = NatRefusal::kHostPorts;
    } else if (std::uint32_t* const value =
                   mappings_.insert(mapping_key(host, inside.protocol, inside.endpoint.port))) {
        held.refusal = NatRefusal::kNone;
        *value = port.bits();
        space_.use(port, PortUse(host, inside.endpoint.port));
        ++space_[space_.block_of(port)].used;
    } else {
        held.refusal = NatRefusal::kMappingsFull;
    }
    // Its address may have been drained meanwhile, or every port of it be a static mapping's.
    if (loan.block && space_[loan.block].used == 0) {
        return_block(host, loan.block);
        held.lent = {};
    }
    return held;
}

PortRef MappingTable::choose_of_kind(std::uint32_t host, const Inside& inside,
                                     std::uint64_t random) noexcept {
    const PortRef port = choose(host, inside, Fit::kKindAndParity, random);
    return port != PortRef() ? port : choose(host, inside, Fit::kKind, random);
}

PortRef MappingTable::choose(std::uint32_t host, const Inside& inside, Fit fit,
                             std::uint64_t random) noexcept {
    for (BlockRef block = first_block(hosts_[host]); block; block = space_[block].next) {
        if (!space_.is_active(block.address())) continue;
        const PortRef port = choose_in(block, inside, fit, random);
        if (port != PortRef()) return port;
    }
    return {};
}

PortRef MappingTable::choose_in(BlockRef block, const Inside& inside, Fit fit,
                                std::uint64_t random) const noexcept {
    const std::uint32_t address = block.address();
    const NatPoolSettings& settings = space_.settings(inside.pool);
    const std::uint32_t words = settings.block_ports / 64;
    const std::uint32_t kind = steering_.kind_of(inside.endpoint);
    // Devices do not hash an ICMP identifier, so it can be any.
    const bool any = fit == Fit::kAny || inside.protocol == NatProtocol::kIcmp;
    std::uint64_t parity = ~std::uint64_t{0};
    if (fit == Fit::kKindAndParity && settings.parity == NatParity::kPreserve) {
        parity = inside.endpoint.port % 2 == 0 ? kEvenPorts : ~kEvenPorts;
    }
    for (std::uint32_t i = 0; i < words; ++i) {
        const std::uint32_t word = (static_cast<std::uint32_t>(random >> 40) + i) % words;
        const auto first = static_cast<std::uint16_t>(block.first_port() + word * 64);
        std::uint64_t free = space_.free_ports(address, inside.protocol, first) & parity;
        if (!any) free &= steering_.ports_of_kind(kind, space_.address(address), first);
        if (free == 0) continue;
        return {address, inside.protocol, static_cast<std::uint16_t>(first + pick(free, random))};
    }
    return {};
}

MappingTable::Loan MappingTable::lend_block(std::uint32_t host, const Inside& inside,
                                            std::uint64_t random) noexcept {
    Host& entry = hosts_[host];
    const std::uint32_t count = entry.block_count.load(std::memory_order_relaxed);
    if (count >= space_.settings(inside.pool).host_blocks_max) {
        return {.refusal = NatRefusal::kHostPorts};
    }
    // Pairs with the newest block's address: the older ones' may be drained.
    const BlockRef newest = first_block(entry);
    const std::uint32_t paired = newest ? newest.address() : 0;
    const BlockRef block = space_.take_block(
        inside.pool, paired, steering_.kind_of(inside.endpoint.address), steering_, random);
    if (!block) return {.refusal = NatRefusal::kPoolExhausted};
    space_[block] = {.host = host, .next = newest};
    entry.blocks.store(block, std::memory_order_relaxed);
    add(entry.block_count, 1);
    return {.block = block};
}

BlockRef MappingTable::end_mapping(std::uint32_t host, PortRef port, PortUse use) noexcept {
    mappings_.erase(mapping_key(host, port.protocol(), use.inside_port()));
    space_.free(port);
    const BlockRef block = space_.block_of(port);
    if (--space_[block].used != 0) return {};
    return_block(host, block);
    return block;
}

void MappingTable::return_block(std::uint32_t host, BlockRef block) noexcept {
    const BlockRef next = space_[block].next;
    if (first_block(hosts_[host]) == block) {
        hosts_[host].blocks.store(next, std::memory_order_relaxed);
    } else {
        BlockRef before = first_block(hosts_[host]);
        while (space_[before].next != block) before = space_[before].next;
        space_[before].next = next;
    }
    add(hosts_[host].block_count, -1);
    space_.give_block(block);
}

void MappingTable::prefetch_claim(NatPoolId pool, Ipv4Address address) const noexcept {
    __builtin_prefetch(&claim_of(host_key(pool, address)), 1);
}

void MappingTable::prefetch_host(NatPoolId pool, Ipv4Address address) const noexcept {
    const std::uint64_t word = claim_of(host_key(pool, address)).load(std::memory_order_relaxed);
    __builtin_prefetch(&hosts_[static_cast<std::uint32_t>(word)], 1);
}

void MappingTable::prefetch_mapping(const Inside& inside) const noexcept {
    const std::uint64_t word =
        claim_of(host_key(inside.pool, inside.endpoint.address)).load(std::memory_order_relaxed);
    mappings_.prefetch(
        mapping_key(static_cast<std::uint32_t>(word), inside.protocol, inside.endpoint.port));
    const BlockRef block = newest_block(inside.pool, inside.endpoint.address);
    if (block) space_.prefetch(block, inside.protocol);
}

PortRef MappingTable::prefetch_port(const Inside& inside, std::uint64_t random) const noexcept {
    const BlockRef block = newest_block(inside.pool, inside.endpoint.address);
    if (!block) return {};
    const PortRef port = choose_in(block, inside, Fit::kKindAndParity, random);
    if (port != PortRef()) space_.prefetch(port);
    return port;
}

BlockRef MappingTable::newest_block(NatPoolId pool, Ipv4Address address) const noexcept {
    const std::uint64_t word = claim_of(host_key(pool, address)).load(std::memory_order_relaxed);
    return hosts_[static_cast<std::uint32_t>(word)].blocks.load(std::memory_order_relaxed);
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
