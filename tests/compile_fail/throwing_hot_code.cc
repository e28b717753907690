// SPDX-License-Identifier: Apache-2.0
//
// Hot folders throw nothing.
//
// Expect: exception handling disabled|cannot use 'throw' with exceptions disabled

[[noreturn]] void fail();

void fail() {
#ifdef MUST_NOT_COMPILE
    throw 1;
#else
    __builtin_trap();
#endif
}
