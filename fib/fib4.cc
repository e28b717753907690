// SPDX-License-Identifier: Apache-2.0
#include "fib/fib4.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/cpu.h"

namespace causeway {
namespace {

// Four entries stored at once. An aligned word is stored whole, so none of its entries is torn.
using EntryWord [[gnu::may_alias]] = std::uint64_t;
constexpr std::size_t kEntriesPerWord = sizeof(EntryWord) / sizeof(FibEntry);
constexpr EntryWord kFourEntries = 0x0001'0001'0001'0001;
constexpr EntryWord kFourExtensionBits = kFourEntries * kFibExtensionBit;

void store(FibEntry* entry, FibEntry value) noexcept {
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

}  // namespace

Result<std::unique_ptr<Fib4>> Fib4::create(GracePeriods& grace, const Options& options) {
    if (options.vrfs_max == 0 || options.vrfs_max > kVrfsMax ||
        options.blocks_max > kFibBlocksMax) {
        return Unexpected(ErrorCode::kInvalid, "more VRFs or extension blocks than can be named");
    }
    Result<Level1> level1 = Level1::create(grace, {.vrfs_max = options.vrfs_max,
                                                   .bytes_max = options.level1_bytes_max,
                                                   .large_vrf_chunks = options.large_vrf_chunks});
    if (!level1) return Unexpected(level1.error());
    Result<Mapping> blocks = Mapping::allocate(
        options.blocks_max * kFibBlockEntries * sizeof(FibEntry) + kCacheLine, PageSize::kHuge);
    if (!blocks) return Unexpected(blocks.error());
    return std::unique_ptr<Fib4>(new Fib4(grace, options, std::move(*level1), std::move(*blocks)));
}

Fib4::Fib4(GracePeriods& grace, const Options& options, Level1 level1, Mapping blocks)
    : kernel_(has_avx512() ? fib4_lookup_avx512 : fib4_lookup_scalar),
      kernel_name_(has_avx512() ? "avx512" : "scalar"),
      grace_(grace),
      options_(options),
      level1_(std::move(level1)),
      blocks_memory_(std::move(blocks)),
      defaults_(std::make_unique<FibEntry[]>(options.vrfs_max + 1 + kCacheLine)),
      blocks_(options.blocks_max) {
    level1_.describe(tables_);
    tables_.blocks = reinterpret_cast<const FibEntry*>(blocks_memory_.data());
    tables_.defaults = defaults_.get();
    free_blocks_.reserve(options.blocks_max);
    for (std::size_t index = options.blocks_max; index-- > 0;) {
        free_blocks_.push_back(static_cast<std::uint16_t>(index));
    }
}

FibEntry* Fib4::block(std::size_t index) const noexcept {
    return reinterpret_cast<FibEntry*>(blocks_memory_.data()) + index * kFibBlockEntries;
}

Status Fib4::open_vrf(VrfId vrf) {
    return level1_.open(vrf);
}

void Fib4::close_vrf(VrfId vrf) {
    set_default(vrf, kNoRouteGroup);
    level1_.close(vrf);
    for (std::size_t index = 0; index < blocks_.size() && blocks_used_ != 0; ++index) {
        if (blocks_[index].is_used && blocks_[index].vrf == vrf) {
            retire_block(static_cast<std::uint16_t>(index));
        }
    }
}

void Fib4::set_default(VrfId vrf, GroupId group) noexcept {
    store(&defaults_[vrf.value()], group.value());
}

Status Fib4::hold(VrfId vrf, Ipv4Prefix prefix) {
    DCHECK(level1_.is_open(vrf));
    if (prefix.length() == 0) return ok();
    const std::uint32_t slash24 = prefix.address().value() >> 8;
    if (prefix.length() <= 24) return level1_.cover(vrf, prefix);
    const bool needs_block = (*level1_.entry(vrf, slash24) & kFibExtensionBit) == 0;
    if (needs_block) reclaim_blocks();
    if (needs_block && free_blocks_.empty()) {
        return Unexpected(ErrorCode::kFull, "all " + std::to_string(options_.blocks_max) +
                                                " blocks for prefixes longer than /24 are in use");
    }
    if (Status status = level1_.cover(vrf, prefix); !status) return status;
    if (needs_block) insert_block(vrf, slash24);
    ++blocks_[*level1_.entry(vrf, slash24) ^ kFibExtensionBit].holds;
    return ok();
}

void Fib4::insert_block(VrfId vrf, std::uint32_t slash24) {
    const std::uint16_t index = free_blocks_.back();
    free_blocks_.pop_back();
    ++blocks_used_;
    blocks_[index] = {.vrf = vrf, .is_used = true};
    // The block gives the answers of the entry it replaces, so that publishing it changes none.
    FibEntry* const entry = level1_.entry(vrf, slash24);
    std::fill_n(block(index), kFibBlockEntries, *entry);
    store(entry, static_cast<FibEntry>(kFibExtensionBit | index));
}

void Fib4::drop(VrfId vrf, Ipv4Prefix prefix) noexcept {
    if (prefix.length() <= 24) return;
    const FibEntry entry = *level1_.entry(vrf, prefix.address().value() >> 8);
    CHECK((entry & kFibExtensionBit) != 0);
    Block& state = blocks_[entry ^ kFibExtensionBit];
    CHECK(state.holds != 0);
    --state.holds;
}

void Fib4::collapse(VrfId vrf, Ipv4Prefix prefix) {
    if (prefix.length() <= 24) return;
    FibEntry* const entry = level1_.entry(vrf, prefix.address().value() >> 8);
    if ((*entry & kFibExtensionBit) == 0) return;
    const auto index = static_cast<std::uint16_t>(*entry ^ kFibExtensionBit);
    if (blocks_[index].holds != 0) return;
    const FibEntry* const entries = block(index);
    DCHECK(std::all_of(entries, entries + kFibBlockEntries,
                       [&](FibEntry e) { return e == entries[0]; }));
    store(entry, entries[0]);
    retire_block(index);
}

void Fib4::retire_block(std::uint16_t index) {
    blocks_[index] = Block{};
    --blocks_used_;
    retired_.push_back({.token = grace_.begin(), .block = index});
}

void Fib4::reclaim_blocks() {
    while (!retired_.empty() && grace_.is_over(retired_.front().token)) {
        free_blocks_.push_back(retired_.front().block);
        retired_.pop_front();
    }
}

void Fib4::fill(VrfId vrf, Ipv4Address first, Ipv4Address last, GroupId group) noexcept {
    DCHECK(first <= last);
    const FibEntry value = group.value();
    std::uint32_t first24 = first.value() >> 8;
    std::uint32_t last24 = last.value() >> 8;
    const std::uint32_t first_low = first.value() & 0xff;
    const std::uint32_t last_low = last.value() & 0xff;
    if (first24 == last24) {
        fill_slash24(vrf, first24, first_low, last_low, value);
        return;
    }
    if (first_low != 0) fill_slash24(vrf, first24++, first_low, 255, value);
    if (last_low != 255) fill_slash24(vrf, last24--, 0, last_low, value);
    if (first24 <= last24) fill_level1(vrf, first24, last24, value);
}

void Fib4::fill_slash24(VrfId vrf, std::uint32_t slash24, std::uint32_t first, std::uint32_t last,
                        FibEntry value) noexcept {
    FibEntry* const entry = level1_.entry(vrf, slash24);
    if ((*entry & kFibExtensionBit) == 0) {
        CHECK(first == 0 && last == 255);
        store(entry, value);
        return;
    }
    FibEntry* const entries = block(*entry ^ kFibExtensionBit);
    for (std::uint32_t low = first; low <= last; ++low) store(entries + low, value);
}

// A gap between prefixes of a /24 or shorter; yet a /24 in it may still have a block that waits for
// collapse(), and is filled like the others.
void Fib4::fill_level1(VrfId vrf, std::uint32_t first24, std::uint32_t last24,
                       FibEntry value) noexcept {
    for (std::uint32_t slash24 = first24; slash24 <= last24;) {
        // Words do not reach over the end of a chunk.
        auto* const word = reinterpret_cast<EntryWord*>(level1_.entry(vrf, slash24));
        const bool is_whole =
            slash24 % kEntriesPerWord == 0 && slash24 + kEntriesPerWord - 1 <= last24;
        if (is_whole && (*word & kFourExtensionBits) == 0) {
            __atomic_store_n(word, value * kFourEntries, __ATOMIC_RELEASE);
            slash24 += kEntriesPerWord;
        } else {
            fill_slash24(vrf, slash24++, 0, 255, value);
        }
    }
}

Fib4::Usage Fib4::usage() const noexcept {
    return {.vrfs = level1_.open_count(),
            .blocks = blocks_used_,
            .blocks_retired = retired_.size(),
            .vrfs_large = level1_.large_count(),
            .level1_bytes = level1_.bytes()};
}

}  // namespace causeway
