// SPDX-License-Identifier: Apache-2.0
//
// HostTable: the inside hosts that have sessions, by pool and address, and the right to change what
// is theirs.
//
// A bucket is a cache line: two hosts and their claim, a word with one bit for the right to all
// hosts of the bucket's hash. Hosts that find no place in it have further buckets behind it. So who
// begins or ends a session has claim and host for one line, and knows which from the address alone.
//
// Thread safety: what a host has is written, and `ports` read, by whose claim it is; all else is
// any thread's to read at any time, and tells what was so a moment ago.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/limits.h"
#include "base/mapping.h"
#include "base/result.h"
#include "nat/keyed_hash.h"
#include "nat/port_space.h"

namespace causeway {

// An inside host's pool and address, never zero.
class HostKey {
  public:
    constexpr HostKey(NatPoolId pool, Ipv4Address address) noexcept
        : bits_(std::uint64_t{1} << 63 | std::uint64_t{pool.value()} << 32 | address.value()) {}
    [[nodiscard]] static constexpr std::optional<HostKey> from_bits(std::uint64_t bits) noexcept {
        if (bits == 0) return std::nullopt;
        return HostKey(NatPoolId(static_cast<std::uint16_t>(bits >> 32)),
                       Ipv4Address(static_cast<std::uint32_t>(bits)));
    }
    [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
    [[nodiscard]] constexpr NatPoolId pool() const noexcept {
        return NatPoolId(static_cast<std::uint16_t>(bits_ >> 32));
    }
    [[nodiscard]] constexpr Ipv4Address address() const noexcept {
        return Ipv4Address(static_cast<std::uint32_t>(bits_));
    }

  private:
    std::uint64_t bits_;
};

struct NatHost {
    std::atomic<std::uint64_t> key;  // a HostKey's bits; zero: nobody
    std::atomic<BlockRef> blocks;    // the newest; the others behind it
    std::atomic<std::uint32_t> block_count;
    std::atomic<std::uint32_t> sessions;
    std::uint32_t ports;  // in use, of all blocks; under the claim
};

struct alignas(kCacheLine) HostBucket {
    std::atomic<std::uint64_t> claim;  // claimed 63 | the bucket behind this one 31..0
    std::array<NatHost, 2> hosts;
};
static_assert(sizeof(HostBucket) == kCacheLine);

class HostTable {
  public:
    class Claim;

    // More than there are blocks to lend them.
    static constexpr std::uint32_t kHostsMax = PortUse::kHostsMax / 4;

    [[nodiscard]] static Result<HostTable> create(std::uint32_t hosts_max,
                                                  const HashSecret& secret);
    HostTable(HostTable&& other) noexcept;

    // Hosts have numbers below numbers(); zero is none.
    [[nodiscard]] std::uint32_t numbers() const noexcept { return 2 * bucket_count_; }
    [[nodiscard]] NatHost& operator[](std::uint32_t number) const noexcept {
        return buckets_[number / 2].hosts[number % 2];
    }
    [[nodiscard]] std::optional<HostKey> key_of(std::uint32_t number) const noexcept {
        return HostKey::from_bits((*this)[number].key.load(std::memory_order_acquire));
    }
    // How many hosts there are, and may be.
    [[nodiscard]] std::uint32_t size() const noexcept {
        return size_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint32_t hosts_max() const noexcept { return hosts_max_; }

    // The first bucket of a host, which has its claim.
    [[nodiscard]] HostBucket& home_of(HostKey key) const noexcept {
        const std::uint64_t hash = keyed_hash(key.bits(), 0, secret_);
        return buckets_[1 + scaled(static_cast<std::uint32_t>(hash >> 32), home_count_)];
    }
    // The host's number, or zero, as far as that can be seen without a claim.
    [[nodiscard]] std::uint32_t peek(const HostBucket& home, HostKey key) const noexcept;

  private:
    HostTable(Mapping memory, std::uint32_t hosts_max, const HashSecret& secret) noexcept;

    [[nodiscard]] std::uint32_t index_of(const HostBucket& bucket) const noexcept {
        return static_cast<std::uint32_t>(&bucket - buckets_);
    }
    [[nodiscard]] HostBucket* behind(const HostBucket& bucket) const noexcept {
        const auto next = static_cast<std::uint32_t>(bucket.claim.load(std::memory_order_relaxed));
        return next == 0 ? nullptr : &buckets_[next];
    }
    // In which of a bucket's places the key is; two where it is in none.
    [[nodiscard]] static std::uint32_t place_of(const HostBucket& bucket,
                                                std::uint64_t key) noexcept {
        if (bucket.hosts[0].key.load(std::memory_order_relaxed) == key) return 0;
        return bucket.hosts[1].key.load(std::memory_order_relaxed) == key ? 1 : 2;
    }
    [[nodiscard]] HostBucket* take_spare() noexcept;
    void give_spare(HostBucket& bucket) noexcept;

    HashSecret secret_;
    std::uint32_t hosts_max_;
    std::uint32_t home_count_;    // buckets from 1 on, by hash
    std::uint32_t bucket_count_;  // with the one that is not used, and those behind others
    Mapping memory_;
    HostBucket* buckets_;
    // What changes lies apart from what is read for each session.
    alignas(kCacheLine) std::atomic<std::uint64_t> spares_;  // a stack: its changes 63..32 | first
    std::atomic<std::uint32_t> size_ = 0;
};

// The right to all hosts of one hash, until the end of the scope, if it is to be had.
class HostTable::Claim {
  public:
    Claim(HostTable& table, HostBucket& home) noexcept;
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;
    ~Claim() {
        if (is_held_) home_.claim.store(behind_, std::memory_order_release);
    }
    [[nodiscard]] bool is_held() const noexcept { return is_held_; }

    // The host's number; zero where it is not there, or where there is no room.
    [[nodiscard]] std::uint32_t find(HostKey key) const noexcept;
    [[nodiscard]] std::uint32_t find_or_add(HostKey key) noexcept {
        const std::uint32_t number = find(key);
        return number != 0 ? number : add(key);
    }
    void remove(std::uint32_t number) noexcept;

  private:
    [[nodiscard]] std::uint32_t add(HostKey key) noexcept;
    [[nodiscard]] HostBucket* next(const HostBucket& bucket) const noexcept {
        if (&bucket != &home_) return table_.behind(bucket);
        return behind_ == 0 ? nullptr : &table_.buckets_[behind_];
    }
    void unlink(HostBucket& bucket) noexcept;

    HostTable& table_;
    HostBucket& home_;
    std::uint32_t behind_ = 0;  // the claim's word when it is given back
    bool is_held_ = false;
};

}  // namespace causeway
