// SPDX-License-Identifier: Apache-2.0
//
// TrieNodes: the memory of Fib6's nodes: an arena of 64-byte lines on huge pages, and who uses what
// of it.
//
// Thread safety: the control thread's. Readers see the arena through Fib6Tables.
//
// Nodes come in three sizes. Small ones are cut from medium ones; the arena is consumed from its
// start, and what comes back is kept for nodes of the same size. A node is reused only when a grace
// period has passed since it was retired.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "base/grace.h"
#include "base/mapping.h"
#include "base/result.h"
#include "fib/fib6_kernel.h"

namespace causeway {

enum class NodeSize : std::uint8_t {
    kSmall,   // a line: 2^4 entries, or a Fib6Skip
    kMedium,  // 1 KiB: 2^8 entries
    kLarge,   // 256 KiB: 2^16 entries
    kCount,
};

class TrieNodes {
  public:
    // The grace periods must outlive it.
    [[nodiscard]] static Result<TrieNodes> create(GracePeriods& grace, std::size_t bytes_max);

    // Whether so many nodes can be taken now, and besides them as many small ones as a path takes.
    [[nodiscard]] bool has_room(std::size_t medium, std::size_t large);
    // The first line of a node of unknown content that nobody uses. has_room() said yes.
    [[nodiscard]] std::uint32_t take(NodeSize size);
    // What no reader finds any more.
    void retire(std::uint32_t line, NodeSize size);

    [[nodiscard]] std::byte* data() const noexcept { return arena_.data(); }
    template <class T>
    [[nodiscard]] T* at(std::uint32_t line) const noexcept {
        return reinterpret_cast<T*>(arena_.data() + std::size_t{line} * kFib6LineBytes);
    }
    // How many need the node that begins at this line.
    [[nodiscard]] std::uint32_t& users(std::uint32_t line) const noexcept {
        return reinterpret_cast<std::uint32_t*>(users_.data())[line];
    }
    [[nodiscard]] std::size_t lines_used() const noexcept { return lines_used_; }
    [[nodiscard]] std::size_t retired() const noexcept { return retired_.size(); }

    [[nodiscard]] static constexpr std::uint32_t lines_of(NodeSize size) noexcept {
        constexpr std::array<std::uint32_t, static_cast<std::size_t>(NodeSize::kCount)> kLines{
            1, 16, 4'096};
        return kLines[static_cast<std::size_t>(size)];
    }
    // The most small nodes that a path takes: skips before and after bit 64, a node or skip either
    // side of where it leaves another's, and one to end in.
    static constexpr std::size_t kPathNodes = 8;

  private:
    struct Retired {
        std::uint64_t token;
        std::uint32_t line;
        NodeSize size;
    };
    using FreeList = std::vector<std::uint32_t>;

    TrieNodes(GracePeriods& grace, std::size_t lines_max, Mapping arena, Mapping users)
        : grace_(&grace),
          lines_max_(lines_max),
          arena_(std::move(arena)),
          users_(std::move(users)) {}

    [[nodiscard]] FreeList& free_list(NodeSize size) noexcept {
        return free_[static_cast<std::size_t>(size)];
    }
    void reclaim();

    GracePeriods* grace_;
    std::size_t lines_max_;
    Mapping arena_;
    Mapping users_;  // a counter a line
    std::array<FreeList, static_cast<std::size_t>(NodeSize::kCount)> free_;
    std::deque<Retired> retired_;                              // in the order of their tokens
    std::size_t lines_touched_ = lines_of(NodeSize::kMedium);  // line 0 names nothing
    std::size_t lines_used_ = 0;
};

}  // namespace causeway
