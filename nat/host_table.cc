// SPDX-License-Identifier: Apache-2.0
#include "nat/host_table.h"

#include <immintrin.h>

#include <string>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::uint64_t kClaimed = std::uint64_t{1} << 63;
// Some ten microseconds: a holder is done in a fraction of one unless the system took its core.
constexpr int kClaimTries = 256;
// Of one hash, that are looked through without its claim.
constexpr int kPeekedBuckets = 3;

// Three buckets for every two hosts: of a full table that fills one host in twenty is not in its
// first bucket; of one whose hosts come and go, one in nine (Erlang's formula, two places, load
// 2/3).
constexpr std::uint32_t homes_for(std::uint32_t hosts_max) noexcept {
    return hosts_max + hosts_max / 2 + 1;
}
// Twice as many as those take, and enough for a small table whose hosts are all of a hash.
constexpr std::uint32_t spares_for(std::uint32_t hosts_max) noexcept {
    return hosts_max / 4 + 64;
}
constexpr std::uint32_t buckets_for(std::uint32_t hosts_max) noexcept {
    return 1 + homes_for(hosts_max) + spares_for(hosts_max);
}
static_assert(2 * buckets_for(HostTable::kHostsMax) <= PortUse::kHostsMax + 1);

}  // namespace

Result<HostTable> HostTable::create(std::uint32_t hosts_max, const HashSecret& secret) {
    if (hosts_max == 0 || hosts_max > kHostsMax) {
        return Unexpected(ErrorCode::kInvalid,
                          "a NAT has 1 to " + std::to_string(kHostsMax) + " inside hosts");
    }
    auto memory = Mapping::allocate(std::size_t{buckets_for(hosts_max)} * sizeof(HostBucket),
                                    PageSize::kHuge);
    if (!memory) return Unexpected(memory.error());
    return HostTable(std::move(memory).value(), hosts_max, secret);
}

HostTable::HostTable(Mapping memory, std::uint32_t hosts_max, const HashSecret& secret) noexcept
    : secret_(secret),
      hosts_max_(hosts_max),
      home_count_(homes_for(hosts_max)),
      bucket_count_(buckets_for(hosts_max)),
      memory_(std::move(memory)),
      buckets_(reinterpret_cast<HostBucket*>(memory_.data())),
      spares_(1 + home_count_) {
    for (std::uint32_t spare = 1 + home_count_; spare + 1 < bucket_count_; ++spare) {
        buckets_[spare].claim.store(spare + 1, std::memory_order_relaxed);
    }
}

HostTable::HostTable(HostTable&& other) noexcept
    : secret_(other.secret_),
      hosts_max_(other.hosts_max_),
      home_count_(other.home_count_),
      bucket_count_(other.bucket_count_),
      memory_(std::move(other.memory_)),
      buckets_(other.buckets_),
      spares_(other.spares_.load(std::memory_order_relaxed)),
      size_(other.size()) {}

std::uint32_t HostTable::peek(const HostBucket& home, HostKey key) const noexcept {
    const HostBucket* bucket = &home;
    for (int peeked = 0; bucket != nullptr && peeked < kPeekedBuckets; ++peeked) {
        const std::uint32_t place = place_of(*bucket, key.bits());
        if (place < 2) return 2 * index_of(*bucket) + place;
        bucket = behind(*bucket);
    }
    return 0;
}

HostBucket* HostTable::take_spare() noexcept {
    std::uint64_t top = spares_.load(std::memory_order_acquire);
    std::uint64_t rest = 0;
    do {
        if (static_cast<std::uint32_t>(top) == 0) return nullptr;
        // May be taken by another by now; then the count has changed and the exchange fails.
        const std::uint64_t next =
            buckets_[static_cast<std::uint32_t>(top)].claim.load(std::memory_order_relaxed);
        rest = ((top >> 32) + 1) << 32 | static_cast<std::uint32_t>(next);
    } while (!spares_.compare_exchange_weak(top, rest, std::memory_order_acq_rel));
    return &buckets_[static_cast<std::uint32_t>(top)];
}

void HostTable::give_spare(HostBucket& bucket) noexcept {
    std::uint64_t top = spares_.load(std::memory_order_relaxed);
    std::uint64_t with_it = 0;
    do {
        bucket.claim.store(static_cast<std::uint32_t>(top), std::memory_order_relaxed);
        with_it = ((top >> 32) + 1) << 32 | index_of(bucket);
    } while (!spares_.compare_exchange_weak(top, with_it, std::memory_order_acq_rel));
}

HostTable::Claim::Claim(HostTable& table, HostBucket& home) noexcept : table_(table), home_(home) {
    for (int tries = 0; tries < kClaimTries; ++tries) {
        std::uint64_t word = home.claim.load(std::memory_order_relaxed);
        if ((word & kClaimed) == 0 &&
            home.claim.compare_exchange_strong(word, word | kClaimed, std::memory_order_acquire)) {
            behind_ = static_cast<std::uint32_t>(word);
            is_held_ = true;
            return;
        }
        _mm_pause();
    }
}

std::uint32_t HostTable::Claim::find(HostKey key) const noexcept {
    for (const HostBucket* bucket = &home_; bucket != nullptr; bucket = next(*bucket)) {
        const std::uint32_t place = place_of(*bucket, key.bits());
        if (place < 2) return 2 * table_.index_of(*bucket) + place;
    }
    return 0;
}

std::uint32_t HostTable::Claim::add(HostKey key) noexcept {
    if (table_.size() >= table_.hosts_max_) return 0;  // and nobody's line is written to
    HostBucket* bucket = &home_;
    while (bucket != nullptr && place_of(*bucket, 0) == 2) bucket = next(*bucket);
    if (table_.size_.fetch_add(1, std::memory_order_relaxed) < table_.hosts_max_) {
        if (bucket == nullptr && (bucket = table_.take_spare()) != nullptr) {
            bucket->claim.store(behind_, std::memory_order_relaxed);
            behind_ = table_.index_of(*bucket);
        }
    } else {
        bucket = nullptr;
    }
    if (bucket == nullptr) {
        table_.size_.fetch_sub(1, std::memory_order_relaxed);
        return 0;
    }
    const std::uint32_t place = place_of(*bucket, 0);
    NatHost& host = bucket->hosts[place];
    host.blocks.store({}, std::memory_order_relaxed);
    host.block_count.store(0, std::memory_order_relaxed);
    host.sessions.store(0, std::memory_order_relaxed);
    host.ports = 0;
    host.key.store(key.bits(), std::memory_order_release);
    return 2 * table_.index_of(*bucket) + place;
}

void HostTable::Claim::remove(std::uint32_t number) noexcept {
    DCHECK(table_.key_of(number));
    table_[number].key.store(0, std::memory_order_release);
    table_.size_.fetch_sub(1, std::memory_order_relaxed);
    HostBucket& bucket = table_.buckets_[number / 2];
    const bool is_empty = table_[number ^ 1].key.load(std::memory_order_relaxed) == 0;
    if (&bucket == &home_ || !is_empty) return;
    unlink(bucket);
    table_.give_spare(bucket);
}

void HostTable::Claim::unlink(HostBucket& bucket) noexcept {
    const auto rest = static_cast<std::uint32_t>(bucket.claim.load(std::memory_order_relaxed));
    if (behind_ == table_.index_of(bucket)) {
        behind_ = rest;
        return;
    }
    HostBucket* before = &table_.buckets_[behind_];
    while (table_.behind(*before) != &bucket) before = table_.behind(*before);
    before->claim.store(rest, std::memory_order_relaxed);
}

}  // namespace causeway
