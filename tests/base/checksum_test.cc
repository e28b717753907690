// SPDX-License-Identifier: Apache-2.0
#include "base/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tests/support/seed.h"

namespace causeway {
namespace {

using Bytes = std::vector<std::uint8_t>;

// RFC 1071 4.1 word for word: big-endian words, one carry at a time. The oracle.
std::uint16_t naive_checksum(std::span<const std::uint8_t> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const unsigned low = i + 1 < bytes.size() ? bytes[i + 1] : 0U;
        sum += static_cast<unsigned>(bytes[i]) << 8 | low;
        if (sum > 0xffff) sum = (sum & 0xffffU) + 1;
    }
    return static_cast<std::uint16_t>(~sum);
}

// What checksum_of() stores, read as the wire reads it.
std::uint16_t stored(std::uint16_t checksum) {
    return static_cast<std::uint16_t>(checksum << 8 | checksum >> 8);
}

Bytes random_bytes(test::SeededRandom& random, std::size_t count) {
    Bytes bytes(count);
    // All ones and all zeros are where one's complement has two names for nothing.
    const std::uint64_t kind = random.below(4);
    std::ranges::generate(bytes, [&]() -> std::uint8_t {
        if (kind == 0) return 0;
        if (kind == 1) return 0xff;
        return static_cast<std::uint8_t>(random());
    });
    return bytes;
}

TEST(Checksum, KnowsTheExampleOfRfc1071) {
    const Bytes bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    EXPECT_EQ(stored(checksum_of(bytes)), 0x220d);  // ~0xddf2, RFC 1071 3
}

TEST(Checksum, OfNothingIsAllOnes) {
    EXPECT_EQ(checksum_of({}), 0xffff);
}

TEST(ChecksumProperty, EqualsTheNaiveSum) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(20'000); ++round) {
        const Bytes bytes = random_bytes(random, random.below(2'000));
        ASSERT_EQ(stored(checksum_of(bytes)), naive_checksum(bytes)) << bytes.size() << " bytes";
    }
}

TEST(ChecksumProperty, SumsInPiecesOfEvenLength) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(20'000); ++round) {
        const Bytes bytes = random_bytes(random, random.below(600));
        const std::span<const std::uint8_t> all(bytes);
        const std::size_t cut = random.below(bytes.size() / 2 + 1) * 2;
        const std::uint64_t pieces = checksum_sum(all.subspan(cut), checksum_sum(all.first(cut)));
        ASSERT_EQ(checksum_fold(pieces), checksum_fold(checksum_sum(all)));
    }
}

TEST(ChecksumProperty, ABufferWithItsOwnChecksumSumsToAllOnes) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(20'000); ++round) {
        Bytes header = random_bytes(random, 20);
        header[10] = header[11] = 0;
        const std::uint16_t checksum = checksum_of(header);
        std::memcpy(header.data() + 10, &checksum, sizeof checksum);
        ASSERT_EQ(checksum_fold(checksum_sum(header)), 0xffff);
    }
}

// RFC 1624 against summing anew. Both zeros of one's complement are right for a receiver, so they
// are compared as a receiver compares them; a header that is not all zeros never gets 0xffff.
TEST(ChecksumProperty, ReplacingAFieldEqualsSummingAnew) {
    test::SeededRandom random;
    for (std::size_t round = 0; round < test::rounds(50'000); ++round) {
        std::array<std::uint16_t, 10> words{};
        for (std::uint16_t& word : words) word = static_cast<std::uint16_t>(random());
        words[0] |= 0x45;  // a version, so never all zeros
        words[5] = 0;
        const auto whole = [&] {
            Bytes bytes(sizeof words);
            std::memcpy(bytes.data(), words.data(), sizeof words);
            return checksum_of(bytes);
        };
        const std::uint16_t before = whole();
        const std::size_t field = 6 + random.below(4);
        const std::uint16_t old_value = words[field];
        words[field] = random.below(8) == 0 ? old_value : static_cast<std::uint16_t>(random());
        ASSERT_EQ(checksum_replace(before, old_value, words[field]), whole());
    }
}

}  // namespace
}  // namespace causeway
