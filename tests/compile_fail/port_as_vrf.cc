// SPDX-License-Identifier: Apache-2.0
//
// An id of one kind never passes for another.
//
// Expect: no matching function for call|could not convert|conversion from
#include "base/types.h"

using namespace causeway;

int route_table_of(VrfId vrf);

int use(PortId port, VrfId vrf) {
#ifdef MUST_NOT_COMPILE
    return route_table_of(port);
#else
    (void)port;
    return route_table_of(vrf);
#endif
}
