// SPDX-License-Identifier: Apache-2.0
//
// A host integer never lands in a packet unswapped.
//
// Expect: no match for .operator=|no viable overloaded '='
#include "base/headers.h"

using namespace causeway;

void set_type(EthernetHeader& header) {
#ifdef MUST_NOT_COMPILE
    header.type = 0x0800;
#else
    header.type = Be16{0x0800};
#endif
}
