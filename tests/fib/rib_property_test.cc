// SPDX-License-Identifier: Apache-2.0
//
// Random changes and lookups against the slow twin, for both families.
#include <algorithm>
#include <array>

#include "tests/fib/fib_fixture.h"
#include "tests/fib/slow_twin.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

constexpr std::uint16_t kVrfs = 4;

using Random = test::SeededRandom;
std::uint32_t below(Random& random, std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
}

// What differs between the families. Addresses have few distinct bits, so that prefixes nest, meet
// and repeat; memory is short, so that it is full now and then; and VRFs become large.
struct Family4 {
    using Fib = Fib4;
    static constexpr std::size_t kLargeVrfChunks = 40;  // few bits need eight, the rest more
    static constexpr Fib4::Options kOptions{
        .vrfs_max = kVrfs + 1, .blocks_max = 48, .large_vrf_chunks = kLargeVrfChunks};

    static Ipv4Address address(Random& random) {
        if (below(random, 64) == 0) return Ipv4Address(static_cast<std::uint32_t>(random()));
        return Ipv4Address(below(random, 4) << 30 | below(random, 2) << 24 |
                           below(random, 4) << 16 | below(random, 4) << 14 |
                           below(random, 16) << 8 | below(random, 8) << 5 | below(random, 32));
    }
    static int length(Random& random) {
        // Short ones cover millions of entries: rare, yet there.
        return below(random, 400) == 0 ? static_cast<int>(below(random, 12))
                                       : 12 + static_cast<int>(below(random, 21));
    }
    static constexpr auto kScalar = fib4_lookup_scalar;
    static bool is_empty(const Fib4::Usage& usage) {
        return usage.blocks == 0 && usage.level1_bytes == 0;
    }
};

struct Family6 {
    using Fib = Fib6;
    static constexpr Fib6::Options kOptions{
        .vrfs_max = kVrfs + 1, .bytes_max = 3'000'000, .large_vrf_bytes = 8'000};

    static Ipv6Address address(Random& random) {
        if (below(random, 64) == 0) return Ipv6Address(random(), random());
        return Ipv6Address(std::uint64_t{below(random, 2)} << 62 |
                               std::uint64_t{below(random, 16)} << 44 |
                               std::uint64_t{below(random, 16)} << 32 |
                               std::uint64_t{below(random, 8)} << 16 | below(random, 8),
                           std::uint64_t{below(random, 4)} << 62 | below(random, 32));
    }
    static int length(Random& random) {
        return below(random, 400) == 0 ? static_cast<int>(below(random, 16))
                                       : 16 + static_cast<int>(below(random, 113));
    }
    static constexpr auto kScalar = fib6_lookup_scalar;
    static bool is_empty(const Fib6::Usage& usage) { return usage.node_bytes == 0; }
};

template <class Family>
class RibProperty : public ::testing::Test {
  protected:
    using Tables = TablesOf<typename Family::Fib>;
    using Rib = typename Tables::Rib;
    using Change = typename Rib::Change;
    using Route = typename Rib::Route;
    using Prefix = typename Rib::Prefix;
    using Address = typename Rib::Address;

    void SetUp() override {
        for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf) {
            ASSERT_TRUE(tables.rib.create_vrf(VrfId(vrf)));
        }
    }

    std::uint32_t below(std::uint32_t bound) { return causeway::below(random, bound); }
    Address random_address() { return Family::address(random); }
    Prefix random_prefix() {
        const Address address = random_address();
        return Prefix::of(address, Family::length(random));
    }
    // Grows the tables for some thousand steps, then shrinks them, and so on.
    Change random_change() {
        using enum RouteChangeAction;
        if (++changes_made / 5'000 % 2 == 1 && below(3) != 0) {
            const VrfId vrf(static_cast<std::uint16_t>(below(kVrfs)));
            const typename Rib::Page page = tables.rib.dump(vrf, random_prefix(), 1).value();
            if (!page.routes.empty()) {
                const Route& route =
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
    SlowTwin<Rib>& twin_of(VrfId vrf) { return twins[vrf.value()]; }

    void change_one() {
        const Change change = random_change();
        if (change.action == Change::Action::kAdd) {
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
        for (const auto value :
             {change.prefix.first().value(), change.prefix.last().value(),
              change.prefix.first().value() - 1, change.prefix.last().value() + 1}) {
            keys.push_back({change.vrf, Address(value)});
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
            std::optional<Prefix> cursor;
            do {
                const auto part =
                    tables.rib.sweep_stale(VrfId(vrf), feeder, cursor, 1 + below(50)).value();
                removed += part.removed.size();
                cursor = part.next;
            } while (cursor);
            ASSERT_EQ(removed, twins[vrf].sweep_stale(feeder));
        }
    }

    void change_batch() {
        std::vector<Change> changes;
        std::array<SlowTwin<Rib>, kVrfs> after = twins;
        std::size_t valid = 0;
        const std::uint32_t size = 1 + below(12);
        for (std::uint32_t i = 0; i < size; ++i) {
            changes.push_back(random_change());
            const Change& change = changes.back();
            if (valid != i) continue;  // what follows the first error is not looked at
            SlowTwin<Rib>& twin = after[change.vrf.value()];
            if (change.action == Change::Action::kAdd) {
                twin.add(change.prefix, change.source, change.group);
                ++valid;
            } else {
                valid += twin.remove(change.prefix, change.source);
            }
        }
        const bool is_kept = below(3) != 0;
        const std::optional<BatchError> failed =
            is_kept ? tables.rib.apply(changes) : tables.rib.start(changes);
        if (!failed) {
            ASSERT_EQ(valid, size);
            if (is_kept) {
                twins = std::move(after);
            } else {
                tables.rib.undo();
            }
        } else if (failed->error.code == ErrorCode::kFull) {
            ASSERT_LE(failed->index, valid);
            ++refused;
        } else {
            ASSERT_EQ(failed->index, valid);
        }
        for (const Change& change : changes) {
            keys.push_back({change.vrf, change.prefix.first()});
            keys.push_back({change.vrf, change.prefix.last()});
        }
    }

    void look_up() {
        most_large = std::max(most_large, tables.fib->usage().vrfs_large);
        // Any length: kernels take several at a time and have a rest. Of one VRF and of many:
        // kernels tell these apart.
        const bool is_mixed = below(2) == 0;
        const VrfId one = keys.empty() ? VrfId(0) : keys.front().vrf;
        for (const std::size_t size = keys.size() + below(100); keys.size() < size;) {
            const VrfId any(static_cast<std::uint16_t>(below(kVrfs + 1)));
            keys.push_back({is_mixed ? any : one, random_address()});
        }
        std::vector<GroupId> found(keys.size());
        tables.fib->lookup(keys, found);
        std::vector<GroupId> by_definition(keys.size());
        Family::kScalar(tables.fib->tables(), keys, by_definition);
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
            std::vector<Route> dumped;
            std::optional<Prefix> cursor;
            do {
                typename Rib::Page page =
                    tables.rib.dump(VrfId(vrf), cursor, 1 + below(500)).value();
                dumped.insert(dumped.end(), page.routes.begin(), page.routes.end());
                cursor = page.next;
            } while (cursor);
            ASSERT_EQ(dumped, twins[vrf].routes());
            const Address address = random_address();
            ASSERT_EQ(tables.rib.explain(VrfId(vrf), address).value(), twins[vrf].explain(address));
        }
    }

    test::SeededRandom random;
    ManualGrace grace;
    Tables tables{grace, Family::kOptions};
    std::vector<GroupId> groups = tables.make_groups(40);
    std::array<SlowTwin<Rib>, kVrfs> twins;
    std::vector<typename Tables::Key> keys;
    RouteSource feeder = RouteSource::kBgp;
    std::size_t changes_made = 0;
    std::size_t refused = 0;
    std::size_t most_large = 0;  // VRFs at once, over the whole run
};

using Families = ::testing::Types<Family4, Family6>;
TYPED_TEST_SUITE(RibProperty, Families, );

TYPED_TEST(RibProperty, RandomChangesGiveTheAnswersOfTheSlowTwin) {
    for (std::size_t step = 0; step < test::rounds(400'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(this->change_one()) << "step " << step;
        if (step % 8 == 0) {
            ASSERT_NO_FATAL_FAILURE(this->look_up()) << "step " << step;
        }
        if (step % 64 == 0) this->grace.pass();
        if (step % 1'000 == 0) {
            ASSERT_NO_FATAL_FAILURE(this->mark());
        } else if (step % 1'000 == 700) {
            ASSERT_NO_FATAL_FAILURE(this->sweep());
        }
        if (step % 20'000 == 500) {
            ASSERT_NO_FATAL_FAILURE(this->compare_all()) << "step " << step;
        }
    }
    ASSERT_NO_FATAL_FAILURE(this->compare_all());
    EXPECT_GT(this->refused, 0U) << "the pool of blocks was never full";
    EXPECT_EQ(this->most_large, kVrfs) << "not all became large at some time";
}

TYPED_TEST(RibProperty, RandomBatchesApplyWholeOrNotAtAll) {
    for (std::size_t step = 0; step < test::rounds(3'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(this->change_batch()) << "step " << step;
        ASSERT_NO_FATAL_FAILURE(this->look_up()) << "step " << step;
        if (step % 16 == 0) this->grace.pass();
        if (step % 300 == 0) {
            ASSERT_NO_FATAL_FAILURE(this->compare_all()) << "step " << step;
        }
    }
}

TYPED_TEST(RibProperty, VrfsComeAndGo) {
    for (std::size_t step = 0; step < test::rounds(20'000); ++step) {
        ASSERT_NO_FATAL_FAILURE(this->change_one());
        if (step % 16 == 0) {
            ASSERT_NO_FATAL_FAILURE(this->look_up()) << "step " << step;
        }
        if (step % 32 == 0) this->grace.pass();
        if (step % 500 != 0) continue;
        const VrfId vrf(static_cast<std::uint16_t>(this->below(kVrfs)));
        ASSERT_TRUE(this->tables.rib.destroy_vrf(vrf));
        ASSERT_TRUE(this->tables.rib.create_vrf(vrf));
        this->twin_of(vrf) = {};
    }
    for (std::uint16_t vrf = 0; vrf < kVrfs; ++vrf)
        ASSERT_TRUE(this->tables.rib.destroy_vrf(VrfId(vrf)));
    EXPECT_TRUE(TypeParam::is_empty(this->tables.fib->usage()));
}

}  // namespace
}  // namespace causeway
