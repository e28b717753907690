// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "acl/packet_view.h"
#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/name_policy.h"
#include "dataplane/stages/flow_name.h"
#include "dataplane/stages/named_packets.h"
#include "dataplane/tables.h"

namespace causeway {

// Holds to the rates of their classes what comes back from the addresses of names: by far most of
// what a download is. The way in is MatchNames's; whose flow a packet answers is known behind NAT.
//
//   Reads    meta.adjacency, the source; of packets from a learned address the five-tuple
//   Writes   the policers' buckets, when a flow was last heard of
//   Exits    kOverClassRate
//   Cost     nothing where nobody in the burst has classes; else a line of the learned addresses a
//            packet, and a line of the flows, or of their labels, where those may decide
template <class Family>
struct PoliceNames {
    static constexpr std::string_view kName = "police_names";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kPolicesNames) || tables.policies == nullptr) return;
        const auto policy_of = [&tables](const PacketMeta& meta) noexcept -> const auto& {
            return tables.policies->of(meta.adjacency->attachment);
        };
        NamedPackets named;
        if (!named.find<Family>(burst, &AttachmentPolicy::name_classes, policy_of,
                                Family::source_of)) {
            return;
        }
        const std::span<PacketMeta> packets = burst.walking();
        std::array<Policer*, kBurstSizeMax> policers{};
        bool has_any = false;
        for (unsigned k = 0; k < packets.size(); ++k) {
            if (named.policies[k] == nullptr) continue;
            const NameRule* const rule = rule_for(
                packets[k], tables.attachments[packets[k].adjacency->attachment.value()].vrf,
                *named.policies[k], named.learned[k], *burst.names());
            if (rule == nullptr || rule->police.out == nullptr) continue;
            policers[k] = rule->police.out;
            has_any = true;
        }
        if (!has_any) return;
        burst.filter(policers, [](PacketMeta& meta, Policer* policer) noexcept {
            return policer == nullptr ? Exit::kNone : police_class(*policer, meta.frame_bytes);
        });
    }

  private:
    // The rule that MatchNames would find for a packet of the other direction.
    [[nodiscard]] static const NameRule* rule_for(const PacketMeta& meta, VrfId vrf,
                                                  const NamePolicy& policy, LearnedSets learned,
                                                  NameWorker& worker) noexcept {
        if (!learned.is_known() && policy.readers == nullptr) return nullptr;
        const auto packet = read_acl_packet({meta.frame, meta.packet_bytes});
        if (!packet || packet->fragment != FragmentKind::kWhole) {
            return policy.rule_for(learned.now());
        }
        const std::uint32_t now = flow_time();
        const std::uint64_t key =
            worker.flows.key_of(flow_name_of<Family>(meta, *packet, vrf, policy.era).reversed());
        if (learned.is_known()) {
            const NameSetBits began_with = worker.flows.find(key, now);
            if (began_with != 0) return policy.rule_for(began_with);
            const NameRule* const rule = policy.rule_for(learned.now());
            const bool steers = rule != nullptr && rule->outcome.way<Family>() != GroupId();
            if (rule != nullptr && !steers) return rule;
        }
        if (policy.readers == nullptr) return nullptr;
        return policy.rule_for(worker.labels.find(key, now) & ~NameWorker::kIsLabelled);
    }
};

}  // namespace causeway
