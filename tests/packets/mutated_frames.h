// SPDX-License-Identifier: Apache-2.0
//
// FrameMaker: frames that a router might meet, and worse ones. It begins with good frames of every
// kind that the World knows, and changes some: bits, bytes, tags, addresses, lengths.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/types.h"
#include "tests/support/frame_builder.h"
#include "tests/support/seed.h"
#include "tests/support/slow_walk.h"

namespace causeway::test {

class FrameMaker {
  public:
    static constexpr std::size_t kFrameBytesMax = 1'518;

    explicit FrameMaker(SeededRandom& random);
    // Mostly one that belongs on this port.
    [[nodiscard]] Frame next(PortId port);

  private:
    static void add_good_ipv4(std::vector<Frame>& frames, const FrameBuilder& tags);
    static void add_good_ipv6(std::vector<Frame>& frames, const FrameBuilder& tags);
    void mutate(Frame& frame);
    void change_once(Frame& frame);
    void set_word(Frame& frame, std::size_t offset, std::uint16_t word);
    void set_address(Frame& frame, std::size_t offset);
    void set_ipv6_address(Frame& frame, std::size_t offset);
    void mend_checksum(Frame& frame);
    [[nodiscard]] std::size_t below(std::size_t bound) { return random_.below(bound); }

    SeededRandom& random_;
    std::array<std::vector<Frame>, 3> good_;  // by port
};

}  // namespace causeway::test
