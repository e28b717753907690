// SPDX-License-Identifier: Apache-2.0
#include "fib/interval_lists.h"

#include <span>
#include <utility>

#include "base/check.h"

namespace causeway {

IntervalLists::IntervalLists(GracePeriods& grace, std::size_t vrfs_max)
    : grace_(grace),
      owned_(vrfs_max),
      published_(std::make_unique<const Fib6List*[]>(vrfs_max + 1)) {}

void IntervalLists::begin() noexcept {
    intervals_[0] = {};
    count_ = 1;
    is_too_long_ = false;
}

void IntervalLists::append(Uint128 from, Fib6Entry group) noexcept {
    DCHECK(!is_node(group) && from >= intervals_[count_ - 1].first);
    const auto answer = static_cast<FibEntry>(group);
    if (from == 0) {
        intervals_[0].group = answer;
    } else if (!is_too_long_ && intervals_[count_ - 1].group != answer) {
        is_too_long_ = count_ == intervals_.size();
        if (!is_too_long_) intervals_[count_++] = {.first = from, .group = answer};
    }
}

void IntervalLists::publish(VrfId vrf) {
    const std::span<const Interval> starts = std::span(intervals_).subspan(1, count_ - 1);
    const bool is_empty = starts.empty() && intervals_[0].group == 0;
    if (is_too_long_ || is_empty) return withdraw(vrf);
    auto list = std::make_unique<Fib6List>();
    for (std::size_t i = 0; i < count_; ++i) list->groups[i] = intervals_[i].group;
    const auto add = [&](const Interval& start) {
        list->high[list->count] = static_cast<std::uint64_t>(start.first >> 64);
        list->low[list->count++] = static_cast<std::uint64_t>(start.first);
    };
    for (const Interval& start : starts) {
        if (static_cast<std::uint64_t>(start.first) == 0) add(start);
    }
    list->shallow = list->count;
    for (const Interval& start : starts) {
        if (static_cast<std::uint64_t>(start.first) != 0) add(start);
    }
    if (!has(vrf) || *owned_[vrf.value()] != *list) replace(vrf, std::move(list));
}

void IntervalLists::withdraw(VrfId vrf) {
    if (has(vrf)) replace(vrf, nullptr);
}

void IntervalLists::replace(VrfId vrf, std::unique_ptr<const Fib6List> list) {
    while (!retired_.empty() && grace_.is_over(retired_.front().token)) retired_.pop_front();
    owned_[vrf.value()].swap(list);
    __atomic_store_n(&published_[vrf.value()], owned_[vrf.value()].get(), __ATOMIC_RELEASE);
    if (list != nullptr) retired_.push_back({.token = grace_.begin(), .list = std::move(list)});
}

}  // namespace causeway
