// SPDX-License-Identifier: Apache-2.0
#include "vlan/attachment_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/support/seed.h"

namespace causeway::test {
namespace {

using Row = AttachmentTable::Row;
using SlowTwin = std::map<TagKey, AttachmentId>;

TagKey key(unsigned port, unsigned outer, unsigned inner) {
    return {PortId(static_cast<std::uint8_t>(port)), static_cast<std::uint16_t>(outer),
            static_cast<std::uint16_t>(inner)};
}

AttachmentId look_up(const SlowTwin& twin, TagKey tags) {
    const auto found = twin.find(tags);
    return found == twin.end() ? AttachmentTable::kNone : found->second;
}

// Both forms of find() against the twin.
void expect_agreement(const AttachmentTable& table, const SlowTwin& twin,
                      const std::vector<TagKey>& keys) {
    std::vector<AttachmentId> found(keys.size());
    table.find(keys, found);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const AttachmentId wanted = look_up(twin, keys[i]);
        ASSERT_EQ(table.find(keys[i]), wanted)
            << int{keys[i].port.value()} << ' ' << keys[i].outer << ' ' << keys[i].inner;
        ASSERT_EQ(found[i], wanted) << "in bulk";
    }
}

AttachmentTable table_of(const SlowTwin& twin) {
    std::vector<Row> rows;
    for (const auto& [tags, id] : twin) rows.push_back({tags, id});
    auto table = AttachmentTable::build(rows);
    EXPECT_TRUE(table.has_value());
    return std::move(table).value();
}

TEST(AttachmentTable, an_empty_one_finds_nothing) {
    const AttachmentTable table = table_of({});
    EXPECT_EQ(table.find(key(0, 0, 0)), AttachmentTable::kNone);
    EXPECT_EQ(table.find(key(15, 4095, 4095)), AttachmentTable::kNone);
}

TEST(AttachmentTable, tells_port_outer_and_inner_tag_apart) {
    const SlowTwin twin{
        {key(0, 10, 100), AttachmentId(100)},  // the same C-tag under three S-tags
        {key(0, 11, 100), AttachmentId(101)},
        {key(0, 12, 100), AttachmentId(102)},
        {key(1, 10, 100), AttachmentId(103)},  // the same tags on another port
        {key(0, 100, 10), AttachmentId(104)},  // the same tags the other way round
        {key(0, 10, 101), AttachmentId(105)},
        {key(0, 10, 0), AttachmentId(106)},  // the S-tag alone
    };
    const AttachmentTable table = table_of(twin);
    for (const auto& [tags, id] : twin) EXPECT_EQ(table.find(tags), id);
    EXPECT_EQ(table.find(key(0, 10, 99)), AttachmentTable::kNone);
    EXPECT_EQ(table.find(key(0, 10, 102)), AttachmentTable::kNone);
    EXPECT_EQ(table.find(key(0, 11, 0)), AttachmentTable::kNone);
    EXPECT_EQ(table.find(key(2, 10, 100)), AttachmentTable::kNone);
}

TEST(AttachmentTable, the_ends_of_every_range_can_be_used) {
    const SlowTwin twin{
        {key(0, 1, 1), AttachmentId(16)},
        {key(0, 1, 4094), AttachmentId(17)},
        {key(kPortsMax - 1, 4094, 0), AttachmentId(18)},
        {key(kPortsMax - 1, 4094, 4094), AttachmentId(kAttachmentsMax - 1)},
    };
    const AttachmentTable table = table_of(twin);
    for (unsigned inner = 0; inner < 4096; ++inner) {
        for (const unsigned port : {0U, 1U, unsigned{kPortsMax - 1}}) {
            for (const unsigned outer : {0U, 1U, 2U, 4094U, 4095U}) {
                const TagKey tags = key(port, outer, inner);
                ASSERT_EQ(table.find(tags), look_up(twin, tags)) << outer << '.' << inner;
            }
        }
    }
}

TEST(AttachmentTable, refuses_what_no_attachment_can_have) {
    struct Refusal {
        const char* says;
        std::vector<Row> rows;
        ErrorCode code;
    };
    const Row fine{key(0, 10, 100), AttachmentId(100)};
    const Refusal refusals[] = {
        {"outer VID 0", {fine, {key(0, 0, 100), AttachmentId(101)}}, ErrorCode::kInvalid},
        {"outer VID 4095", {{key(0, 4095, 100), AttachmentId(101)}, fine}, ErrorCode::kInvalid},
        {"inner VID 4095", {fine, {key(0, 10, 4095), AttachmentId(101)}}, ErrorCode::kInvalid},
        {"a port beyond the last", {{key(kPortsMax, 1, 1), AttachmentId(9)}}, ErrorCode::kInvalid},
        {"no id", {fine, {key(0, 10, 101), AttachmentTable::kNone}}, ErrorCode::kInvalid},
        {"one key twice", {fine, {key(0, 9, 9), AttachmentId(99)}, fine}, ErrorCode::kExists},
        {"one key for two", {fine, {fine.key, AttachmentId(101)}}, ErrorCode::kExists},
    };
    for (const Refusal& refusal : refusals) {
        const auto table = AttachmentTable::build(refusal.rows);
        ASSERT_FALSE(table.has_value()) << refusal.says;
        EXPECT_EQ(table.error().code, refusal.code) << refusal.says;
        EXPECT_FALSE(table.error().message.empty()) << refusal.says;
    }
}

TEST(AttachmentTable, an_error_names_the_tags) {
    const Row twice{key(3, 10, 100), AttachmentId(100)};
    const auto table = AttachmentTable::build(std::vector{twice, twice});
    ASSERT_FALSE(table.has_value());
    EXPECT_EQ(table.error().message, "two attachments have port 3, outer tag 10, inner tag 100");
}

// 4,000 circuits with two peerings on two legs, as a pair of ports carries them at most.
TEST(AttachmentTable, holds_sixteen_thousand_attachments_in_little_memory) {
    SlowTwin twin;
    for (unsigned circuit = 0; circuit < 4'000; ++circuit) {
        for (const unsigned port : {0U, 1U}) {
            for (const unsigned c_tag : {100U, 200U}) {
                const AttachmentId id(static_cast<std::uint16_t>(kPortsMax + twin.size()));
                twin[key(port, 1 + circuit, c_tag)] = id;
            }
        }
    }
    ASSERT_EQ(twin.size(), 16'000U);
    const AttachmentTable table = table_of(twin);
    std::vector<TagKey> keys;
    for (unsigned port = 0; port < 3; ++port) {
        for (unsigned outer = 0; outer < 4096; ++outer) {
            for (const unsigned inner : {0U, 99U, 100U, 101U, 199U, 200U, 201U, 4094U}) {
                keys.push_back(key(port, outer, inner));
            }
        }
    }
    expect_agreement(table, twin, keys);
    EXPECT_LT(table.memory_bytes(), std::size_t{3} << 20);
}

TEST(AttachmentTableProperty, answers_as_a_map_does) {
    SeededRandom random;
    const std::size_t tables = rounds(40);
    for (std::size_t i = 0; i < tables; ++i) {
        // From crowded (few tags, many neighbours in one window) to scattered.
        const std::uint64_t ports = 1 + random.below(kPortsMax);
        const std::uint64_t vids = 1 + random.below(std::uint64_t{1} << (1 + random.below(12)));
        const auto draw = [&] {
            const auto vid = [&] {
                return static_cast<unsigned>(1 + random.below(std::min<std::uint64_t>(vids, 4094)));
            };
            const auto port = static_cast<unsigned>(random.below(ports));
            const unsigned outer = vid();
            return key(port, outer, random.below(8) == 0 ? 0 : vid());
        };
        SlowTwin twin;
        const std::uint64_t rows = 1 + random.below(2'000);
        for (std::uint64_t row = 0; row < rows; ++row) {
            const auto id = static_cast<std::uint16_t>(1 + random.below(kAttachmentsMax - 1));
            twin.try_emplace(draw(), AttachmentId(id));
        }
        const AttachmentTable table = table_of(twin);

        std::vector<TagKey> keys;
        for (const auto& [tags, id] : twin) keys.push_back(tags);
        for (int k = 0; k < 20'000; ++k) {
            keys.push_back(random.below(2) == 0
                               ? draw()
                               : key(static_cast<unsigned>(random.below(kPortsMax)),
                                     static_cast<unsigned>(random.below(4096)),
                                     static_cast<unsigned>(random.below(4096))));
        }
        expect_agreement(table, twin, keys);
    }
}

}  // namespace
}  // namespace causeway::test
