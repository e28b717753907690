// SPDX-License-Identifier: Apache-2.0
//
// Whose packets a NAT translates, as CheckSource and Translate both judge them: those from inside,
// but for what an operator leaves out (RFC 6888 REQ-6: by destination addresses and ports).
//
// A later fragment, in which a list sees no ports (acl/match.h), goes the way that the first of its
// datagram went: the translator knows which, and lets it pass as it is where that did.
#pragma once

#include <cstdint>

#include "dataplane/acl_image.h"
#include "dataplane/acl_list.h"
#include "dataplane/nat_tables.h"
#include "dataplane/policy.h"

namespace causeway {

[[nodiscard]] inline bool is_later_fragment(const PacketMeta& meta) noexcept {
    return (meta.ipv4().flags_fragment.host() & Ipv4Header::kOffsetMask) != 0;
}

// The rule, or the `otherwise`, by which the list lets a packet pass as it is; nullptr: by none, or
// the translator is to say it.
[[nodiscard]] inline const AclOutcome* exception_of(const PacketMeta& meta,
                                                    const AclList& list) noexcept {
    if (is_later_fragment(meta)) return nullptr;
    AclImage room;
    const std::uint8_t* image = acl_image_of<Ipv4>(meta, room);
    std::uint32_t result = 0;
    list.classify<Ipv4>({&image, 1}, {&result, 1});
    const AclOutcome& outcome = list.outcomes()[result];
    return outcome.exit == Exit::kNone ? &outcome : nullptr;
}

// Whether it gets a public source, or the translator is to say it. REQUIRES: meta came in at an
// attachment with this inside and these exceptions; none: nullptr.
[[nodiscard]] inline bool is_translated(const PacketMeta& meta, const NatInside& inside,
                                        const AclList* exceptions) noexcept {
    if (!inside.translates(Ipv4::source_of(meta), Ipv4::destination_of(meta))) return false;
    return exceptions == nullptr || exception_of(meta, *exceptions) == nullptr;
}

}  // namespace causeway
