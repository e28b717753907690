// SPDX-License-Identifier: Apache-2.0
//
// MappingTable: which port a new mapping gets, and the blocks that ports come from. All of it under
// the claim on the inside host.
#include <bit>

#include "nat/mapping_table.h"

namespace causeway {
namespace {

constexpr std::uint64_t kEvenPorts = 0x5555'5555'5555'5555U;

// A bit of the word, any with equal chance as long as most are set.
int pick(std::uint64_t word, std::uint64_t random) noexcept {
    const auto turn = static_cast<int>(random & 63U);
    return (std::countr_zero(std::rotr(word, turn)) + turn) % 64;
}

}  // namespace

// RFC 4787 REQ-3: no port twice. Of the free ones, first those that keep the flow with its worker
// and the port's parity (REQ-4), then those that keep it with its worker, if need be of a further
// block; and before anything is refused, any: its packets from outside will change workers.
void MappingTable::make(Held& held, std::uint32_t host, const Wish& wish,
                        std::uint32_t& value) noexcept {
    const Inside& inside = wish.inside;
    const std::uint64_t random = wish.random;
    PortRef port = is_still_free(host, wish) ? wish.port : choose_of_kind(host, inside, random);
    Loan loan;
    if (port == PortRef()) {
        loan = lend_block(host, inside, random);
        if (loan.block) port = choose_of_kind(host, inside, random);
    }
    if (port == PortRef()) port = choose(host, inside, Fit::kAny, random);
    held.lent = loan.block;
    if (port != PortRef()) {
        held.port = port;
        enter(host, inside, port, value);
    } else {
        held.refusal = loan.refusal != NatRefusal::kNone ? loan.refusal : NatRefusal::kHostPorts;
    }
    // Its address may have been drained meanwhile, or every port of it be a static mapping's.
    if (loan.block && ports_in(host, loan.block) == 0) {
        return_block(host, loan.block);
        held.lent = {};
    }
}

// A port that was chosen before the host was claimed: of its newest block, and the best fit.
bool MappingTable::is_still_free(std::uint32_t host, const Wish& wish) const noexcept {
    if (wish.port == PortRef() || first_block(hosts_[host]) != wish.block ||
        !space_.is_active(wish.block.address())) {
        return false;
    }
    const auto first = static_cast<std::uint16_t>(wish.port.port() & ~63U);
    const std::uint64_t free = space_.free_ports(wish.port.address(), wish.inside.protocol, first);
    return (free >> wish.port.port() % 64 & 1U) != 0;
}

void MappingTable::enter(std::uint32_t host, const Inside& inside, PortRef port,
                         std::uint32_t& value) noexcept {
    value = port.bits();
    space_.use(port, PortUse(host, inside.endpoint.port));
    count_port(host, space_.block_of(port), 1);
}

void MappingTable::make_at(Held& held, std::uint32_t host, PortRef port,
                           std::uint32_t& value) noexcept {
    const BlockRef block = space_.block_of(port);
    const std::uint32_t owner = space_[block].host;
    if (owner != host) {
        if (owner != 0 || !space_.take_block(block)) {
            held.refusal = NatRefusal::kPoolExhausted;
            return;
        }
        add_block(host, block);
        held.lent = block;
    }
    const std::uint64_t free = space_.free_ports(port.address(), port.protocol(),
                                                 static_cast<std::uint16_t>(port.port() & ~63U));
    if ((free >> port.port() % 64 & 1U) == 0) {
        held.refusal = NatRefusal::kHostPorts;
    } else {
        enter(host, held.inside, port, value);
    }
    if (ports_in(host, block) == 0) return_block(host, block);
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
    const std::uint32_t words = settings.block_ports / 64;  // a power of two
    // Devices do not hash an ICMP identifier, so it can be any.
    const bool any =
        fit == Fit::kAny || inside.protocol == NatProtocol::kIcmp || steering_.kinds() == 1;
    const std::uint32_t kind = any ? 0 : steering_.kind_of(inside.endpoint);
    std::uint64_t parity = ~std::uint64_t{0};
    if (fit == Fit::kKindAndParity && settings.parity == NatParity::kPreserve) {
        parity = inside.endpoint.port % 2 == 0 ? kEvenPorts : ~kEvenPorts;
    }
    for (std::uint32_t i = 0; i < words; ++i) {
        const std::uint32_t word = (static_cast<std::uint32_t>(random >> 40) + i) & (words - 1);
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
    NatHost& entry = hosts_[host];
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
    add_block(host, block);
    return {.block = block};
}

void MappingTable::add_block(std::uint32_t host, BlockRef block) noexcept {
    NatHost& entry = hosts_[host];
    if (has_one_block(host)) space_[first_block(entry)].used = entry.ports;
    space_[block] = {.host = host, .next = first_block(entry)};
    entry.blocks.store(block, std::memory_order_relaxed);
    add(entry.block_count, 1);
}

BlockRef MappingTable::end_mapping(std::uint32_t host, PortRef port, PortUse use) noexcept {
    mappings_.erase(mapping_key(host, port.protocol(), use.inside_port()));
    space_.free(port);
    const BlockRef block = space_.block_of(port);
    count_port(host, block, -1);
    if (ports_in(host, block) != 0) return {};
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

}  // namespace causeway
