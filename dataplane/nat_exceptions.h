// SPDX-License-Identifier: Apache-2.0
//
// Whose packets a NAT translates, as CheckSource and Translate both judge them: those from inside,
// but for what an operator leaves out (RFC 6888 REQ-6: by destination addresses and ports).
//
// A list's rules that name ports match no later fragment (acl/match.h), which then waits in vain
// for a first one that has passed untranslated.
#pragma once

#include <cstdint>

#include "dataplane/acl_image.h"
#include "dataplane/acl_list.h"
#include "dataplane/nat_tables.h"
#include "dataplane/policy.h"

namespace causeway {

// The rule, or the `otherwise`, by which the list lets a packet pass as it is; nullptr: by none.
[[nodiscard]] inline const AclOutcome* exception_of(const PacketMeta& meta,
                                                    const AclList& list) noexcept {
    AclImage room;
    const std::uint8_t* image = acl_image_of<Ipv4>(meta, room);
    std::uint32_t result = 0;
    list.classify<Ipv4>({&image, 1}, {&result, 1});
    const AclOutcome& outcome = list.outcomes()[result];
    return outcome.exit == Exit::kNone ? &outcome : nullptr;
}

// Whether it gets a public source. REQUIRES: meta came in at an attachment with this inside and
// these exceptions; none: nullptr.
[[nodiscard]] inline bool is_translated(const PacketMeta& meta, const NatInside& inside,
                                        const AclList* exceptions) noexcept {
    if (!inside.translates(Ipv4::source_of(meta), Ipv4::destination_of(meta))) return false;
    return exceptions == nullptr || exception_of(meta, *exceptions) == nullptr;
}

}  // namespace causeway
