// SPDX-License-Identifier: Apache-2.0
#include "fib/bucket_plan.h"

#include <algorithm>
#include <numeric>

#include "base/check.h"

namespace causeway {
namespace {

using Shares = std::vector<std::uint32_t>;  // buckets by member

// Largest remainder: every member gets its quota rounded down, and what is left goes to those who
// lost most by it, the earlier first. Nobody stays without a bucket.
Shares share_out(std::span<const std::uint32_t> weights, std::uint32_t sum, std::uint32_t buckets) {
    Shares shares;
    std::uint32_t left = buckets;
    for (const std::uint32_t weight : weights) {
        shares.push_back(std::max(1U, buckets * weight / sum));
        left -= shares.back();  // wraps below zero when many were lifted to one
    }
    std::vector<std::size_t> order(weights.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return buckets * weights[a] % sum > buckets * weights[b] % sum;
    });
    for (std::size_t i = 0; static_cast<std::int32_t>(left) > 0; i = (i + 1) % order.size()) {
        ++shares[order[i]];
        --left;
    }
    for (; left != 0; ++left) --*std::max_element(shares.begin(), shares.end());
    return shares;
}

bool is_within_two_percent(const Shares& shares, std::span<const std::uint32_t> weights,
                           std::uint32_t sum, std::uint32_t buckets) {
    for (std::size_t i = 0; i < weights.size(); ++i) {
        const std::int64_t due = std::int64_t{buckets} * weights[i];
        const std::int64_t got = std::int64_t{shares[i]} * sum;
        if (std::abs(got - due) * 50 > due) return false;
    }
    return true;
}

// The finalizer of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit moves every
// output bit.
constexpr std::uint64_t mix(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
}

constexpr std::uint64_t draw_hash(std::uint32_t bucket, std::uint32_t draw) noexcept {
    return mix((std::uint64_t{bucket} << 32 | draw) * 0x9e3779b97f4a7c15U + 0x9e3779b97f4a7c15U);
}

static_assert(kGroupBucketsMax * kGroupWeightMax <= UINT32_MAX, "quotas are computed in 32 bits");
static_assert(kGroupMembersMax <= kGroupBucketsMin, "each member has at least one bucket");

}  // namespace

BucketPlan::BucketPlan(std::span<const std::uint32_t> weights) {
    CHECK(!weights.empty() && weights.size() <= kGroupMembersMax);
    std::uint32_t sum = 0;
    for (const std::uint32_t weight : weights) {
        CHECK(weight >= 1 && weight <= kGroupWeightMax);
        weight_ends_.push_back(sum += weight);
    }
    if (weights.size() == 1) {
        stripes_.assign(1, 0);
        return;
    }
    auto buckets = static_cast<std::uint32_t>(kGroupBucketsMin);
    Shares shares = share_out(weights, sum, buckets);
    while (buckets < kGroupBucketsMax && !is_within_two_percent(shares, weights, sum, buckets)) {
        buckets *= 2;
        shares = share_out(weights, sum, buckets);
    }
    for (std::size_t member = 0; member < shares.size(); ++member) {
        stripes_.insert(stripes_.end(), shares[member], static_cast<std::uint8_t>(member));
    }
    CHECK(stripes_.size() == buckets);
}

std::optional<std::uint32_t> BucketPlan::member_of(std::uint32_t bucket,
                                                   const MemberSet& forwarding) const noexcept {
    if (const std::uint8_t member = stripes_[bucket]; forwarding[member]) return member;
    if (forwarding.none()) return std::nullopt;
    const auto members = static_cast<std::uint32_t>(weight_ends_.size());
    // Four draws a member: where even an equal share of one in 64 forwards, 98 of 100 buckets find
    // it by drawing.
    for (std::uint32_t draw = 0; draw < 4 * members; ++draw) {
        const std::uint64_t point = ((draw_hash(bucket, draw) >> 32) * weight_ends_.back()) >> 32;
        const auto end = std::upper_bound(weight_ends_.begin(), weight_ends_.end(), point);
        const auto member = static_cast<std::uint32_t>(end - weight_ends_.begin());
        if (forwarding[member]) return member;
    }
    for (std::uint32_t member = 0; member < members; ++member) {
        if (forwarding[member]) return member;
    }
    return std::nullopt;
}

}  // namespace causeway
