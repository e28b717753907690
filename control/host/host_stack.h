// SPDX-License-Identifier: Apache-2.0
//
// HostStack: the kernel's network stack behind an attachment, in which BGP and BFD have their
// sockets. The daemon's is reached over TAPs (taps.h); a test's keeps what it gets.
//
// Thread safety: control thread only.
#pragma once

#include <span>
#include <utility>

#include "base/endian.h"
#include "base/headers.h"
#include "base/types.h"
#include "control/router/attachments.h"
#include "dataplane/packet.h"

namespace causeway {

class HostStack {
  public:
    virtual ~HostStack() = default;
    // Whether the attachment has one.
    [[nodiscard]] virtual bool has(AttachmentId attachment) const noexcept = 0;

    // Hands up a packet (layer 3 at its front) as if `sender` had sent it there. False where it
    // found no room; it is gone all the same. REQUIRES: has(in.id).
    bool hand_up(Packet packet, const Attachment& in, const MacAddress& sender, EtherType type) {
        const EthernetHeader header{.destination = in.mac,
                                    .source = sender,
                                    .type = Be16(static_cast<std::uint16_t>(type))};
        const std::span bytes(reinterpret_cast<const std::uint8_t*>(&header), sizeof header);
        return packet.prepend(bytes) && deliver(in.id, std::move(packet));
    }

  private:
    // An untagged frame.
    virtual bool deliver(AttachmentId attachment, Packet frame) = 0;
};

}  // namespace causeway
