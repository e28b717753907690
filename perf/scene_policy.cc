// SPDX-License-Identifier: Apache-2.0
#include "perf/scene_policy.h"

#include <rte_cycles.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "acl/rule.h"
#include "base/check.h"
#include "perf/prebuilt_packets.h"

namespace causeway::perf {
namespace {

constexpr std::size_t kAttachmentsOfACircuit = 4;
constexpr PolicerRate kPlenty{.bytes_per_second = 100'000'000'000, .burst_bytes = 1'000'000'000};

// Rule i permits UDP to some ports from the lower half of the i-th part of the sources, which are
// 2^16: so half of them meet a rule, each as often as any other, and half go by all.
Acl acl_of(std::size_t rules) {
    constexpr std::uint32_t kSources = 1U << 16;
    Acl acl{.name = "scene", .rules = {}};
    acl.otherwise.verdict = AclVerdict::kPermit;
    int part_bits = 16;  // of the host in a part
    while ((kSources >> part_bits) < rules) --part_bits;
    CHECK(part_bits > 0);
    for (std::uint32_t i = 0; i < rules; ++i) {
        AclRule rule;
        rule.name = std::to_string(i);
        const std::uint32_t host = i << part_bits;
        rule.source.prefixes = {
            Ipv4Prefix::of(Ipv4Address(kSourceNetwork.value() | host), 33 - part_bits),
            Ipv6Prefix::of(Ipv6Address(kSourceNetwork6.high(), host), 129 - part_bits)};
        rule.protocol = std::uint8_t{17};
        rule.destination_ports.ranges = {
            {kDestinationPort, static_cast<std::uint16_t>(kDestinationPort + i)}};
        acl.rules.push_back(std::move(rule));
    }
    return acl;
}

}  // namespace

ScenePolicy::ScenePolicy(const Scene& scene) : scene_(scene) {
    CHECK(scene.policers <= 2);
    if (scene.rules != 0) (void)new_list();
}

const AclList& ScenePolicy::new_list() {
    const Acl acl = acl_of(scene_.rules);
    std::vector<RuleCounterId> counters;  // one a rule, and one for those that meet none
    for (std::uint32_t i = 0; i <= acl.rules.size(); ++i) counters.emplace_back(i + 1);
    return *lists_.emplace_back(std::move(AclList::build(acl, {}, counters).value()));
}

Policer* ScenePolicy::new_policer() {
    return &policers_.emplace_back(rte_get_tsc_hz(), kPlenty, rte_rdtsc());
}

AttachmentPolicy ScenePolicy::next() {
    AttachmentPolicy policy;
    if (!lists_.empty()) policy.filter_in = lists_.back().get();
    if (scene_.policers == 0) return policy;
    if (plans_.size() % kAttachmentsOfACircuit == 0) circuit_ = new_policer();
    PolicerPair pair{.peering = new_policer()};
    if (scene_.policers == 2) pair.circuit = circuit_;
    policy.police_in = &plans_.emplace_back(PolicePlan{.rest = pair});
    return policy;
}

}  // namespace causeway::perf
