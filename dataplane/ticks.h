// SPDX-License-Identifier: Apache-2.0
//
// The workers' clock, for those who set what workers compare with it.
#pragma once

#include <cstdint>

namespace causeway {

// The TSC: invariant and the same on all cores of the machines we run on. Forwarder::tsc_hz() says
// how fast it is.
[[nodiscard]] inline std::uint64_t ticks_now() noexcept {
    return __builtin_ia32_rdtsc();
}

}  // namespace causeway
