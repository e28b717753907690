// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "acl/names/layer4.h"
#include "acl/packet_view.h"
#include "base/headers.h"
#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/name_policy.h"
#include "dataplane/stages/flow_name.h"
#include "dataplane/stages/named_packets.h"
#include "dataplane/tables.h"

namespace causeway {

// Treats packets to the addresses of names as the attachment they came in by has it. Behind Filter,
// which says what may come in at all.
//
//   Reads    meta.attachment, the destination; of packets to a learned address the five-tuple
//   Writes   meta.steered, the DSCP, the worker's flows
//   Exits    kAclDenied kAclProhibited kOverClassRate (of what comes back: PoliceNames)
//   Cost     nothing where nobody in the burst has names; else a line of the learned addresses a
//            packet, and a line of the flows for those that are found there; where flows are looked
//            into, that and a line of the labels for all
//   Source   RFC 5382 5 (what a flow begins with, and for how long it may be idle)
//
// A flow is steered from its first packet to its last, or not at all: of TCP it begins with a SYN,
// of other protocols with the first packet that is seen. A fragment shows no flow, and goes by its
// address alone. A name that a flow says itself is heard too late to steer it.
template <class Family>
struct MatchNames {
    static constexpr std::string_view kName = "match_names";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kMatchesNames)) return;
        const auto policy_of = [&tables](const PacketMeta& meta) noexcept -> const auto& {
            return tables.policies->of(meta.attachment);
        };
        NamedPackets named;
        if (!named.find<Family>(burst, &AttachmentPolicy::names, policy_of,
                                Family::destination_of)) {
            return;
        }
        const std::span<PacketMeta> packets = burst.walking();
        std::array<Ruling, kBurstSizeMax> rulings;
        unsigned matched = 0;
        for (unsigned k = 0; k < packets.size(); ++k) {
            const NamePolicy* const policy = named.policies[k];
            rulings[k] = policy == nullptr
                             ? Ruling()
                             : ruling_on(packets[k], *policy, named.learned[k], *burst.names());
            matched += rulings[k].rule != nullptr ? 1U : 0U;
        }
        if (matched != 0) act(burst, rulings);
    }

  private:
    struct Ruling {
        const NameRule* rule = nullptr;
        GroupId way;  // 0: as the routes say
    };

    // The address decides, where it is of a set; else what the flow has said of itself.
    [[nodiscard]] static Ruling ruling_on(const PacketMeta& meta, const NamePolicy& policy,
                                          LearnedSets learned, NameWorker& worker) noexcept {
        if (!learned.is_known() && policy.readers == nullptr) return {};
        const auto packet = read_acl_packet({meta.frame, meta.packet_bytes});
        if (!packet || packet->fragment != FragmentKind::kWhole) {
            return by_address(policy.rule_for(learned.now()));
        }
        const std::uint32_t now = flow_time();
        const std::uint64_t key =
            worker.flows.key_of(flow_name_of<Family>(meta, *packet, meta.vrf, policy.era));
        if (learned.is_known()) {
            const NameSetBits began_with = worker.flows.find(key, now);
            if (began_with != 0) return by_address(policy.rule_for(began_with));
            const Ruling ruling = by_address(policy.rule_for(learned.now()));
            if (ruling.way != GroupId() && may_begin_flow(*packet)) {
                worker.flows_begun.add(1);
                if (worker.flows.put(key, learned.now(), now)) worker.flows_displaced.add(1);
                return ruling;
            }
            if (ruling.rule != nullptr && ruling.way == GroupId()) return ruling;
        }
        if (policy.readers == nullptr) return {};
        const NameSetBits label = label_of(meta, *packet, {key, now}, policy, worker);
        return {.rule = policy.rule_for(label), .way = {}};  // it is under way already
    }
    [[nodiscard]] static Ruling by_address(const NameRule* rule) noexcept {
        return {.rule = rule, .way = rule == nullptr ? GroupId() : rule->outcome.way<Family>()};
    }

    struct FlowTime {
        std::uint64_t key;
        std::uint32_t now;
    };
    // The sets of the names that the flow's first packets show.
    [[nodiscard]] static NameSetBits label_of(const PacketMeta& meta, const AclPacket& packet,
                                              FlowTime flow, const NamePolicy& policy,
                                              NameWorker& worker) noexcept {
        const NameSetBits known = worker.labels.find(flow.key, flow.now);
        if (known != 0) return known & ~NameWorker::kIsLabelled;
        const auto layer4 = layer4_of({meta.frame, meta.packet_bytes}, packet.protocol);
        if (!layer4) return 0;
        const FlowInspector::Sets sets{*policy.readers->matcher,
                                       policy.readers->scratches[worker.id.value()]};
        std::optional<NameSetBits> label;
        const bool is_udp = packet.protocol == static_cast<std::uint8_t>(IpProtocol::kUdp);
        if (is_udp && layer4->size() > sizeof(UdpHeader)) {
            label = worker.inspector->take(flow.key, layer4->subspan(sizeof(UdpHeader)), sets);
        } else if (packet.protocol == static_cast<std::uint8_t>(IpProtocol::kTcp)) {
            const auto segment = read_tcp_segment(*layer4);
            if (segment) label = worker.inspector->take(flow.key, *segment, sets);
        }
        if (!label) return 0;
        *label &= policy.read_sets;
        if (*label != 0) worker.flows_labelled.add(1);
        // A TCP flow of no set needs no memory: without a SYN nobody looks into it again.
        if (*label != 0 || is_udp) {
            (void)worker.labels.put(flow.key, *label | NameWorker::kIsLabelled, flow.now);
        }
        return *label;
    }

    [[nodiscard]] static bool may_begin_flow(const AclPacket& packet) noexcept {
        return !packet.tcp_flags || TcpSegment::begins(*packet.tcp_flags);
    }

    static void act(Burst& burst, const std::array<Ruling, kBurstSizeMax>& rulings) noexcept {
        const std::span<PacketMeta> packets = burst.walking();
        if (!burst.policy().has_any(kSteers)) {
            for (PacketMeta& meta : packets) meta.steered = 0;
            burst.note(kSteers);
        }
        burst.filter(rulings, [&burst](PacketMeta& meta, const Ruling& ruling) noexcept {
            if (ruling.rule == nullptr) return Exit::kNone;
            const AclOutcome& outcome = ruling.rule->outcome;
            if (ruling.way != GroupId()) meta.steered = ruling.way.value();
            auto& counter = burst.counters().rules()[outcome.counter.value()];
            if (outcome.log_one_in != 0 && counter.packets.read() % outcome.log_one_in == 0) {
                burst.log().put(outcome.counter, meta.attachment, {meta.frame, meta.packet_bytes});
            }
            counter.count(1, meta.packet_bytes);
            if (outcome.mark_dscp != AclOutcome::kNoMark) {
                Family::set_dscp(meta, outcome.mark_dscp);
            }
            Policer* const policer = ruling.rule->police.in;
            return policer == nullptr ? outcome.exit : police_class(*policer, meta.frame_bytes);
        });
    }
};

}  // namespace causeway
