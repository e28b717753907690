// SPDX-License-Identifier: Apache-2.0
//
// Where a thread of a measurement runs.
#pragma once

#include <pthread.h>
#include <sched.h>

#include "base/check.h"

namespace causeway::perf {

// The calling thread, from now on.
inline void run_on(unsigned core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    CHECK(pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0);
}

}  // namespace causeway::perf
