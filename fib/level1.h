// SPDX-License-Identifier: Apache-2.0
//
// Level1: the first level of Fib4, one entry a /24, of all VRFs: who has which memory.
//
// Thread safety: the control thread's. Readers see it through FibTables, by the arithmetic of
// fib4_kernel.h.
//
// Theory of operation
//   A chunk is 2,048 entries: the /24s of a /13, 4 KiB. A small VRF has chunks for what it has
//   routes in, and a directory says which. A VRF that needs many becomes large: it moves to a flat
//   table of all its 8,192 chunks in a row, where a chunk's number is arithmetic, and on pages of
//   its own. Both kinds lie in one arena on huge pages, so a thousand VRFs miss the TLB no more
//   than one does. Chunk 0 is always empty and stands for every chunk that a VRF does not have.
//
//   The directory is by row: the chunks of all VRFs for the same /13 lie side by side. Private
//   space is 35 rows, so the directory of a thousand VRFs takes 70 small pages at most.
//
// Invariants
//   (1) A chunk is empty, and a flat table filled, before a reader can learn its number. It is
//       reused only when a grace period has passed since readers could last learn it.
//   (2) A large VRF's column of the directory is not looked at and keeps its old numbers, for
//       readers that have not seen the VRF move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/grace.h"
#include "base/mapping.h"
#include "base/result.h"
#include "base/types.h"
#include "fib/fib4_kernel.h"

namespace causeway {

class Level1 {
  public:
    struct Options {
        std::size_t vrfs_max = 0;
        std::size_t bytes_max = 0;         // of all VRFs, as bytes() counts
        std::size_t large_vrf_chunks = 0;  // a VRF that would need more becomes large
    };

    // The grace periods must outlive it.
    [[nodiscard]] static Result<Level1> create(GracePeriods& grace, const Options& options);

    // Fills in what readers need of it.
    void describe(FibTables& tables) const noexcept;

    // kInvalid beyond vrfs_max, kExists.
    [[nodiscard]] Status open(VrfId vrf);
    // Every entry reads as zero from now on.
    void close(VrfId vrf);
    [[nodiscard]] bool is_open(VrfId vrf) const noexcept { return vrfs_[vrf.value()].is_open; }

    // Makes sure that all entries of the prefix can be written. kFull or kUnavailable leave
    // everything as it was.
    [[nodiscard]] Status cover(VrfId vrf, Ipv4Prefix prefix);
    // The entry of a /24; those of the same chunk follow each other. Valid until the next cover().
    // To be written only if covered.
    [[nodiscard]] FibEntry* entry(VrfId vrf, std::uint32_t slash24) const noexcept;

    [[nodiscard]] std::size_t open_count() const noexcept { return open_count_; }
    [[nodiscard]] std::size_t large_count() const noexcept { return large_count_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }  // in use

  private:
    struct Chunk {
        std::uint32_t row;
        std::uint32_t number;
    };
    struct Vrf {
        bool is_open = false;
        std::vector<Chunk> chunks;  // its column of the directory; those of before, if it is large
    };
    struct Retired {
        std::uint64_t token;
        std::uint32_t chunk;  // the first, of a flat table
    };

    Level1(GracePeriods& grace, const Options& options, Mapping arena, Mapping directory);

    [[nodiscard]] std::uint32_t& chunk_number(VrfId vrf, std::uint32_t row) const noexcept;
    [[nodiscard]] FibEntry* chunk(std::uint32_t number) const noexcept;
    [[nodiscard]] Status make_room(std::size_t chunks);
    void insert_chunk(VrfId vrf, std::uint32_t row) noexcept;
    [[nodiscard]] bool grow_large(VrfId vrf);
    void retire_chunks(const Vrf& state);
    void reclaim();

    GracePeriods* grace_;
    Options options_;
    Mapping arena_;
    Mapping directory_;
    std::size_t row_length_;
    std::unique_ptr<std::uint32_t[]> flats_;  // by VRF: its flat table's first chunk, or 0
    std::vector<Vrf> vrfs_;
    std::vector<std::uint32_t> free_chunks_;
    std::vector<std::uint32_t> free_flats_;
    std::deque<Retired> retired_;       // in the order of their tokens
    std::uint32_t chunks_touched_ = 1;  // chunks from here on were never used
    std::uint32_t chunks_writable_ = 0;
    std::uint32_t first_flat_;  // chunks from here on are flat tables'
    std::size_t open_count_ = 0;
    std::size_t large_count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace causeway
