// SPDX-License-Identifier: Apache-2.0
//
// CAUSEWAY_UNROLL(n) before a loop: n turns of it in one, where a turn is so short that counting it
// is a good part of its instructions. For clang, which only builds what runs with sanitizers and
// the fuzzers, nothing.
#pragma once

#ifdef __clang__
#define CAUSEWAY_UNROLL(turns)
#else
#define CAUSEWAY_UNROLL(turns) CAUSEWAY_PRAGMA(GCC unroll turns)
#define CAUSEWAY_PRAGMA(words) _Pragma(#words)
#endif
