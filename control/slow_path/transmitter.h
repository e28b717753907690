// SPDX-License-Identifier: Apache-2.0
//
// Transmitter: how the control thread gets a frame onto an attachment. The daemon's goes through a
// worker's ring (a device queue has one owner, and that is the worker); a test's keeps what it
// gets.
#pragma once

#include <optional>

#include "base/types.h"
#include "control/router/attachments.h"
#include "dataplane/packet.h"

namespace causeway {

class Transmitter {
  public:
    virtual ~Transmitter() = default;
    // An empty packet; nothing where the pool is.
    [[nodiscard]] virtual std::optional<Packet> make_packet() = 0;
    [[nodiscard]] virtual rte_mempool* pool() noexcept = 0;
    // A whole frame. False where it found no room; it is gone all the same.
    virtual bool send(Packet frame, const Attachment& out) = 0;
};

}  // namespace causeway
