// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/tables.h"

namespace causeway {

// Holds packets to the DSCPs that the peerings at both of its ends have agreed on. Behind all that
// answers with ICMP, which quotes a packet as it came.
//
//   Reads    meta.attachment, meta.adjacency
//   Writes   the DSCP, never ECN, and the checksum of IPv4
//   Exits    none
//   Cost     nothing where nobody in the burst asks for it
//   Source   RFC 2474 3 (DSCP), RFC 3168 5 (ECN), RFC 1624 (checksum)
template <class Family>
struct MapDscp {
    static constexpr std::string_view kName = "map_dscp";

    static void run(Burst& burst, const Tables& tables) noexcept {
        if (!burst.policy().has_any(kMapsDscp)) return;
        const Policies& policies = *tables.policies;
        for (const PacketMeta& meta : burst.walking()) {
            const std::uint8_t before = Family::dscp_of(meta);
            std::uint8_t dscp = before;
            const AttachmentId ends[] = {meta.attachment, meta.adjacency->attachment};
            for (const AttachmentId end : ends) {
                const DscpMap* const map = policies.of(end).dscp_map;
                if (map != nullptr) dscp = (*map)[dscp];
            }
            if (dscp != before) Family::set_dscp(meta, dscp);
        }
    }
};

}  // namespace causeway
