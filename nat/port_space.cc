// SPDX-License-Identifier: Apache-2.0
#include "nat/port_space.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

// Not lent: services have these ports (RFC 4787 REQ-3 would keep them for inside ports below 1,024,
// which no client has).
constexpr std::uint32_t kFirstPort = 1'024;

std::uint64_t key_of(Ipv4Address address) noexcept {
    return std::uint64_t{1} << 32 | address.value();
}

}  // namespace

Result<std::unique_ptr<PortSpace>> PortSpace::create() {
    constexpr std::size_t kAllPorts = (kNatAddressesMax + 1) * kNatProtocols * kPorts;
    auto uses = Mapping::allocate(kAllPorts * sizeof(std::uint64_t), PageSize::kHuge);
    if (!uses) return Unexpected(uses.error());
    auto used = Mapping::allocate(kAllPorts / 8, PageSize::kHuge);
    if (!used) return Unexpected(used.error());
    auto blocks = Mapping::allocate((kNatAddressesMax + 1) * kUnitsPerAddress * sizeof(Block),
                                    PageSize::kHuge);
    if (!blocks) return Unexpected(blocks.error());
    auto index = SharedMap::create(kNatAddressesMax, {});
    if (!index) return Unexpected(index.error());
    return std::unique_ptr<PortSpace>(
        new PortSpace(std::move(uses).value(), std::move(used).value(), std::move(blocks).value(),
                      std::move(index).value()));
}

PortSpace::PortSpace(Mapping uses, Mapping used, Mapping blocks, SharedMap index)
    : use_memory_(std::move(uses)),
      used_memory_(std::move(used)),
      block_memory_(std::move(blocks)),
      uses_(reinterpret_cast<std::uint64_t*>(use_memory_.data())),
      used_(reinterpret_cast<std::uint64_t*>(used_memory_.data())),
      index_(std::move(index)),
      addresses_(kNatAddressesMax + 1),
      pools_(kNatPoolsMax),
      blocks_(reinterpret_cast<Block*>(block_memory_.data())) {}

Status PortSpace::add_pool(NatPoolId pool, const NatPoolSettings& settings) {
    if (pool.value() >= pools_.size()) return Unexpected(ErrorCode::kFull, "too many pools");
    Pool& entry = pools_[pool.value()];
    if (entry.exists && entry.count != 0) {
        return Unexpected(ErrorCode::kExists, "the pool has addresses; remove them first");
    }
    if (Status status = check(settings); !status) return status;
    set(entry, settings);
    entry.exists.store(true, std::memory_order_release);
    return ok();
}

void PortSpace::set(Pool& pool, const NatPoolSettings& settings) {
    settings_.push_back(std::make_unique<NatPoolSettings>(settings));
    pool.settings.store(settings_.back().get(), std::memory_order_release);
}

Status PortSpace::change(NatPoolId pool, const NatPoolSettings& settings) {
    if (!has_pool(pool)) return Unexpected(ErrorCode::kNotFound, "there is no such pool");
    if (Status status = check(settings); !status) return status;
    const NatPoolSettings& before = this->settings(pool);
    if (before == settings) return ok();
    const bool keeps_form =
        before.block_ports == settings.block_ports && before.filtering == settings.filtering;
    if (!keeps_form && pools_[pool.value()].count.load() != 0) {
        return Unexpected(ErrorCode::kUnavailable,
                          "cannot change while the pool has addresses: take the NAT away first, "
                          "and add it again",
                          before.filtering == settings.filtering ? "block-ports" : "filtering");
    }
    set(pools_[pool.value()], settings);
    return ok();
}

Status PortSpace::add_address(NatPoolId pool, Ipv4Address address) {
    if (!has_pool(pool)) return Unexpected(ErrorCode::kNotFound, "there is no such pool");
    if (find(address) != 0) return Unexpected(ErrorCode::kExists, "a pool has this address");
    Pool& entry = pools_[pool.value()];
    const std::uint32_t count = entry.count.load();
    std::uint32_t index = 1;
    while (index < addresses_.size() && addresses_[index].state != AddressState::kAbsent) ++index;
    if (count == kNatPoolAddressesMax || index == addresses_.size()) {
        return Unexpected(ErrorCode::kFull, "too many public addresses");
    }
    Address& added = addresses_[index];
    added.address = address.value();
    added.pool = pool.value();
    set_free(added, settings(pool).block_ports);
    added.state.store(AddressState::kActive, std::memory_order_release);
    lowest_ = std::min(lowest_.load(), address.value());
    highest_ = std::max(highest_.load(), address.value());
    std::uint32_t* const value = index_.insert(key_of(address));
    CHECK(value != nullptr);
    std::atomic_ref(*value).store(index, std::memory_order_release);
    entry.addresses[count].store(static_cast<std::uint16_t>(index), std::memory_order_release);
    entry.count.store(count + 1, std::memory_order_release);
    return ok();
}

void PortSpace::set_free(Address& entry, std::uint32_t block_ports) noexcept {
    for (BlockBits& bits : entry.blocks) {
        for (auto& word : bits) word = 0;
    }
    std::uint32_t lendable = 0;
    for (std::uint32_t first = 0; first < kPorts; first += block_ports) {
        if (first < kFirstPort) continue;  // nor the rest of a large block that begins there
        const std::size_t unit = first / kUnitPorts;
        entry.blocks[kFree][unit / 64] |= std::uint64_t{1} << unit % 64;
        ++lendable;
    }
    entry.lendable = lendable;
    entry.lent = 0;
}

Status PortSpace::reserve(Ipv4Address address, std::uint16_t port) {
    const std::uint32_t index = find(address);
    if (index == 0) return Unexpected(ErrorCode::kNotFound, "no pool has this address");
    const BlockRef block = block_of(PortRef(index, NatProtocol::kTcp, port));
    if ((*this)[block].host != 0) {
        return Unexpected(ErrorCode::kUnavailable, "a host holds the port's block");
    }
    for (const NatProtocol protocol : {NatProtocol::kTcp, NatProtocol::kUdp}) {
        std::atomic_ref word(used_[word_of(PortRef(index, protocol, port))]);
        word.fetch_or(std::uint64_t{1} << port % 64);
    }
    return ok();
}

Status PortSpace::drain(Ipv4Address address) {
    const std::uint32_t index = find(address);
    if (index == 0) return Unexpected(ErrorCode::kNotFound, "no pool has this address");
    addresses_[index].state.store(AddressState::kDraining);
    return ok();
}

void PortSpace::stop_draining(Ipv4Address address) noexcept {
    const std::uint32_t index = find(address);
    if (index != 0) addresses_[index].state.store(AddressState::kActive);
}

void PortSpace::release(Ipv4Address address, std::uint16_t port) noexcept {
    const std::uint32_t index = find(address);
    if (index == 0) return;
    for (const NatProtocol protocol : {NatProtocol::kTcp, NatProtocol::kUdp}) {
        std::atomic_ref word(used_[word_of(PortRef(index, protocol, port))]);
        word.fetch_and(~(std::uint64_t{1} << port % 64));
    }
}

bool PortSpace::is_drained(Ipv4Address address) const noexcept {
    const std::uint32_t index = find(address);
    return index != 0 && addresses_[index].state.load() == AddressState::kDraining &&
           addresses_[index].lent.load() == 0;
}

Status PortSpace::remove(Ipv4Address address) {
    if (!is_drained(address)) {
        return Unexpected(ErrorCode::kUnavailable, "the address still has sessions");
    }
    const std::uint32_t index = find(address);
    Pool& entry = pools_[addresses_[index].pool];
    const std::uint32_t last = entry.count.load() - 1;
    for (std::uint32_t i = 0; i <= last; ++i) {
        if (entry.addresses[i] == index) entry.addresses[i] = entry.addresses[last].load();
    }
    entry.count.store(last, std::memory_order_release);
    index_.erase(key_of(address));
    for (std::size_t i = 0; i < kNatProtocols; ++i) {  // what reserve() marked
        const PortRef first(index, static_cast<NatProtocol>(i), 0);
        std::fill_n(&used_[word_of(first)], kPorts / 64, std::uint64_t{0});
    }
    addresses_[index].state.store(AddressState::kAbsent);
    return ok();
}

PortSpace::Usage PortSpace::usage(NatPoolId pool) const noexcept {
    Usage usage;
    const Pool& entry = pools_[pool.value()];
    for (std::uint32_t i = 0; i < entry.count.load(std::memory_order_acquire); ++i) {
        const Address& address = addresses_[entry.addresses[i].load(std::memory_order_relaxed)];
        if (address.state.load(std::memory_order_relaxed) != AddressState::kActive) continue;
        usage.blocks += address.lendable.load(std::memory_order_relaxed);
        usage.blocks_lent += address.lent.load(std::memory_order_relaxed);
    }
    return usage;
}

std::uint32_t PortSpace::find_indexed(Ipv4Address address) const noexcept {
    std::uint32_t* const value = index_.find(key_of(address));
    if (value == nullptr) return 0;
    return std::atomic_ref(*value).load(std::memory_order_acquire);
}

BlockRef PortSpace::take_block(NatPoolId pool, std::uint32_t preferred, std::uint32_t kind,
                               const Steering& steering, std::uint64_t random) noexcept {
    Pool& entry = pools_[pool.value()];
    if (preferred != 0 && is_active(preferred)) {
        // Before the host gets a second address, a block need not rest.
        for (std::size_t age = kFree; age < kAges; ++age) {
            if (const BlockRef block = take_block_at(preferred, age, random)) return block;
        }
        if (settings(pool).pairing == NatPairing::kStrict) return {};
    }
    const std::uint32_t count = entry.count.load(std::memory_order_acquire);
    for (std::size_t age = kFree; age < kAges; ++age) {
        // An address of the host's own kind keeps ICMP and fragments with the host's worker, too.
        for (const bool wants_kind : {true, false}) {
            for (std::uint32_t i = 0; i < count; ++i) {
                const std::uint32_t place = (static_cast<std::uint32_t>(random >> 32) + i) % count;
                const std::uint32_t index = entry.addresses[place].load(std::memory_order_acquire);
                const bool is_of_kind = steering.kind_of(address(index)) == kind;
                if (is_of_kind != wants_kind || !is_active(index)) continue;
                if (const BlockRef block = take_block_at(index, age, random)) return block;
            }
        }
    }
    return {};
}

BlockRef PortSpace::take_block_at(std::uint32_t address, std::size_t age,
                                  std::uint64_t random) noexcept {
    Address& entry = addresses_[address];
    BlockBits& bits = entry.blocks[age];
    // In a pool that is full nobody looks for long.
    if (entry.lent.load(std::memory_order_relaxed) >= entry.lendable) return {};
    for (std::size_t i = 0; i < kFreeWords; ++i) {
        const std::size_t at = (random + i) % kFreeWords;
        std::uint64_t free = bits[at].load(std::memory_order_acquire);
        while (free != 0) {
            const auto turn = static_cast<int>(random >> 8 & 63U);
            const auto bit = (static_cast<std::size_t>(std::countr_zero(std::rotr(free, turn))) +
                              static_cast<std::size_t>(turn)) %
                             64;
            const std::uint64_t mask = std::uint64_t{1} << bit;
            free = bits[at].fetch_and(~mask);
            if ((free & mask) == 0) continue;  // somebody was faster; `free` is what is left
            const BlockRef block(address, static_cast<std::uint32_t>((at * 64 + bit) * kUnitPorts));
            entry.lent.fetch_add(1);
            if (entry.state.load() == AddressState::kActive) return block;
            give_block(block);  // drained meanwhile
            return {};
        }
    }
    return {};
}

bool PortSpace::take_block(BlockRef block) noexcept {
    Address& entry = addresses_[block.address()];
    const std::size_t unit = block.first_port() / kUnitPorts;
    const std::uint64_t mask = std::uint64_t{1} << unit % 64;
    if (!is_active(block.address())) return false;
    for (BlockBits& bits : entry.blocks) {
        if ((bits[unit / 64].fetch_and(~mask) & mask) == 0) continue;
        entry.lent.fetch_add(1);
        return true;
    }
    return false;
}

void PortSpace::give_block(BlockRef block) noexcept {
    Address& entry = addresses_[block.address()];
    (*this)[block] = {};
    const std::size_t unit = block.first_port() / kUnitPorts;
    entry.blocks[kJustBack][unit / 64].fetch_or(std::uint64_t{1} << unit % 64);
    entry.lent.fetch_sub(1);
}

// A block on its way from one age to the next is in neither: who looks just then takes another.
void PortSpace::end_rest() noexcept {
    for (std::uint32_t index = 1; index < addresses_.size(); ++index) {
        if (!is_known(index)) continue;
        auto& blocks = addresses_[index].blocks;
        for (std::size_t i = 0; i < kFreeWords; ++i) {
            blocks[kFree][i].fetch_or(blocks[kRested][i].exchange(0));
            blocks[kRested][i].fetch_or(blocks[kJustBack][i].exchange(0));
        }
    }
}

// One writer, who holds the claim; others may look.
void PortSpace::set_used(PortRef port, std::uint64_t value) noexcept {
    std::atomic_ref word(used_[word_of(port)]);
    const std::uint64_t bit = std::uint64_t{1} << port.port() % 64;
    const std::uint64_t rest = word.load(std::memory_order_relaxed) & ~bit;
    word.store(rest | (value << port.port() % 64), std::memory_order_relaxed);
}

void PortSpace::use(PortRef port, PortUse use) noexcept {
    set_used(port, 1);
    update(port, use);
}

void PortSpace::free(PortRef port) noexcept {
    set_used(port, 0);
    update(port, PortUse());
}

}  // namespace causeway
