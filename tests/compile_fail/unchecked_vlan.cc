// SPDX-License-Identifier: Apache-2.0
//
// A VLAN identifier is checked where it is made: 4095 is none.
//
// Expect: is private within this context|calling a private constructor
#include "base/types.h"

using namespace causeway;

#ifdef MUST_NOT_COMPILE
VlanId vlan(4095);
#else
std::optional<VlanId> vlan = VlanId::from(4095);
#endif
