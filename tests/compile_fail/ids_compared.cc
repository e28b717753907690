// SPDX-License-Identifier: Apache-2.0
//
// Ids of two kinds do not compare, whatever their numbers.
//
// Expect: no match for .operator==|invalid operands to binary expression
#include "base/types.h"

using namespace causeway;

bool same(PortId port, WorkerId worker) {
#ifdef MUST_NOT_COMPILE
    return port == worker;
#else
    return port.value() == worker.value();
#endif
}
