// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/acl_image.h"
#include "dataplane/acl_list.h"
#include "dataplane/acl_log.h"
#include "dataplane/burst.h"
#include "dataplane/tables.h"

namespace causeway {

enum class Direction : std::uint8_t { kIn, kOut };

// Asks the access list of the attachment a packet came in by, or leaves by: the first rule that
// matches decides, and counts.
//
//   Reads    meta.attachment, or meta.adjacency; the packet's headers
//   Writes   meta.steered, and the DSCP, where a rule says so
//   Exits    kAclDenied kAclProhibited
//   Cost     nothing where nobody in the burst has a list; else one bulk classification a list,
//            and for a list that asks for names two lines of the learned addresses a packet
template <class Family, Direction kDirection>
struct Filter {
    static constexpr bool kIsIn = kDirection == Direction::kIn;
    static constexpr std::string_view kName = kIsIn ? "filter_in" : "filter_out";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kIsIn ? kFiltersIn : kFiltersOut) || burst.size() == 0) return;
        const Policies& policies = *tables.policies;
        const std::span<PacketMeta> packets = burst.walking();
        const AclList* const list = list_of(packets.front(), policies);
        bool is_alone = true;
        for (const PacketMeta& meta : packets) is_alone &= list_of(meta, policies) == list;
        if (!is_alone) return filter_by_list(burst, policies);
        if (list != nullptr) filter(burst, policies, *list);
    }

  private:
    [[nodiscard]] static const AttachmentPolicy& policy_of(const PacketMeta& meta,
                                                           const Policies& policies) noexcept {
        return policies.of(kIsIn ? meta.attachment : meta.adjacency->attachment);
    }
    [[nodiscard]] static const AclList* list_of(const PacketMeta& meta,
                                                const Policies& policies) noexcept {
        const AttachmentPolicy& policy = policy_of(meta, policies);
        return kIsIn ? policy.filter_in : policy.filter_out;
    }

    // All of the burst by one list.
    static void filter(Burst& burst, const Policies& policies, const AclList& list) noexcept {
        const std::span<PacketMeta> packets = burst.walking();
        const std::size_t count = packets.size();
        std::array<const std::uint8_t*, kBurstSizeMax> images;
        std::array<AclImage, kBurstSizeMax> rooms;
        std::array<std::uint32_t, kBurstSizeMax> results;
        for (std::size_t k = 0; k < count; ++k) {
            images[k] = acl_image_of<Family>(packets[k], rooms[k]);
        }
        if (list.asks_names()) [[unlikely]] {
            std::array<const LearnedAddresses*, kBurstSizeMax> learned;
            burst.gather(learned, [&](const PacketMeta& meta) noexcept {
                return policy_of(meta, policies).learned;
            });
            name_acl_images<Family>(std::span(learned).first(count), std::span(images).first(count),
                                    rooms);
        }
        list.classify<Family>(std::span(images).first(count), std::span(results).first(count));
        const AclOutcome* const outcomes = list.outcomes();
        const auto is_first = [&](std::uint32_t result) noexcept { return result == results[0]; };
        if (list.extras() == AclExtras::kNone &&
            std::ranges::all_of(std::span(results).first(count), is_first)) {
            return judge_alike(burst, outcomes[results[0]]);
        }
        judge(
            burst, results, list.extras(), [outcomes](std::uint32_t result) noexcept -> auto& {
                return outcomes[result];
            });
    }

    // One question a list, about all packets that it concerns.
    static void filter_by_list(Burst& burst, const Policies& policies) noexcept {
        static constexpr AclOutcome kNoList{};
        const std::span<PacketMeta> packets = burst.walking();
        std::array<const AclList*, kBurstSizeMax> lists;
        burst.gather(lists,
                     [&](const PacketMeta& meta) noexcept { return list_of(meta, policies); });
        std::array<const AclOutcome*, kBurstSizeMax> outcomes;
        std::uint64_t asked = 0;  // bit k: packet k
        AclExtras extras = AclExtras::kNone;
        for (unsigned first = 0; first < packets.size(); ++first) {
            const AclList* const list = lists[first];
            if ((asked >> first & 1) != 0) continue;
            std::array<std::uint8_t, kBurstSizeMax> places;
            std::array<const std::uint8_t*, kBurstSizeMax> images;
            std::array<AclImage, kBurstSizeMax> rooms;
            std::array<std::uint32_t, kBurstSizeMax> results;
            unsigned count = 0;
            for (unsigned k = first; k < packets.size(); ++k) {
                if (lists[k] != list) continue;
                asked |= std::uint64_t{1} << k;
                outcomes[k] = &kNoList;
                places[count] = static_cast<std::uint8_t>(k);
                if (list != nullptr) {
                    images[count] = acl_image_of<Family>(packets[k], rooms[count]);
                }
                ++count;
            }
            if (list == nullptr) continue;
            if (list->asks_names()) {
                std::array<const LearnedAddresses*, kBurstSizeMax> learned;
                for (unsigned k = 0; k < count; ++k) {
                    learned[k] = policy_of(packets[places[k]], policies).learned;
                }
                name_acl_images<Family>(std::span(learned).first(count),
                                        std::span(images).first(count), rooms);
            }
            list->classify<Family>(std::span(images).first(count), std::span(results).first(count));
            for (unsigned k = 0; k < count; ++k)
                outcomes[places[k]] = list->outcomes() + results[k];
            if (list->extras() == AclExtras::kSome) extras = AclExtras::kSome;
        }
        judge(
            burst, outcomes, extras,
            [](const AclOutcome* outcome) noexcept -> auto& { return *outcome; });
    }

    template <class Value, class OutcomeOf>
    static void judge(Burst& burst, const std::array<Value, kBurstSizeMax>& values,
                      AclExtras extras, OutcomeOf&& outcome_of) noexcept {
        auto* const counters = burst.counters().rules();
        const auto judge_one = [counters](const PacketMeta& meta,
                                          const AclOutcome& outcome) noexcept {
            counters[outcome.counter.value()].count(1, meta.packet_bytes);
            return outcome.exit;
        };
        if (extras == AclExtras::kSome) [[unlikely]] {
            if constexpr (kIsIn) burst.note(kSteers);
            burst.filter(values, [&](PacketMeta& meta, const Value& value) noexcept {
                const AclOutcome& outcome = outcome_of(value);
                act(burst, meta, outcome);
                return judge_one(meta, outcome);
            });
            return;
        }
        burst.filter(values, [&](PacketMeta& meta, const Value& value) noexcept {
            return judge_one(meta, outcome_of(value));
        });
    }

    // All of the burst has one outcome, as most of what no rule concerns: one by one, each packet's
    // count would wait for that of the packet before.
    static void judge_alike(Burst& burst, const AclOutcome& outcome) noexcept {
        std::uint64_t bytes = 0;
        for (const PacketMeta& meta : burst.walking()) bytes += meta.packet_bytes;
        burst.counters().rules()[outcome.counter.value()].count(burst.size(), bytes);
        if (outcome.exit == Exit::kNone) return;
        burst.filter([&](PacketMeta&, rte_mbuf&) noexcept { return outcome.exit; });
    }

    // What a rule does besides, before the packet is counted: so those of one burst are told apart,
    // and one in so many of them is logged. A packet that leaves has had its route: it is not
    // steered.
    static void act(Burst& burst, PacketMeta& meta, const AclOutcome& outcome) noexcept {
        if constexpr (kIsIn) meta.steered = outcome.way<Family>().value();
        if (outcome.log_one_in != 0) {
            const Counter& packets = burst.counters().rule(outcome.counter).packets;
            if (packets.read() % outcome.log_one_in == 0) {
                burst.log().put(outcome.counter, meta.attachment, {meta.frame, meta.packet_bytes});
            }
        }
        if (outcome.mark_dscp != AclOutcome::kNoMark) Family::set_dscp(meta, outcome.mark_dscp);
    }
};

}  // namespace causeway
