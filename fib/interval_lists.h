// SPDX-License-Identifier: Apache-2.0
//
// IntervalLists: of VRFs with few IPv6 routes, the intervals that have one answer each, for a
// kernel that compares an address with all their ends at once (fib6_kernel.h).
//
// Thread safety: the control thread's. Readers see the lists through Fib6Tables; a list does not
// change once it is published, and is freed when a grace period has passed since it was replaced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/grace.h"
#include "base/types.h"
#include "fib/fib6_kernel.h"

namespace causeway {

class IntervalLists {
  public:
    // Prefixes of which each has an interval of its own, and cuts the one it lies in in two.
    static constexpr std::size_t kPrefixesMax = Fib6List::kStartsMax / 2;

    // The grace periods must outlive it.
    IntervalLists(GracePeriods& grace, std::size_t vrfs_max);

    // Begins a list: address 0 has no route.
    void begin() noexcept;
    // From this address on the group is another, or the same one; addresses come in order.
    void append(Uint128 from, Fib6Entry group) noexcept;
    // Publishes what has been appended since begin(), if it is not what readers have. Withdraws the
    // list where it was too much for one, or says that nothing has a route.
    void publish(VrfId vrf);
    // The VRF has no list from now on.
    void withdraw(VrfId vrf);

    [[nodiscard]] bool has(VrfId vrf) const noexcept { return owned_[vrf.value()] != nullptr; }
    // By VRF, with one more that never has a list; null where there is none.
    [[nodiscard]] const Fib6List* const* data() const noexcept { return published_.get(); }

  private:
    struct Interval {
        Uint128 first = 0;
        FibEntry group = 0;
    };
    struct Retired {
        std::uint64_t token;
        std::unique_ptr<const Fib6List> list;
    };

    void replace(VrfId vrf, std::unique_ptr<const Fib6List> list);

    GracePeriods& grace_;
    std::vector<std::unique_ptr<const Fib6List>> owned_;  // by VRF
    std::unique_ptr<const Fib6List*[]> published_;        // the same, as readers have them
    std::deque<Retired> retired_;                         // in the order of their tokens
    std::array<Interval, Fib6List::kStartsMax + 1> intervals_;
    std::size_t count_ = 0;
    bool is_too_long_ = false;
};

}  // namespace causeway
