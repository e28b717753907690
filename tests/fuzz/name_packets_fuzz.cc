// SPDX-License-Identifier: Apache-2.0
//
// Any packets, each behind its length in two bytes, as answers of a resolver and as a flow's first
// ones: bounds hold, and nothing is learned that no set speaks of.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "acl/names/dns_learner.h"
#include "acl/names/flow_inspector.h"
#include "base/check.h"
#include "base/grace.h"
#include "base/text.h"

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

struct World {
    World() {
        sets[0].name = "cdn";
        sets[0].members.push_back(NamePattern::from("*.cdn.example").value());
        matcher = std::make_unique<NameMatcher>(sets, PatternPlan(), nullptr);
        inspector = FlowInspector::create().value();
    }
    std::vector<NameSet> sets = std::vector<NameSet>(1);
    std::unique_ptr<NameMatcher> matcher;
    PatternScratch scratch;
    std::unique_ptr<FlowInspector> inspector;
};

void learn(World& world, std::span<const Bytes> packets) {
    ImmediateGrace grace;
    const auto learned = LearnedAddresses::create(grace, 64).value();
    DnsLearner learner;
    learner.set_matcher(world.matcher.get(), PatternScratch());
    learner.set_resolvers({*parse_ip_address("10.2.0.53"), *parse_ip_address("2001:db8::53")});
    std::uint64_t now_s = 1;
    for (const Bytes packet : packets) learner.take(*learned, packet, ++now_s);
    CHECK(learner.streams() <= DnsLearner::kStreamsMax);
    CHECK(learned->size() <= 64);
    for (const auto& [address, record] : learned->records()) {
        for (const auto& lease : record.leases) CHECK(lease.sets == 1);
    }
    learned->expire(now_s + LearnedAddresses::kSecondsMax);
    CHECK(learned->size() == learned->past());
}

void inspect(World& world, std::span<const Bytes> packets) {
    const FlowInspector::Sets sets{*world.matcher, world.scratch};
    for (const Bytes packet : packets) {
        const auto segment = read_tcp_segment(packet);
        const auto flow = packet.empty() ? 1U : packet[0] + 1U;
        if (segment) {
            const auto label = world.inspector->take(flow, *segment, sets);
            CHECK(!label || *label <= 1);
        }
        const auto label = world.inspector->take(flow + 1'000, packet, sets);
        CHECK(!label || *label <= 1);
    }
}

}  // namespace
}  // namespace causeway

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway;
    static World world;
    std::vector<Bytes> packets;
    Bytes rest(data, size);
    while (rest.size() > 2) {
        const std::size_t bytes =
            std::min<std::size_t>(std::size_t{rest[0]} << 8 | rest[1], rest.size() - 2);
        packets.push_back(rest.subspan(2, bytes));
        rest = rest.subspan(2 + bytes);
    }
    learn(world, packets);
    inspect(world, packets);
    return 0;
}
