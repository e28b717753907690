// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/burst.h"
#include "dataplane/family.h"
#include "dataplane/tables.h"

namespace causeway {

// BFD is taken out of the walk at its very beginning, before policers and access lists: a customer
// who sends too much must not lose the session that says whether the link is alive. Few other
// packets are UDP with a TTL of 255, so the routes may be asked for these one by one.
//
// kBfd where the packet is BFD for an address of ours on an attachment that runs it, else kNone.
// REQUIRES: a packet that has passed every check.
template <class Family>
[[nodiscard]] Exit find_bfd(const PacketMeta& meta, const Tables& tables) noexcept {
    const bool runs_bfd = tables.attachments[meta.attachment.value()].policy.has_any(kRunsBfd);
    if (!runs_bfd || !Family::is_bfd(meta)) return Exit::kNone;
    const auto key = Family::route_key(meta);
    GroupId group;
    Family::fib(tables).lookup({&key, 1}, {&group, 1});
    const NextHops& next_hops = *tables.next_hops;
    const Adjacency& adjacency = next_hops.adjacency(next_hops.bucket(next_hops.group(group), 0));
    return adjacency.kind == AdjacencyKind::kLocal ? Exit::kBfd : Exit::kNone;
}

}  // namespace causeway
