// SPDX-License-Identifier: Apache-2.0
//
// Tally: against a map that adds up packet by packet.
#include "dataplane/tally.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>
#include <vector>

#include "tests/support/seed.h"

namespace causeway::test {
namespace {

using Sums = std::map<AttachmentId, std::pair<std::uint64_t, std::uint64_t>>;
using Packets = std::vector<std::pair<AttachmentId, std::uint16_t>>;

void note(Tally& tally, const Packets& packets) {
    Tally::Writer writer(tally);
    for (const auto& [row, bytes] : packets) writer.add(row, bytes);
}

Sums settled(Tally& tally) {
    Sums sums;
    tally.settle([&sums](AttachmentId row, std::uint64_t packets, std::uint64_t bytes) noexcept {
        sums[row].first += packets;
        sums[row].second += bytes;
    });
    return sums;
}

Sums added_up(const Packets& packets) {
    Sums sums;
    for (const auto& [row, bytes] : packets) {
        ++sums[row].first;
        sums[row].second += bytes;
    }
    return sums;
}

TEST(Tally, tells_a_row_once_where_it_has_many_packets) {
    Tally tally;
    Packets packets;
    for (unsigned k = 0; k < kBurstSizeMax; ++k) {
        packets.emplace_back(AttachmentId(k % 2 == 0 ? 7 : 65'535), 65'535);
    }
    note(tally, packets);
    int calls = 0;
    tally.settle([&calls](AttachmentId row, std::uint64_t count, std::uint64_t bytes) noexcept {
        EXPECT_EQ(row, AttachmentId(calls == 0 ? 7 : 65'535));
        EXPECT_EQ(count, kBurstSizeMax / 2);
        EXPECT_EQ(bytes, kBurstSizeMax / 2 * 65'535U);
        ++calls;
    });
    EXPECT_EQ(calls, 2);
}

TEST(Tally, is_empty_before_and_after) {
    Tally tally;
    EXPECT_TRUE(settled(tally).empty());
    note(tally, {{AttachmentId(0), 64}});
    EXPECT_EQ(settled(tally), (Sums{{AttachmentId(0), {1, 64}}}));
    EXPECT_TRUE(settled(tally).empty());
    note(tally, {});
    EXPECT_TRUE(settled(tally).empty());
}

// What an earlier, longer burst has left in the columns counts for nothing.
TEST(TallyProperty, adds_up_as_a_map_does) {
    SeededRandom random;
    Tally tally;
    for (std::size_t round = 0; round < rounds(50'000); ++round) {
        const std::uint64_t customers = std::uint64_t{1} << random.below(8);
        Packets packets(random.below(kBurstSizeMax + 1));
        for (auto& [row, bytes] : packets) {
            row = AttachmentId(static_cast<std::uint16_t>(random.below(customers) * 0x0201U));
            bytes = static_cast<std::uint16_t>(random());
        }
        note(tally, packets);
        ASSERT_EQ(settled(tally), added_up(packets)) << "round " << round;
    }
}

}  // namespace
}  // namespace causeway::test
