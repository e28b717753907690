// SPDX-License-Identifier: Apache-2.0
//
// Random changes and lookups against the slow twin.
#include <array>

#include "tests/fib/fib_fixture.h"
#include "tests/fib/slow_twin.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr std::uint16_t kVrfs = 4;
constexpr std::size_t kBlocks = 48;  // few, so that the pool is full now and then
// Few, so that VRFs become large: what is drawn from few bits needs eight, the rest more.
constexpr std::size_t kLargeVrfChunks = 40;

class RibProperty : public ::testing::Test {
  protected:
    void SetUp() override {
        for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) {
            ASSERT_TRUE(tables.rib.create_vrf(VrfId(vrf)));
        }
    }

    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>(random() % bound);
    }

    // Few distinct address bits, so that prefixes nest, meet and repeat.
    Ipv4Address random_address() {
        std::uint32_t value = below(4) << 30 | below(2) << 24 | below(4) << 16 | below(4) << 14 |
                              below(16) << 8 | below(8) << 5 | below(32);
        if (below(64) == 0) value = static_cast<std::uint32_t>(random());
        return Ipv4Address(value);
    }
    Ipv4Prefix random_prefix() {
        // Short ones cover millions of entries: rare, yet there.
        const int length =
            below(400) == 0 ? static_cast<int>(below(12)) : 12 + static_cast<int>(below(21));
        return Ipv4Prefix::of(random_address(), length);
    }
    // Grows the tables for some thousand steps, then shrinks them, and so on.
    Rib4::Change random_change() {
        using enum Rib4::Change::Action;
        if (++changes_made / 5'000 % 2 == 1 && below(3) != 0) {
            const VrfId vrf(static_cast<std::uint16_t>(below(kVrfs)));
            const Rib4::Page page = tables.rib.dump(vrf, random_prefix(), 1).value();
            if (!page.routes.empty()) {
                const Rib4::Route& route =
                    page.routes[below(static_cast<std::uint32_t>(page.routes.size()))];
                return {.action = kRemove,
                        .source = route.source,
                        .vrf = vrf,
                        .prefix = route.prefix,
                        .group = {}};
            }
        }
        return {.action = below(2) == 0 ? kAdd : kRemove,
                .source = static_cast<RouteSource>(below(kRouteSources)),
                .vrf = VrfId(static_cast<std::uint16_t>(below(kVrfs))),
                .prefix = random_prefix(),
                .group = groups[below(static_cast<std::uint32_t>(groups.size()))]};
    }
    SlowTwin& twin_of(VrfId vrf) { return twins[vrf.value()]; }

    void change_one() {
        const Rib4::Change change = random_change();
        if (change.action == Rib4::Change::Action::kAdd) {
            const Status status =
                tables.rib.add(change.vrf, change.prefix, change.source, change.group);
            if (status) {
                twin_of(change.vrf).add(change.prefix, change.source, change.group);
            } else {
                ASSERT_EQ(status.error().code, ErrorCode::kFull);
                ++refused;
            }
        } else {
            const bool is_removed =
                tables.rib.remove(change.vrf, change.prefix, change.source).has_value();
            ASSERT_EQ(is_removed, twin_of(change.vrf).remove(change.prefix, change.source));
        }
        // The edges of what has changed, and just outside.
        for (const std::uint32_t value :
             {change.prefix.first().value(), change.prefix.last().value(),
              change.prefix.first().value() - 1, change.prefix.last().value() + 1}) {
            keys.push_back({change.vrf, Ipv4Address(value)});
        }
    }

    // A feeder comes back; some steps later, what it did not repeat goes.
    void mark() {
        feeder = static_cast<RouteSource>(below(kRouteSources));
        for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) {
            ASSERT_TRUE(tables.rib.mark_stale(VrfId(vrf), feeder));
            twins[vrf].mark_stale(feeder);
        }
    }
    void sweep() {
        for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) {
            std::size_t removed = 0;
            std::optional<Ipv4Prefix> cursor;
            do {
                const auto part =
                    tables.rib.sweep_stale(VrfId(vrf), feeder, cursor, 1 + below(50)).value();
                removed += part.removed;
                cursor = part.next;
            } while (cursor);
            ASSERT_EQ(removed, twins[vrf].sweep_stale(feeder));
        }
    }

    void change_batch() {
        std::vector<Rib4::Change> changes;
        std::array<SlowTwin, kVrfs> after = twins;
        std::size_t valid = 0;
        const std::uint32_t size = 1 + below(12);
        for (std::uint32_t i = 0; i < size; ++i) {
            changes.push_back(random_change());
            const Rib4::Change& change = changes.back();
            if (valid != i) continue;  // what follows the first error is not looked at
            SlowTwin& twin = after[change.vrf.value()];
            if (change.action == Rib4::Change::Action::kAdd) {
                twin.add(change.prefix, change.source, change.group);
                ++valid;
            } else {
                valid += twin.remove(change.prefix, change.source);
            }
        }
        const std::optional<BatchError> failed = tables.rib.apply(changes);
        if (!failed) {
            ASSERT_EQ(valid, size);
            twins = std::move(after);
        } else if (failed->error.code == ErrorCode::kFull) {
            ASSERT_LE(failed->index, valid);
            ++refused;
        } else {
            ASSERT_EQ(failed->index, valid);
        }
        for (const Rib4::Change& change : changes) {
            keys.push_back({change.vrf, change.prefix.first()});
            keys.push_back({change.vrf, change.prefix.last()});
        }
    }

    void look_up() {
        // Any length: kernels take several at a time and have a rest.
        for (const std::size_t size = keys.size() + below(64); keys.size() < size;) {
            keys.push_back({VrfId(static_cast<std::uint16_t>(below(kVrfs + 1))), random_address()});
        }
        std::vector<GroupId> found(keys.size());
        tables.fib->lookup(keys, found);
        std::vector<GroupId> by_definition(keys.size());
        fib4_lookup_scalar(tables.fib->tables(), keys, by_definition);
        ASSERT_EQ(found, by_definition) << tables.fib->kernel_name();
        for (std::size_t i = 0; i < keys.size(); ++i) {
            const bool is_known = keys[i].vrf.value() < kVrfs;
            const GroupId expected =
                is_known ? twin_of(keys[i].vrf).lookup(keys[i].destination) : kNoRouteGroup;
            ASSERT_EQ(tables.best_of(found[i]).value(), expected.value())
                << "vrf " << keys[i].vrf.value() << ' ' << to_string(keys[i].destination);
        }
        keys.clear();
    }

    void compare_all() {
        for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) {
            std::vector<Rib4::Route> dumped;
            std::optional<Ipv4Prefix> cursor;
            do {
                Rib4::Page page = tables.rib.dump(VrfId(vrf), cursor, 1 + below(500)).value();
                dumped.insert(dumped.end(), page.routes.begin(), page.routes.end());
                cursor = page.next;
            } while (cursor);
            ASSERT_EQ(dumped, twins[vrf].routes());
            const Ipv4Address address = random_address();
            ASSERT_EQ(tables.rib.explain(VrfId(vrf), address).value(), twins[vrf].explain(address));
        }
    }

    test::SeededRandom random;
    ManualGrace grace;
    Tables tables{
        grace, {.vrfs_max = kVrfs + 1, .blocks_max = kBlocks, .large_vrf_chunks = kLargeVrfChunks}};
    std::vector<GroupId> groups = tables.make_groups(40);
    std::array<SlowTwin, kVrfs> twins;
    std::vector<RouteKey> keys;
    RouteSource feeder = RouteSource::kBgp;
    std::size_t changes_made = 0;
    std::size_t refused = 0;
};

TEST_F(RibProperty, RandomChangesGiveTheAnswersOfTheSlowTwin) {
    for (std::size_t step = 0; step < test::rounds(400'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(change_one()) << "step " << step;
        if (step % 8 == 0) {
            ASSERT_NO_FATAL_FAILURE(look_up()) << "step " << step;
        }
        if (step % 64 == 0) grace.pass();
        if (step % 1'000 == 0) {
            ASSERT_NO_FATAL_FAILURE(mark());
        } else if (step % 1'000 == 700) {
            ASSERT_NO_FATAL_FAILURE(sweep());
        }
        if (step % 20'000 == 500) {
            ASSERT_NO_FATAL_FAILURE(compare_all()) << "step " << step;
        }
    }
    ASSERT_NO_FATAL_FAILURE(compare_all());
    EXPECT_GT(refused, 0U) << "the pool of blocks was never full";
    EXPECT_EQ(tables.fib->usage().vrfs_large, kVrfs) << "of which each has a route of /1 to /5";
}

TEST_F(RibProperty, RandomBatchesApplyWholeOrNotAtAll) {
    for (std::size_t step = 0; step < test::rounds(3'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(change_batch()) << "step " << step;
        ASSERT_NO_FATAL_FAILURE(look_up()) << "step " << step;
        if (step % 16 == 0) grace.pass();
        if (step % 300 == 0) {
            ASSERT_NO_FATAL_FAILURE(compare_all()) << "step " << step;
        }
    }
}

TEST_F(RibProperty, VrfsComeAndGo) {
    for (std::size_t step = 0; step < test::rounds(20'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(change_one());
        if (step % 16 == 0) {
            ASSERT_NO_FATAL_FAILURE(look_up()) << "step " << step;
        }
        if (step % 32 == 0) grace.pass();
        if (step % 500 != 0) continue;
        const VrfId vrf(static_cast<std::uint16_t>(below(kVrfs)));
        ASSERT_TRUE(tables.rib.destroy_vrf(vrf));
        ASSERT_TRUE(tables.rib.create_vrf(vrf));
        twin_of(vrf) = SlowTwin{};
    }
    for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) ASSERT_TRUE(tables.rib.destroy_vrf(VrfId(vrf)));
    EXPECT_EQ(tables.fib->usage().blocks, 0U);
    EXPECT_EQ(tables.fib->usage().level1_bytes, 0U);
}

}  // namespace
}  // namespace causeway
