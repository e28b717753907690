// SPDX-License-Identifier: Apache-2.0
//
// A prefix that a test or a table spells out is checked by the compiler.
//
// Expect: static assertion failed|static_assert failed
#include "base/types.h"

using namespace causeway;

constexpr Ipv4Address kAddress(0x0a000001);
#ifdef MUST_NOT_COMPILE
static_assert(Ipv4Prefix::from(kAddress, 8).has_value());
#else
static_assert(Ipv4Prefix::from(kAddress, 32).has_value());
#endif
