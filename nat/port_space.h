// SPDX-License-Identifier: Apache-2.0
//
// PortSpace: every public address of every pool, and which of their ports are in use. A pool's
// ports are lent to inside hosts in blocks (RFC 6888 REQ-14, RFC 7422 1); within its block a host's
// ports are one bit each.
//
// Thread safety
//   add_pool(), add_address(), drain(), remove(),
//   end_rest()                                      the control thread.
//   find(), read(), usage()                         any thread.
//   take_block(), give_block()                      any worker, also several at once: a block is
//                                                   one bit of an atomic word.
//   all that is done within a block                 whoever holds the claim on the host it is lent
//                                                   to (mapping_table.h).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/mapping.h"
#include "base/prefetch.h"
#include "base/result.h"
#include "nat/flow.h"
#include "nat/settings.h"
#include "nat/shared_map.h"
#include "nat/steering.h"

namespace causeway {

// Public addresses of all pools together, and of one of them.
inline constexpr std::size_t kNatAddressesMax = 4'096;
inline constexpr std::size_t kNatPoolAddressesMax = 256;

// A public port of one protocol:  address index 31..18 | protocol 17..16 | port 15..0.
// Address indices begin with one, so that zero is no port.
class PortRef {
  public:
    constexpr PortRef() noexcept = default;
    constexpr PortRef(std::uint32_t address, NatProtocol protocol, std::uint16_t port) noexcept
        : bits_(address << 18 | static_cast<std::uint32_t>(protocol) << 16 | port) {}
    [[nodiscard]] static constexpr PortRef from_bits(std::uint32_t bits) noexcept {
        PortRef ref;
        ref.bits_ = bits;
        return ref;
    }
    [[nodiscard]] constexpr std::uint32_t bits() const noexcept { return bits_; }
    [[nodiscard]] constexpr std::uint32_t address() const noexcept { return bits_ >> 18; }
    [[nodiscard]] constexpr NatProtocol protocol() const noexcept {
        return static_cast<NatProtocol>(bits_ >> 16 & 3U);
    }
    [[nodiscard]] constexpr std::uint16_t port() const noexcept {
        return static_cast<std::uint16_t>(bits_);
    }
    friend constexpr bool operator==(PortRef, PortRef) = default;

  private:
    std::uint32_t bits_ = 0;
};
static_assert(kNatAddressesMax < 1U << 14);

// Who a port in use belongs to, in one word, so that anybody can read it whole:
//   host 63..40 | inside port 39..24 | sessions 23..0.  Zero: free.
class PortUse {
  public:
    static constexpr std::uint32_t kSessionsMax = (1U << 24) - 1;
    static constexpr std::uint32_t kHostsMax = (1U << 24) - 1;

    constexpr PortUse() noexcept = default;
    constexpr explicit PortUse(std::uint64_t bits) noexcept : bits_(bits) {}
    constexpr PortUse(std::uint32_t host, std::uint16_t inside_port) noexcept
        : bits_(std::uint64_t{host} << 40 | std::uint64_t{inside_port} << 24) {}
    [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
    [[nodiscard]] constexpr std::uint32_t host() const noexcept {
        return static_cast<std::uint32_t>(bits_ >> 40);
    }
    [[nodiscard]] constexpr std::uint16_t inside_port() const noexcept {
        return static_cast<std::uint16_t>(bits_ >> 24);
    }
    [[nodiscard]] constexpr std::uint32_t sessions() const noexcept {
        return static_cast<std::uint32_t>(bits_) & kSessionsMax;
    }
    [[nodiscard]] constexpr PortUse with_more() const noexcept { return PortUse(bits_ + 1); }
    [[nodiscard]] constexpr PortUse with_less() const noexcept { return PortUse(bits_ - 1); }

  private:
    std::uint64_t bits_ = 0;
};

// A block: its address and its first port. Zero is none.
class BlockRef {
  public:
    constexpr BlockRef() noexcept = default;
    constexpr BlockRef(std::uint32_t address, std::uint32_t first_port) noexcept
        : bits_(address << 16 | first_port) {}
    [[nodiscard]] constexpr std::uint32_t address() const noexcept { return bits_ >> 16; }
    [[nodiscard]] constexpr std::uint16_t first_port() const noexcept {
        return static_cast<std::uint16_t>(bits_);
    }
    [[nodiscard]] constexpr explicit operator bool() const noexcept { return bits_ != 0; }
    friend constexpr bool operator==(BlockRef, BlockRef) = default;

  private:
    std::uint32_t bits_ = 0;
};

// RFC 6888 REQ-8: at least so long no other host gets a port that one has had.
inline constexpr NatSeconds kNatBlockRestSeconds = 120;

inline constexpr NatPoolSettings kNatDefaults;  // of a pool that is not there

struct alignas(16) Block {  // within a line
    std::uint32_t host = 0;
    BlockRef next;           // of the host's
    std::uint32_t used = 0;  // ports of all protocols, where the host has other blocks, too
};

enum class AddressState : std::uint8_t { kAbsent, kActive, kDraining };

class PortSpace {
  public:
    struct Usage {
        std::uint32_t blocks = 0;  // of addresses that are not drained
        std::uint32_t blocks_lent = 0;
    };

    [[nodiscard]] static Result<std::unique_ptr<PortSpace>> create();

    [[nodiscard]] Status add_pool(NatPoolId pool, const NatPoolSettings& settings);
    // Grows the pool at once. Addresses of all pools differ.
    [[nodiscard]] Status add_address(NatPoolId pool, Ipv4Address address);
    // A port that a static mapping has; it is never lent. REQUIRES: the address is there, and its
    // block is not lent.
    [[nodiscard]] Status reserve(Ipv4Address address, std::uint16_t port);
    void release(Ipv4Address address, std::uint16_t port) noexcept;  // what reserve() has taken
    // While sessions live, too; but while the pool has addresses, the size of its blocks and its
    // filtering are what they are.
    [[nodiscard]] Status change(NatPoolId pool, const NatPoolSettings& settings);
    // Lends no more of its blocks. Those that are lent stay until their last session is over.
    [[nodiscard]] Status drain(Ipv4Address address);
    void stop_draining(Ipv4Address address) noexcept;
    // Nothing of a drained address is lent any more. Ask after every worker has passed a quiescent
    // point since drain().
    [[nodiscard]] bool is_drained(Ipv4Address address) const noexcept;
    [[nodiscard]] Status remove(Ipv4Address address);  // REQUIRES: is_drained()
    [[nodiscard]] Usage usage(NatPoolId pool) const noexcept;

    // The index of a public address, or zero. Most that is asked for is far from any of them.
    [[nodiscard]] std::uint32_t find(Ipv4Address address) const noexcept {
        if (address.value() < lowest_.load(std::memory_order_acquire)) return 0;
        if (address.value() > highest_.load(std::memory_order_acquire)) return 0;
        return find_indexed(address);
    }
    [[nodiscard]] Ipv4Address address(std::uint32_t index) const noexcept {
        return Ipv4Address(addresses_[index].address.load(std::memory_order_relaxed));
    }
    [[nodiscard]] NatPoolId pool(std::uint32_t index) const noexcept {
        return NatPoolId(addresses_[index].pool.load(std::memory_order_relaxed));
    }
    [[nodiscard]] bool is_known(std::uint32_t index) const noexcept {
        return addresses_[index].state.load(std::memory_order_acquire) != AddressState::kAbsent;
    }
    [[nodiscard]] bool is_active(std::uint32_t index) const noexcept {
        return addresses_[index].state.load(std::memory_order_acquire) == AddressState::kActive;
    }
    [[nodiscard]] const NatPoolSettings& settings(NatPoolId pool) const noexcept {
        return *pools_[pool.value()].settings.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool has_pool(NatPoolId pool) const noexcept {
        return pool.value() < pools_.size() &&
               pools_[pool.value()].exists.load(std::memory_order_acquire);
    }
    [[nodiscard]] PortUse read(PortRef port) const noexcept {
        return PortUse(std::atomic_ref(use_of(port)).load(std::memory_order_acquire));
    }
    [[nodiscard]] Endpoint endpoint(PortRef port) const noexcept {
        return {address(port.address()), port.port()};
    }
    void prefetch(PortRef port) const noexcept { prefetch_line(&use_of(port)); }

    // A free block of the pool: at `preferred`, an address index, if there is one there; else, if
    // that is zero or the pool does not insist on pairing, at another address, one of `kind` if
    // possible. `random` spreads hosts over addresses and blocks.
    [[nodiscard]] BlockRef take_block(NatPoolId pool, std::uint32_t preferred, std::uint32_t kind,
                                      const Steering& steering, std::uint64_t random) noexcept;
    // This one, if it is free.
    [[nodiscard]] bool take_block(BlockRef block) noexcept;
    // It rests, and is lent again only if the pool has no other (RFC 6888 REQ-8).
    void give_block(BlockRef block) noexcept;
    // Every kNatBlockRestSeconds, the control thread: what came back before the last call is free.
    void end_rest() noexcept;
    [[nodiscard]] Block& operator[](BlockRef block) noexcept {
        return blocks_[block.address() * kUnitsPerAddress + block.first_port() / kUnitPorts];
    }

    [[nodiscard]] const Block& operator[](BlockRef block) const noexcept {
        return blocks_[block.address() * kUnitsPerAddress + block.first_port() / kUnitPorts];
    }
    void prefetch(BlockRef block) const noexcept { prefetch_line(&(*this)[block]); }
    void prefetch_ports(BlockRef block, NatProtocol protocol) const noexcept {
        prefetch_line(&used_[word_of(PortRef(block.address(), protocol, block.first_port()))]);
    }

    // Of a block's 64 ports from `first` on, those free for the protocol.
    [[nodiscard]] std::uint64_t free_ports(std::uint32_t address, NatProtocol protocol,
                                           std::uint16_t first) const noexcept {
        return ~std::atomic_ref(used_[word_of(PortRef(address, protocol, first))])
                    .load(std::memory_order_relaxed);
    }
    void use(PortRef port, PortUse use) noexcept;
    void update(PortRef port, PortUse use) noexcept {
        std::atomic_ref(use_of(port)).store(use.bits(), std::memory_order_release);
    }
    void free(PortRef port) noexcept;
    [[nodiscard]] BlockRef block_of(PortRef port) const noexcept {
        const std::uint32_t ports = settings(pool(port.address())).block_ports;
        return {port.address(), port.port() & ~(ports - 1)};  // which is a power of two
    }

  private:
    static constexpr std::size_t kPorts = 65'536;
    static constexpr std::size_t kUnitPorts = kNatBlockPortsMin;
    static constexpr std::size_t kUnitsPerAddress = kPorts / kUnitPorts;
    static constexpr std::size_t kFreeWords = kUnitsPerAddress / 64;

    // Bits of blocks' first units.
    using BlockBits = std::array<std::atomic<std::uint64_t>, kFreeWords>;
    // Of a block that is not lent: free; resting since before end_rest() was called last; or since.
    static constexpr std::size_t kFree = 0;
    static constexpr std::size_t kRested = 1;
    static constexpr std::size_t kJustBack = 2;
    static constexpr std::size_t kAges = 3;

    struct Address {
        std::atomic<std::uint32_t> address = 0;
        std::atomic<std::uint16_t> pool = 0;
        std::atomic<AddressState> state = AddressState::kAbsent;
        std::atomic<std::uint32_t> lent = 0;      // blocks
        std::atomic<std::uint32_t> lendable = 0;  // likewise, the lent ones included
        std::array<BlockBits, kAges> blocks{};    // not lent, by how long
    };
    struct Pool {
        std::atomic<bool> exists = false;
        std::atomic<const NatPoolSettings*> settings = &kNatDefaults;
        std::atomic<std::uint32_t> count = 0;
        std::array<std::atomic<std::uint16_t>, kNatPoolAddressesMax> addresses{};  // indices
    };

    PortSpace(Mapping uses, Mapping used, Mapping blocks, SharedMap index);

    [[nodiscard]] static std::size_t word_of(PortRef port) noexcept {
        return ((port.address() * kNatProtocols + static_cast<std::size_t>(port.protocol())) *
                    kPorts +
                port.port()) /
               64;
    }
    [[nodiscard]] std::uint64_t& use_of(PortRef port) const noexcept {
        return uses_[(port.address() * kNatProtocols + static_cast<std::size_t>(port.protocol())) *
                         kPorts +
                     port.port()];
    }
    [[nodiscard]] std::uint32_t find_indexed(Ipv4Address address) const noexcept;
    [[nodiscard]] BlockRef take_block_at(std::uint32_t address, std::size_t age,
                                         std::uint64_t random) noexcept;
    void set_used(PortRef port, std::uint64_t value) noexcept;
    void set(Pool& pool, const NatPoolSettings& settings);
    void set_free(Address& entry, std::uint32_t block_ports) noexcept;

    Mapping use_memory_;
    Mapping used_memory_;
    Mapping block_memory_;
    std::uint64_t* uses_;                                    // by PortRef
    std::uint64_t* used_;                                    // likewise, a bit each
    SharedMap index_;                                        // addresses, for find()
    std::atomic<std::uint32_t> lowest_ = ~std::uint32_t{0};  // of all addresses there have been
    std::atomic<std::uint32_t> highest_ = 0;
    std::vector<Address> addresses_;
    std::vector<Pool> pools_;
    // All that there have been, because a worker may be reading one: there are as many as an
    // operator changes his mind.
    std::vector<std::unique_ptr<const NatPoolSettings>> settings_;
    Block* blocks_;  // by address and unit
};

}  // namespace causeway
