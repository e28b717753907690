// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/nat_exceptions.h"
#include "dataplane/stages/find_route.h"
#include "dataplane/tables.h"

namespace causeway {

// Lets pass only who may send from the address that the packet gives as its source.
//
//   Reads    meta.attachment, the source; the destination of packets between the link's two ends
//   Writes   nothing
//   Exits    kPrivateSource kSourceNotAdvertised kReversePath
//   Cost     nothing where nobody in the burst asks for it; a search in the peering's prefixes, or
//            one bulk FIB lookup a burst
//   Source   RFC 2827 (ingress filtering), RFC 3704 2.2 to 2.4 and RFC 8704 (reverse path)
template <class Family>
struct CheckSource {
    static constexpr std::string_view kName = "check_source";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kChecksSources)) return;
        // A packet from nowhere in particular is looked up, too: it costs less than parting them.
        Column<decltype(Family::source_key(PacketMeta()))> keys;
        Column<GroupId> groups;
        burst.gather(keys, Family::source_key);
        const std::size_t count = burst.size();
        Family::fib(tables).lookup(keys.first(count), groups.first(count));

        const Policies& policies = *tables.policies;
        burst.filter(groups, [&](PacketMeta& meta, const GroupId& way_back) noexcept {
            const AttachmentPolicy& policy = policies.of(meta.attachment);
            if (policy.source_check == SourceCheck::kOff) return Exit::kNone;
            if (is_of_link(meta, policy)) return Exit::kNone;
            if (has_nat(meta, policy, tables.nat.get())) return Exit::kNone;
            if (policy.source_check == SourceCheck::kAdvertised) return advertised(meta, policy);
            return returns(policies, *tables.next_hops, policy, way_back) ? Exit::kNone
                                                                          : Exit::kReversePath;
        });
    }

  private:
    // What the two ends of a link say to each other is not what a peering sends: BGP, BFD, ICMP.
    [[nodiscard]] static bool is_of_link(const PacketMeta& meta,
                                         const AttachmentPolicy& policy) noexcept {
        const auto& link = Family::of(policy.link_prefixes);
        return link.contains(Family::source_of(meta)) &&
               link.contains(Family::destination_of(meta));
    }

    // Behind it stands a NAT, which gives it a source that is known.
    [[nodiscard]] static bool has_nat(const PacketMeta& meta, const AttachmentPolicy& policy,
                                      const NatTables* nat) noexcept {
        if constexpr (std::same_as<Family, Ipv4>) {
            if (nat == nullptr) return false;
            const NatInside* const inside = nat->inside_of(meta.attachment);
            return inside != nullptr && is_translated(meta, *inside, policy.untranslated);
        }
        return false;
    }

    [[nodiscard]] static Exit advertised(const PacketMeta& meta,
                                         const AttachmentPolicy& policy) noexcept {
        const auto source = Family::source_of(meta);
        if (Family::is_private(source)) return Exit::kPrivateSource;
        if (policy.sources == nullptr) return Exit::kSourceNotAdvertised;
        return Family::of(*policy.sources).contains(source) ? Exit::kNone
                                                            : Exit::kSourceNotAdvertised;
    }

    // Loose: some route. Strict: one that leads to the same peering, by whichever link, or would
    // if its next hops lived: a source does not become a liar when its link goes down. One of the
    // first buckets is enough, for a group has at least kGroupBucketsMin and gives each next hop
    // its share of them.
    [[nodiscard]] static bool returns(const Policies& policies, const NextHops& next_hops,
                                      const AttachmentPolicy& policy, GroupId way_back) noexcept {
        const Group group = next_hops.group(way_back);
        const std::uint32_t count =
            std::min<std::uint32_t>(group.bucket_mask + 1, kGroupBucketsMin);
        for (std::uint32_t k = 0; k < count; ++k) {
            const Adjacency& way = next_hops.adjacency(next_hops.bucket(group.first_bucket + k));
            switch (way.kind) {
                case AdjacencyKind::kNoRoute:
                case AdjacencyKind::kLocal:  // our own address as a source
                case AdjacencyKind::kBlackhole:
                case AdjacencyKind::kUnreachable:
                case AdjacencyKind::kProhibit:
                    return false;
                case AdjacencyKind::kForward:
                    break;
                default:
                    return true;
            }
            if (policy.source_check == SourceCheck::kLoose) return true;
            if (policies.of(way.attachment).peering == policy.peering) return true;
        }
        return false;
    }
};

}  // namespace causeway
