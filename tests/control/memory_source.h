// SPDX-License-Identifier: Apache-2.0
//
// MemorySource: bytes in memory as a file that gives so many at once.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "control/route_files/byte_stream.h"

namespace causeway::test {

class MemorySource final : public ByteSource {
  public:
    MemorySource(std::span<const std::uint8_t> bytes, std::size_t at_once)
        : left_(bytes), at_once_(at_once) {}

    Result<std::span<const std::uint8_t>> read() override {
        const auto some = left_.first(std::min(at_once_, left_.size()));
        left_ = left_.subspan(some.size());
        return some;
    }

  private:
    std::span<const std::uint8_t> left_;
    std::size_t at_once_;
};

}  // namespace causeway::test
