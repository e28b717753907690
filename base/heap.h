// SPDX-License-Identifier: Apache-2.0
//
// What becomes of memory that is freed. By glibc's defaults much of it goes back to the kernel, and
// each piece that does interrupts every core on which a thread of the process runs (a TLB
// shootdown): an access list of 10,000 rules that is built interrupted each worker 4,000 times.
#pragma once

#include <malloc.h>

#include <climits>

namespace causeway {

// Keeps it, for the next of its kind. Called once, before there are threads: they share one heap.
inline void keep_freed_memory() noexcept {
    constexpr int kMappedAloneBytes = 32 << 20;  // the most that glibc takes
    (void)::mallopt(M_ARENA_MAX, 1);
    (void)::mallopt(M_MMAP_THRESHOLD, kMappedAloneBytes);
    (void)::mallopt(M_TRIM_THRESHOLD, INT_MAX);
}

}  // namespace causeway
