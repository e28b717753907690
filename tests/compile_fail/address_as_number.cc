// SPDX-License-Identifier: Apache-2.0
//
// An address is not a number that happens to be in host order.
//
// Expect: could not convert|no matching function for call|conversion from
#include "base/types.h"

using namespace causeway;

int route_to(Ipv4Address address);

int use() {
#ifdef MUST_NOT_COMPILE
    return route_to(0x0a000001U);
#else
    return route_to(Ipv4Address(0x0a000001U));
#endif
}
