// SPDX-License-Identifier: Apache-2.0
//
// A function compiled with the flags of hot code, to ask what they made of it.
#pragma once

#include <cstddef>

namespace causeway::test {

// Bytes of the widest vector that the compiler may use there.
[[nodiscard]] std::size_t hot_vector_bytes() noexcept;

}  // namespace causeway::test
