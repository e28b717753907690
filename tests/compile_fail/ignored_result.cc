// SPDX-License-Identifier: Apache-2.0
//
// What may fail is looked at.
//
// Expect: ignoring return
#include "base/result.h"

using namespace causeway;

Status apply();

void use() {
#ifdef MUST_NOT_COMPILE
    apply();
#else
    (void)apply();
#endif
}
