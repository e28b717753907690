// SPDX-License-Identifier: Apache-2.0
//
// ChecksumDelta against RFC 1624 word by word, where words are all zeros or ones, or nearly.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>

#include "base/checksum.h"
#include "nat/packet_view.h"

namespace causeway {
namespace {

constexpr std::array<std::uint16_t, 8> kWords{0x0000, 0x0001, 0x00ff, 0x7fff,
                                              0x8000, 0xff00, 0xfffe, 0xffff};

template <class Each>
void for_each_address(const Each& each) {
    for (const std::uint16_t high : kWords) {
        for (const std::uint16_t low : kWords) each(high, low);
    }
}

TEST(ChecksumDelta, an_address_is_two_words) {
    for (const std::uint16_t checksum : kWords) {
        for_each_address([&](std::uint16_t high, std::uint16_t low) {
            for_each_address([&](std::uint16_t new_high, std::uint16_t new_low) {
                ChecksumDelta delta;
                delta.replace32(std::uint32_t{high} << 16 | low,
                                std::uint32_t{new_high} << 16 | new_low);
                ChecksumDelta words;
                words.replace(high, new_high);
                words.replace(low, new_low);
                ASSERT_EQ(delta.applied(checksum), words.applied(checksum))
                    << high << ':' << low << " -> " << new_high << ':' << new_low;
            });
        });
    }
}

TEST(ChecksumDelta, a_word_is_as_in_rfc_1624) {
    for (const std::uint16_t checksum : kWords) {
        for (const std::uint16_t before : kWords) {
            for (const std::uint16_t after : kWords) {
                ChecksumDelta delta;
                delta.replace(before, after);
                ASSERT_EQ(delta.applied(checksum), checksum_replace(checksum, before, after));
            }
        }
    }
}

}  // namespace
}  // namespace causeway
