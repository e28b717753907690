// SPDX-License-Identifier: Apache-2.0
#include "fib/level1.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::size_t kChunkBytes = kFibChunkEntries * sizeof(FibEntry);
constexpr std::uint32_t kFlatChunks = kFibChunkRows;
constexpr std::size_t kFlatBytes = kFlatChunks * kChunkBytes;
// Kernels compute the index of an entry in 31 bits.
constexpr std::size_t kChunksMax = (std::size_t{1} << 31) / kFibChunkEntries;
constexpr std::uint32_t kHugePageChunks = kHugePageBytes / kChunkBytes;

static_assert(kFlatBytes % kHugePageBytes == 0 && kHugePageBytes % kChunkBytes == 0);
static_assert(2 * kFibLevel1BytesMax / kChunkBytes <= kChunksMax,
              "small and large VRFs can use up the limit by themselves");

constexpr std::size_t round_up(std::size_t value, std::size_t multiple) noexcept {
    return (value + multiple - 1) / multiple * multiple;
}

// An odd number of cache lines: with an even one, a VRF's numbers in all the rows would compete for
// a few sets of the cache.
constexpr std::size_t row_length(std::size_t vrfs) noexcept {
    constexpr std::size_t kPerLine = kCacheLine / sizeof(std::uint32_t);
    return round_up(vrfs, 2 * kPerLine) + kPerLine;
}

void publish(std::uint32_t* place, std::uint32_t value) noexcept {
    __atomic_store_n(place, value, __ATOMIC_RELEASE);
}

Unexpected full(std::size_t bytes_max) {
    return Unexpected(ErrorCode::kFull, "the route tables' memory of " +
                                            std::to_string(bytes_max >> 20) + " MiB is used up");
}

}  // namespace

Result<Level1> Level1::create(GracePeriods& grace, const Options& options) {
    if (options.bytes_max > kFibLevel1BytesMax) {
        return Unexpected(ErrorCode::kInvalid, "more memory for routes than can be addressed");
    }
    Result<Mapping> arena = Mapping::reserve(kChunksMax * kChunkBytes + kHugePageBytes);
    if (!arena) return Unexpected(arena.error());
    const std::size_t entries = kFibChunkRows * row_length(options.vrfs_max + 1);
    Result<Mapping> directory =
        Mapping::allocate(entries * sizeof(std::uint32_t), PageSize::kSmall);
    if (!directory) return Unexpected(directory.error());
    return Level1(grace, options, std::move(*arena), std::move(*directory));
}

Level1::Level1(GracePeriods& grace, const Options& options, Mapping arena, Mapping directory)
    : grace_(&grace),
      options_(options),
      arena_(std::move(arena)),
      directory_(std::move(directory)),
      row_length_(row_length(options.vrfs_max + 1)),
      flats_(std::make_unique<std::uint32_t[]>(options.vrfs_max + 1)),
      vrfs_(options.vrfs_max),
      first_flat_(
          static_cast<std::uint32_t>(round_up(options.bytes_max / kChunkBytes + 1, kFlatChunks))) {
    const std::size_t flats = std::min(options.bytes_max / kFlatBytes,
                                       (kChunksMax - first_flat_) / std::size_t{kFlatChunks});
    for (std::size_t i = flats; i-- > 0;) {
        free_flats_.push_back(first_flat_ + static_cast<std::uint32_t>(i) * kFlatChunks);
    }
}

void Level1::describe(FibTables& tables) const noexcept {
    tables.level1 = reinterpret_cast<const FibEntry*>(arena_.data());
    tables.directory = reinterpret_cast<const std::uint32_t*>(directory_.data());
    tables.flats = flats_.get();
    tables.row_length = static_cast<std::uint32_t>(row_length_);
    tables.vrfs_max = static_cast<std::uint32_t>(options_.vrfs_max);
}

std::uint32_t& Level1::chunk_number(VrfId vrf, std::uint32_t row) const noexcept {
    return reinterpret_cast<std::uint32_t*>(directory_.data())[row * row_length_ + vrf.value()];
}

FibEntry* Level1::chunk(std::uint32_t number) const noexcept {
    return reinterpret_cast<FibEntry*>(arena_.data()) + number * kFibChunkEntries;
}

FibEntry* Level1::entry(VrfId vrf, std::uint32_t slash24) const noexcept {
    const std::uint32_t flat = flats_[vrf.value()];
    const auto row = static_cast<std::uint32_t>(slash24 / kFibChunkEntries);
    const std::uint32_t number = flat != 0 ? flat + row : chunk_number(vrf, row);
    return chunk(number) + slash24 % kFibChunkEntries;
}

Status Level1::open(VrfId vrf) {
    if (vrf.value() >= options_.vrfs_max) {
        return Unexpected(ErrorCode::kInvalid, "VRF number " + std::to_string(vrf.value()) +
                                                   " is beyond the last, " +
                                                   std::to_string(options_.vrfs_max - 1));
    }
    if (is_open(vrf)) {
        return Unexpected(ErrorCode::kExists,
                          "VRF number " + std::to_string(vrf.value()) + " exists");
    }
    vrfs_[vrf.value()].is_open = true;
    ++open_count_;
    return ok();
}

void Level1::close(VrfId vrf) {
    Vrf& state = vrfs_[vrf.value()];
    CHECK(state.is_open);
    const std::uint32_t flat = flats_[vrf.value()];
    for (const Chunk& chunk : state.chunks) publish(&chunk_number(vrf, chunk.row), 0);
    if (flat != 0) {
        publish(&flats_[vrf.value()], 0);
        retired_.push_back({.token = grace_->begin(), .chunk = flat});
        bytes_ -= kFlatBytes;
        --large_count_;
    } else {
        retire_chunks(state);
    }
    state = Vrf{};
    --open_count_;
    reclaim();
}

Status Level1::cover(VrfId vrf, Ipv4Prefix prefix) {
    if (flats_[vrf.value()] != 0) return ok();
    const std::uint32_t first = (prefix.first().value() >> 8) / kFibChunkEntries;
    const std::uint32_t last = (prefix.last().value() >> 8) / kFibChunkEntries;
    std::size_t missing = 0;
    for (std::uint32_t row = first; row <= last; ++row) missing += chunk_number(vrf, row) == 0;
    if (missing == 0) return ok();
    const std::size_t wanted = vrfs_[vrf.value()].chunks.size() + missing;
    if (wanted > options_.large_vrf_chunks && grow_large(vrf)) return ok();
    if (Status status = make_room(missing); !status) return status;
    for (std::uint32_t row = first; row <= last; ++row) {
        if (chunk_number(vrf, row) == 0) insert_chunk(vrf, row);
    }
    return ok();
}

// Sees to it that as many insertions succeed.
Status Level1::make_room(std::size_t chunks) {
    if (bytes_ + chunks * kChunkBytes > options_.bytes_max) return full(options_.bytes_max);
    if (free_chunks_.size() < chunks) reclaim();
    if (free_chunks_.size() >= chunks) return ok();
    const std::size_t end = chunks_touched_ + chunks - free_chunks_.size();
    if (end > first_flat_) return full(options_.bytes_max);
    if (end > chunks_writable_) {
        const std::size_t bytes = round_up(end, kHugePageChunks) * kChunkBytes;
        const std::size_t offset = chunks_writable_ * kChunkBytes;
        if (Status status = arena_.make_writable(offset, bytes - offset); !status) return status;
        arena_.make_huge(offset, bytes - offset);
        chunks_writable_ = static_cast<std::uint32_t>(bytes / kChunkBytes);
    }
    return ok();
}

void Level1::insert_chunk(VrfId vrf, std::uint32_t row) noexcept {
    std::uint32_t number = chunks_touched_;
    if (free_chunks_.empty()) {
        ++chunks_touched_;
    } else {
        number = free_chunks_.back();
        free_chunks_.pop_back();
        std::memset(chunk(number), 0, kChunkBytes);
    }
    bytes_ += kChunkBytes;
    vrfs_[vrf.value()].chunks.push_back({.row = row, .number = number});
    publish(&chunk_number(vrf, row), number);
}

// Moves a VRF to a flat table, unnoticed: readers find the same entries before and after. False
// where that would exceed the limit: then it works on chunks, only slower.
bool Level1::grow_large(VrfId vrf) {
    const Vrf& state = vrfs_[vrf.value()];
    if (bytes_ - state.chunks.size() * kChunkBytes + kFlatBytes > options_.bytes_max) return false;
    if (free_flats_.empty()) reclaim();
    if (free_flats_.empty()) return false;
    const std::uint32_t flat = free_flats_.back();
    const std::size_t offset = flat * kChunkBytes;
    if (!arena_.make_writable(offset, kFlatBytes)) return false;
    free_flats_.pop_back();
    arena_.make_huge(offset, kFlatBytes);
    for (const auto& [row, number] : state.chunks) {
        std::memcpy(chunk(flat + row), chunk(number), kChunkBytes);
    }
    publish(&flats_[vrf.value()], flat);
    retire_chunks(state);
    bytes_ += kFlatBytes;
    ++large_count_;
    return true;
}

void Level1::retire_chunks(const Vrf& state) {
    if (state.chunks.empty()) return;
    const std::uint64_t token = grace_->begin();
    for (const Chunk& chunk : state.chunks) {
        retired_.push_back({.token = token, .chunk = chunk.number});
    }
    bytes_ -= state.chunks.size() * kChunkBytes;
}

void Level1::reclaim() {
    while (!retired_.empty() && grace_->is_over(retired_.front().token)) {
        const std::uint32_t number = retired_.front().chunk;
        retired_.pop_front();
        if (number < first_flat_) {
            free_chunks_.push_back(number);
        } else {
            arena_.discard(number * kChunkBytes, kFlatBytes);
            free_flats_.push_back(number);
        }
    }
}

}  // namespace causeway
