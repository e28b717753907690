// SPDX-License-Identifier: Apache-2.0
//
// Nor is a wire integer read as a number before it is swapped.
//
// Expect: no match for .operator<|invalid operands to binary expression
#include "base/headers.h"

using namespace causeway;

bool is_short(const Ipv4Header& header) {
#ifdef MUST_NOT_COMPILE
    return header.total_length < 20;
#else
    return header.total_length.host() < 20;
#endif
}
