// SPDX-License-Identifier: Apache-2.0
//
// Class tables against a look at entry after entry, by both kernels.
#include "acl/class_tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "base/cpu.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using Field = ClassTables::Field;
using Image = std::array<std::uint8_t, 16>;
constexpr std::size_t kImages = 150;  // more than two bursts

std::uint32_t value_of(const Field& field, const Image& image) {
    const std::uint32_t first = image[field.byte];
    return field.width == Field::Width::kByte ? first : first << 8 | image[field.byte + 1U];
}

void put_value(const Field& field, Image& image, std::uint32_t value) {
    if (field.width == Field::Width::kByte) {
        image[field.byte] = static_cast<std::uint8_t>(value);
    } else {
        image[field.byte] = static_cast<std::uint8_t>(value >> 8);
        image[field.byte + 1U] = static_cast<std::uint8_t>(value);
    }
}

std::uint32_t slow_result(const std::vector<Field>& fields,
                          const std::vector<std::uint16_t>& results, const Image& image) {
    for (std::size_t i = 0; i < results.size(); ++i) {
        const bool is_met = std::ranges::all_of(fields, [&](const Field& field) {
            return field.wanted[i].contains(value_of(field, image));
        });
        if (is_met) return results[i];
    }
    return 0;
}

ValueSet random_wish(test::SeededRandom& random, Field::Width width, bool wants_bits) {
    const std::uint32_t most = width == Field::Width::kByte ? 0xff : 0xffff;
    const auto some = [&] { return static_cast<std::uint16_t>(random.below(most + 1)); };
    if (random.below(3) == 0) return {};
    if (wants_bits) {
        const auto mask = static_cast<std::uint16_t>(some() & some());
        return {.bits = static_cast<std::uint16_t>(some() & mask), .mask = mask};
    }
    const std::uint16_t first = some();
    if (random.below(2) == 0) return {.first = first, .last = first};
    return {.first = first,
            .last = static_cast<std::uint16_t>(first + random.below(most - first + 1))};
}

std::vector<Field> random_fields(test::SeededRandom& random, std::size_t entries) {
    using enum Field::Width;
    constexpr std::array<std::pair<std::uint8_t, Field::Width>, 8> kPlaces{{{0, kTwoBytes},
                                                                            {2, kByte},
                                                                            {3, kByte},
                                                                            {4, kTwoBytes},
                                                                            {6, kTwoBytes},
                                                                            {9, kTwoBytes},
                                                                            {12, kByte},
                                                                            {14, kTwoBytes}}};
    std::vector<Field> fields;
    for (const auto& [byte, width] : kPlaces) {
        if (random.below(2) == 0) continue;
        Field field{.byte = byte, .width = width, .wanted = {}};
        const bool wants_bits = random.below(3) == 0;
        for (std::size_t i = 0; i < entries; ++i) {
            field.wanted.push_back(random_wish(random, width, wants_bits));
        }
        fields.push_back(std::move(field));
    }
    return fields;
}

// Half of them such as some entry wants in most fields.
Image random_image(test::SeededRandom& random, const std::vector<Field>& fields) {
    Image image;
    for (std::uint8_t& byte : image) byte = static_cast<std::uint8_t>(random());
    if (fields.empty() || random.below(2) == 0) return image;
    const std::size_t entry = random.below(fields.front().wanted.size());
    for (const Field& field : fields) {
        const ValueSet& wish = field.wanted[entry];
        if (random.below(8) == 0) continue;
        const std::uint32_t value = value_of(field, image);
        const std::uint32_t within =
            wish.first + value % (std::uint32_t{wish.last} - wish.first + 1);
        put_value(field, image, (within & ~std::uint32_t{wish.mask}) | wish.bits);
    }
    return image;
}

TEST(ClassTables, say_what_entry_after_entry_says) {
    test::SeededRandom random;
    std::size_t hits = 0;
    std::size_t built = 0;
    for (std::size_t round = 0; round < test::rounds(150); ++round) {
        const std::size_t entries = 1 + random.below(round % 10 == 0 ? 200 : 12);
        const std::vector<Field> fields = random_fields(random, entries);
        std::vector<std::uint16_t> results(entries);
        std::iota(results.begin(), results.end(), std::uint16_t{1});
        const auto tables = ClassTables::build(fields, results);
        if (tables == nullptr) continue;
        ++built;
        std::vector<Image> images(kImages);
        std::vector<const std::uint8_t*> places;
        std::vector<std::uint32_t> expected;
        for (Image& image : images) {
            image = random_image(random, fields);
            places.push_back(image.data());
            expected.push_back(slow_result(fields, results, image));
            hits += expected.back() != 0 ? 1 : 0;
        }
        for (std::size_t count = 1; count <= kImages; count += 1 + random.below(40)) {
            const std::span some(places.data(), count);
            std::vector<std::uint32_t> found(count, 77'777);
            class_lookup_scalar(tables->program(), some, found);
            ASSERT_TRUE(std::equal(found.begin(), found.end(), expected.begin()));
            std::ranges::fill(found, 77'777);
            if (has_avx512()) {
                class_lookup_avx512(tables->program(), some, found);
                ASSERT_TRUE(std::equal(found.begin(), found.end(), expected.begin()));
            }
            std::ranges::fill(found, 77'777);
            tables->lookup(some, found);
            ASSERT_TRUE(std::equal(found.begin(), found.end(), expected.begin()));
        }
    }
    EXPECT_GT(built, test::rounds(150) / 2);
    EXPECT_GT(hits, 1'000U);  // else this proves little
}

TEST(ClassTables, entries_that_want_nothing_have_none) {
    const std::vector<Field> fields{{.byte = 0, .wanted = {{}, {}}}};
    const std::vector<std::uint16_t> results{1, 2};
    EXPECT_EQ(ClassTables::build(fields, results), nullptr);
    EXPECT_EQ(ClassTables::build(fields, {}), nullptr);
}

// An entry that wants what no value is, in the only field.
TEST(ClassTables, what_nothing_meets_is_met_by_nothing) {
    const std::vector<Field> fields{{.byte = 1, .wanted = {{.first = 9, .last = 8}}}};
    const std::vector<std::uint16_t> results{5};
    const auto tables = ClassTables::build(fields, results);
    ASSERT_NE(tables, nullptr);
    const Image image{};
    const std::uint8_t* const place = image.data();
    std::uint32_t found = 1;
    tables->lookup({&place, 1}, {&found, 1});
    EXPECT_EQ(found, 0U);
}

TEST(ClassTables, small_lists_are_small_and_large_ones_are_not_built) {
    const auto list_of = [](std::size_t entries) {
        std::vector<Field> fields{{.byte = 0, .width = Field::Width::kTwoBytes, .wanted = {}},
                                  {.byte = 2, .width = Field::Width::kTwoBytes, .wanted = {}}};
        for (std::uint16_t i = 0; i < entries; ++i) {
            fields[0].wanted.push_back({.first = i, .last = i});
            fields[1].wanted.push_back({.first = static_cast<std::uint16_t>(3 * i),
                                        .last = static_cast<std::uint16_t>(3 * i)});
        }
        return fields;
    };
    const std::vector<std::uint16_t> results(ClassTables::kEntriesMax + 1, 1);
    const auto first = [&results](std::size_t count) { return std::span(results).first(count); };
    const auto small = ClassTables::build(list_of(10), first(10));
    ASSERT_NE(small, nullptr);
    EXPECT_LT(small->bytes(), 8'192U);
    EXPECT_NE(ClassTables::build(list_of(1'000), first(1'000)), nullptr);
    // The pair's table would have more elements than a table may.
    EXPECT_EQ(ClassTables::build(list_of(1'100), first(1'100)), nullptr);
    EXPECT_EQ(ClassTables::build(list_of(results.size()), results), nullptr);
}

}  // namespace
}  // namespace causeway
