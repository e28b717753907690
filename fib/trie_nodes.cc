// SPDX-License-Identifier: Apache-2.0
#include "fib/trie_nodes.h"

#include <utility>

#include "base/check.h"

namespace causeway {

Result<TrieNodes> TrieNodes::create(GracePeriods& grace, std::size_t bytes_max) {
    if (bytes_max / kFib6LineBytes > kFib6LineMask) {
        return Unexpected(ErrorCode::kInvalid, "more memory for IPv6 routes than can be named");
    }
    Result<Mapping> arena = Mapping::allocate(bytes_max, PageSize::kHuge);
    if (!arena) return Unexpected(arena.error());
    const std::size_t lines = bytes_max / kFib6LineBytes;
    Result<Mapping> users = Mapping::allocate(lines * sizeof(std::uint32_t), PageSize::kSmall);
    if (!users) return Unexpected(users.error());
    return TrieNodes(grace, lines, std::move(*arena), std::move(*users));
}

bool TrieNodes::has_room(std::size_t medium, std::size_t large) {
    reclaim();
    const bool lacks_small = free_list(NodeSize::kSmall).size() < kPathNodes;
    const std::size_t fresh_medium = medium + (lacks_small ? 1 : 0);
    const std::size_t kept_medium = free_list(NodeSize::kMedium).size();
    const std::size_t kept_large = free_list(NodeSize::kLarge).size();
    std::size_t lines = 0;
    if (fresh_medium > kept_medium) {
        lines += (fresh_medium - kept_medium) * lines_of(NodeSize::kMedium);
    }
    if (large > kept_large) lines += (large - kept_large) * lines_of(NodeSize::kLarge);
    return lines_touched_ + lines <= lines_max_;
}

std::uint32_t TrieNodes::take(NodeSize size) {
    FreeList& free = free_list(size);
    if (free.empty() && size == NodeSize::kSmall) {
        const std::uint32_t first = take(NodeSize::kMedium);
        lines_used_ -= lines_of(NodeSize::kMedium);
        for (std::uint32_t i = lines_of(NodeSize::kMedium); i-- > 0;) free.push_back(first + i);
    }
    lines_used_ += lines_of(size);
    std::uint32_t line = 0;
    if (free.empty()) {
        line = static_cast<std::uint32_t>(lines_touched_);
        lines_touched_ += lines_of(size);
        CHECK(lines_touched_ <= lines_max_);
    } else {
        line = free.back();
        free.pop_back();
    }
    users(line) = 0;
    return line;
}

void TrieNodes::retire(std::uint32_t line, NodeSize size) {
    lines_used_ -= lines_of(size);
    retired_.push_back({.token = grace_->begin(), .line = line, .size = size});
}

void TrieNodes::reclaim() {
    while (!retired_.empty() && grace_->is_over(retired_.front().token)) {
        free_list(retired_.front().size).push_back(retired_.front().line);
        retired_.pop_front();
    }
}

}  // namespace causeway
