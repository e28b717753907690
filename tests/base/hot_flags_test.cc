// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/base/hot_probe.h"

namespace causeway::test {
namespace {

// One build runs on any x86-64-v3, so common hot code has AVX2 and must not have AVX-512, whose
// kernels are built apart and chosen at start.
TEST(HotFlags, AllowAvx2AndNoMore) {
    EXPECT_EQ(hot_vector_bytes(), 32U);
}

}  // namespace
}  // namespace causeway::test
