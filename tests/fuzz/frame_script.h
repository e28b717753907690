// SPDX-License-Identifier: Apache-2.0
//
// Frames as the inputs of the walks' targets say them: pieces of `kind, length, bytes`, where the
// length has two bytes, high one first.
//
//   kind below 128   a packet of layer 3, which comes in by the door of that number, modulo how
//   many
//                    there are: behind its tags, and with lengths and a header checksum that are
//                    right, or most would end there
//   others           a whole frame as it is; the lowest bit of the kind says by which port
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/types.h"
#include "vlan/tag_stack.h"

namespace causeway::test {

using Frame = std::vector<std::uint8_t>;

// An attachment as its customers see it.
struct FuzzDoor {
    PortId port;
    std::uint16_t outer = 0;
    std::uint16_t inner = 0;  // 0: single-tagged
    Tpid outer_tpid = Tpid::kDot1q;
};

struct FuzzFrame {
    PortId port;
    Frame bytes;
};

inline constexpr std::size_t kFuzzFramesMax = 16;
inline constexpr std::size_t kFuzzFrameBytesMax = 2'000;

// In their order; what is left of the input behind the last one that may be is not read.
[[nodiscard]] std::vector<FuzzFrame> fuzz_frames(std::span<const std::uint8_t> input,
                                                 std::span<const FuzzDoor> doors);

}  // namespace causeway::test
