// SPDX-License-Identifier: Apache-2.0
//
// Which member of a group a bucket belongs to. Pure functions of the weights in order and the set
// of members that forward, in integers only, so every box and every compiler computes the same.
//
// Theory of operation
//   Each bucket has a fixed order of preference over all members, and belongs to the first that
//   forwards. So a member's loss moves its own buckets only, and its return takes back just those.
//   First in the order is the bucket's stripe: stripes divide the buckets by weight as evenly as
//   whole numbers can. Then come draws from a hash of (bucket, draw), weighted alike, so that a
//   lost member's buckets spread over all others. Last come the members in order, so that none is
//   missing.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/limits.h"

namespace causeway {

using MemberSet = std::bitset<kGroupMembersMax>;

class BucketPlan {
  public:
    // One weight a member, 1 to kGroupMembersMax of them, each 1 to kGroupWeightMax.
    explicit BucketPlan(std::span<const std::uint32_t> weights);

    // A power of two: 1 for a single member, else the fewest from kGroupBucketsMin to
    // kGroupBucketsMax whose shares are within 2 % of the weights, or kGroupBucketsMax if none is.
    [[nodiscard]] std::uint32_t bucket_count() const noexcept {
        return static_cast<std::uint32_t>(stripes_.size());
    }
    // Index of the member, or nothing if none forwards.
    [[nodiscard]] std::optional<std::uint32_t> member_of(
        std::uint32_t bucket, const MemberSet& forwarding) const noexcept;

  private:
    std::vector<std::uint32_t> weight_ends_;  // running sums of the weights
    std::vector<std::uint8_t> stripes_;       // the preferred member of each bucket
};

}  // namespace causeway
