// SPDX-License-Identifier: Apache-2.0
//
// NamedPackets: whose policy of names a burst's packets fall under, and what their addresses are to
// their VRFs.
#pragma once

#include <array>
#include <span>

#include "acl/names/learned_addresses.h"
#include "base/limits.h"
#include "dataplane/acl_image.h"
#include "dataplane/burst.h"
#include "dataplane/name_policy.h"
#include "dataplane/policy.h"

namespace causeway {

struct NamedPackets {
    std::array<const NamePolicy*, kBurstSizeMax> policies;  // null: none speaks of that packet
    std::array<LearnedSets, kBurstSizeMax> learned;         // of those of which one does

    // False where no policy speaks of any. policy_of(meta) is the attachment's of which `which` is
    // asked, address_of(meta) the address that has a name, or not.
    template <class Family, class PolicyOf, class AddressOf>
    [[nodiscard]] bool find(Burst& burst, const NamePolicy* AttachmentPolicy::*which,
                            PolicyOf&& policy_of, AddressOf&& address_of) noexcept {
        const std::span<const PacketMeta> packets = burst.walking();
        std::array<const LearnedAddresses*, kBurstSizeMax> known;
        const LearnedAddresses* any = nullptr;
        for (unsigned k = 0; k < packets.size(); ++k) {
            const AttachmentPolicy& policy = policy_of(packets[k]);
            policies[k] = policy.*which;
            known[k] = policies[k] == nullptr ? nullptr : policy.learned;
            if (known[k] != nullptr) any = known[k];
        }
        if (any == nullptr) return false;
        // A question whose answer nobody reads costs less than a branch.
        for (unsigned k = 0; k < packets.size(); ++k) {
            if (known[k] == nullptr) known[k] = any;
        }
        using Address = typename AclLayout<Family>::Address;
        std::array<Address, kBurstSizeMax> addresses;
        burst.gather(addresses, address_of);
        look_up<Address>(std::span(known).first(packets.size()),
                         std::span(addresses).first(packets.size()),
                         std::span(learned).first(packets.size()));
        return true;
    }
};

}  // namespace causeway
