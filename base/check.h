// SPDX-License-Identifier: Apache-2.0
//
// CHECK crashes on a programmer's error in every build, DCHECK in debug builds only. Neither is for
// input: what an operator or a packet can cause is an error value or an Exit.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace causeway::detail {

[[noreturn, gnu::cold]] inline void check_failed(const char* condition, const char* file,
                                                 int line) noexcept {
    std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, condition);
    std::abort();
}

}  // namespace causeway::detail

// NOLINTBEGIN(cppcoreguidelines-macro-usage): file and line of the caller
#define CHECK(condition) \
    ((condition) ? void(0) : ::causeway::detail::check_failed(#condition, __FILE__, __LINE__))

#ifdef NDEBUG
#define DCHECK(condition) void(0)
#else
#define DCHECK(condition) CHECK(condition)
#endif
// NOLINTEND(cppcoreguidelines-macro-usage)
