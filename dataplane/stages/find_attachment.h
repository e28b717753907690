// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "dataplane/burst.h"
#include "dataplane/tables.h"
#include "dataplane/tally.h"
#include "vlan/attachment_table.h"
#include "vlan/tag_stack.h"

namespace causeway {

// Finds whose frame this is, and notes it as received.
//
//   Reads    meta.outer_tag, meta.inner_tag, meta.header_bytes
//   Writes   meta.attachment, meta.vrf, meta.frame (now the network header), burst.policy(),
//            burst.received()
//   Exits    kUnknownTags kPriorityTagged kReservedVid kCircuitNotProvisioned kPeeringDisabled
//            kAdminDown
//   Cost     two direct tables and the attachment's own eight bytes
struct FindAttachment {
    static constexpr std::string_view kName = "find_attachment";

    FindAttachment(Burst& burst, const Tables& tables) noexcept
        : by_tag_(tables.attachments_by_tag.view(burst.port())),
          states_(tables.attachments.data()),
          burst_(burst),
          received_(burst.received()) {}

    FindAttachment(const FindAttachment&) = delete;
    FindAttachment& operator=(const FindAttachment&) = delete;
    // Once a burst: what is noted packet by packet stays in a register meanwhile.
    ~FindAttachment() { burst_.note(policy_); }

    Exit operator()(PacketMeta& meta, rte_mbuf&) noexcept {
        const AttachmentId id = by_tag_.find(meta.outer_tag, meta.inner_tag);
        if (id == AttachmentTable::kNone) [[unlikely]]
            return exit_of_nobody(meta);
        const AttachmentState& state = states_[id.value()];
        meta.frame += meta.header_bytes;
        meta.attachment = id;
        meta.vrf = state.vrf;
        policy_ |= state.policy;
        received_.add(id, meta.frame_bytes);
        return state.closed;
    }

  private:
    // Of tags that nobody has.
    [[nodiscard]] static Exit exit_of_nobody(const PacketMeta& meta) noexcept {
        switch (fault_of_vids(meta.outer_tag, meta.inner_tag)) {
            case TagFault::kPriorityTagged:
                return Exit::kPriorityTagged;
            case TagFault::kReservedVid:
                return Exit::kReservedVid;
            default:
                return Exit::kUnknownTags;
        }
    }

    const AttachmentTable::PortView by_tag_;
    const AttachmentState* const states_;
    Burst& burst_;
    PolicyBits policy_;
    Tally::Writer received_;
};

}  // namespace causeway
