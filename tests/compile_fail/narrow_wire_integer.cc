// SPDX-License-Identifier: Apache-2.0
//
// A wire integer of one width is no wire integer of another.
//
// Expect: no match for .operator=|no viable overloaded '='
#include "base/headers.h"

using namespace causeway;

void set_source(Ipv4Header& header, Be32 address, Be16 port) {
#ifdef MUST_NOT_COMPILE
    header.source = port;
#else
    header.source = address;
#endif
    (void)address;
    (void)port;
}
