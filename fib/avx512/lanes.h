// SPDX-License-Identifier: Apache-2.0
//
// How the AVX-512 kernels cut a burst of keys: four groups (base/lanes.h), two or one are looked up
// side by side. Included by those kernels only.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/lanes.h"
#include "base/limits.h"
#include "base/types.h"

namespace causeway {

inline void store(GroupId* groups, std::size_t group, __m256i sixteen) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(groups + group * kLanes), sixteen);
}

// As many keys as fill all lanes of kGroups groups. Returns how many. Kernel::look_up<kGroups>()
// takes so many, and says whether it has done it; if not, the scalar kernel does.
template <std::size_t kGroups, class Kernel, class Tables, class Key>
[[gnu::always_inline]] inline std::size_t look_up_whole(const Tables& tables,
                                                        std::span<const Key> keys,
                                                        std::span<GroupId> groups) noexcept {
    constexpr std::size_t kKeys = kGroups * kLanes;
    std::size_t done = 0;
    for (; keys.size() - done >= kKeys; done += kKeys) {
        if (!Kernel::template look_up<kGroups>(tables, &keys[done], &groups[done])) {
            Kernel::scalar(tables, keys.subspan(done, kKeys), groups.subspan(done, kKeys));
        }
    }
    return done;
}

// Fewer than a full burst: out of line, for the registers that it would cost those.
template <class Kernel, class Tables, class Key>
[[gnu::noinline]] void look_up_few(const Tables& tables, std::span<const Key> keys,
                                   std::span<GroupId> groups) noexcept {
    std::size_t done = look_up_whole<2, Kernel>(tables, keys, groups);
    done += look_up_whole<1, Kernel>(tables, keys.subspan(done), groups.subspan(done));
    const std::span<const Key> rest = keys.subspan(done);
    if (rest.empty()) return;
    std::array<Key, kLanes> filled;  // up with the last key
    std::array<GroupId, kLanes> found;
    std::fill(std::copy(rest.begin(), rest.end(), filled.begin()), filled.end(), rest.back());
    if (Kernel::template look_up<1>(tables, filled.data(), found.data())) {
        std::copy_n(found.begin(), rest.size(), &groups[done]);
    } else {
        Kernel::scalar(tables, rest, groups.subspan(done));
    }
}

template <class Kernel, class Tables, class Key>
[[gnu::always_inline]] inline void look_up_all(const Tables& tables, std::span<const Key> keys,
                                               std::span<GroupId> groups) noexcept {
    const std::size_t done = look_up_whole<kBurstSizeMax / kLanes, Kernel>(tables, keys, groups);
    if (done == keys.size()) return;
    look_up_few<Kernel>(tables, keys.subspan(done), groups.subspan(done));
}

}  // namespace causeway
