// SPDX-License-Identifier: Apache-2.0
//
// Tables: all that a worker reads for one turn.
//
// Thread safety: a Tables is immutable from publication to destruction. The FIBs and the next hops
// that it points to are those that change too often for that: they have one writer, the control
// thread, which updates them in place (see their own headers).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/exit.h"
#include "dataplane/nat_tables.h"
#include "dataplane/policy.h"
#include "fib/fib4.h"
#include "fib/fib6.h"
#include "fib/next_hops.h"
#include "vlan/attachment_table.h"
#include "vlan/tag_stack.h"

namespace causeway {

// What a worker must know of an attachment to let a packet in.
struct alignas(8) AttachmentState {
    VrfId vrf;
    Exit closed = Exit::kNone;  // why it lets nothing in, if so
    PolicyBits policy;          // of what it sends and of what goes out to it

    [[nodiscard]] IpOptions ip_options() const noexcept {
        return policy.has_any(kDropsIpOptions) ? IpOptions::kDrop : IpOptions::kPass;
    }
};
static_assert(sizeof(AttachmentState) == 8, "one load, and eight a cache line");

struct Tables {
    std::array<FramePattern, kPortsMax> ports;
    AttachmentTable attachments_by_tag;
    std::vector<AttachmentState> attachments = std::vector<AttachmentState>(kAttachmentsMax);
    const Fib4* fib4 = nullptr;
    const Fib6* fib6 = nullptr;
    const NextHops* next_hops = nullptr;
    const Policies* policies = nullptr;    // null where no attachment has any bit set
    std::unique_ptr<const NatTables> nat;  // null where there is no NAT
};

}  // namespace causeway
