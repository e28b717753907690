// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace causeway {

// Fetches a cache line that will be needed soon, to the second-level cache: from there it is a
// dozen cycles away, and where memory is far that was measured to be faster than to the first,
// which may have fewer buffers for lines on their way (docs/design/nat.md). For what lies near, and
// is read within some twenty packets, __builtin_prefetch() to the first is better.
//
// Not __builtin_prefetch(line, 0, 2): g++ 12 takes a function that does nothing else for one
// without effect, and removes the calls of it.
inline void prefetch_line(const void* line) noexcept {
    asm volatile("prefetcht1 %0" : : "m"(*static_cast<const char*>(line)));
}

}  // namespace causeway
