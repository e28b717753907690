// SPDX-License-Identifier: Apache-2.0
//
// Compiled as hot code is: with hot_args, and beside the flags of Debian's libdpdk, which say
// -march=corei7. Should those win, nothing breaks but the speed; so this file breaks.
#include "tests/base/hot_probe.h"

#include <rte_config.h>

#if !defined(__AVX2__) || !defined(__BMI2__) || !defined(__FMA__) || !defined(__POPCNT__)
#error "not compiled for x86-64-v3: give hot_args in the target's own cpp_args"
#endif
#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "hot code throws nothing: -fno-exceptions -fno-rtti"
#endif

namespace causeway::test {

std::size_t hot_vector_bytes() noexcept {
#ifdef __AVX512F__
    return 64;
#else
    return 32;
#endif
}

}  // namespace causeway::test
