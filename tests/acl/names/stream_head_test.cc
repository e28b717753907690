// SPDX-License-Identifier: Apache-2.0
//
// The head of a stream against a list of which byte came first.
#include "acl/names/stream_head.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr std::size_t kBytes = 64;

TEST(StreamHead, IsWhatCameFirstWithoutAHole) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(20'000); ++round) {
        const auto first = static_cast<std::uint32_t>(random());
        StreamHead<kBytes> head(first);
        std::vector<std::optional<std::uint8_t>> slow(kBytes);
        std::size_t base = 0;  // consumed
        for (std::size_t i = 1 + random.below(12); i > 0; --i) {
            const auto offset = static_cast<std::int64_t>(random.below(kBytes + 20)) - 10;
            std::vector<std::uint8_t> bytes(random.below(20));
            for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
            head.put(first + static_cast<std::uint32_t>(offset + static_cast<std::int64_t>(base)),
                     bytes);
            for (std::size_t k = 0; k < bytes.size(); ++k) {
                const std::int64_t at = offset + static_cast<std::int64_t>(k);
                if (at < 0 || at >= static_cast<std::int64_t>(kBytes)) continue;
                auto& byte = slow[static_cast<std::size_t>(at)];
                if (!byte) byte = bytes[k];
            }
            std::vector<std::uint8_t> expected;
            while (expected.size() < kBytes && slow[expected.size()]) {
                expected.push_back(*slow[expected.size()]);
            }
            ASSERT_TRUE(std::ranges::equal(head.bytes(), expected));
            if (random.below(4) != 0) continue;
            const std::size_t taken = random.below(expected.size() + 1);
            head.consume(taken);
            slow.erase(slow.begin(), slow.begin() + static_cast<std::ptrdiff_t>(taken));
            slow.resize(kBytes);
            base += taken;
        }
    }
}

TEST(StreamHead, HasRoomForSoManyHoles) {
    StreamHead<kBytes> head(0);
    const std::vector<std::uint8_t> one{7};
    const auto runs = static_cast<std::uint32_t>(StreamHead<kBytes>::kRunsMax);
    for (std::uint32_t i = 0; i <= runs; ++i) head.put(1 + 2 * i, one);  // the last has no room
    for (std::uint32_t i = 0; i <= runs; ++i) head.put(2 * i, one);
    EXPECT_EQ(head.bytes().size(), 2 * runs + 1);
}

}  // namespace
}  // namespace causeway
