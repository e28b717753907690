// SPDX-License-Identifier: Apache-2.0
//
// A prefix is no aggregate: 10.0.0.1/8 has host bits.
//
// Expect: is private within this context|calling a private constructor
#include "base/types.h"

using namespace causeway;

#ifdef MUST_NOT_COMPILE
Ipv4Prefix prefix{Ipv4Address(0x0a000001), std::uint8_t{8}};
#else
std::optional<Ipv4Prefix> prefix = Ipv4Prefix::from(Ipv4Address(0x0a000001), 8);
#endif
