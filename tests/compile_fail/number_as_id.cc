// SPDX-License-Identifier: Apache-2.0
//
// A number becomes an id only by name.
//
// Expect: conversion from .int. to non-scalar type|no viable conversion
#include "base/types.h"

using namespace causeway;

#ifdef MUST_NOT_COMPILE
VrfId vrf = 5;
#else
VrfId vrf{5};
#endif
