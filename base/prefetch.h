// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace causeway {

// Fetches a cache line that will be needed soon. Not __builtin_prefetch: g++ 12 takes a function
// that does nothing else for one without effect, and removes the calls of it.
inline void prefetch_line(const void* line) noexcept {
    asm volatile("prefetcht0 %0" : : "m"(*static_cast<const char*>(line)));
}

}  // namespace causeway
