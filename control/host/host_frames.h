// SPDX-License-Identifier: Apache-2.0
//
// HostFrames: what becomes of the frames that our own kernel sends on an attachment. Packets for a
// station leave with the attachment's tags. Questions for a neighbour do not: one router has one
// table of neighbours, and it is ours (slow_path/neighbours.h), so the kernel is answered from it,
// and told when a neighbour's MAC address is found or changes.
//
// Thread safety: control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "control/host/host_stack.h"
#include "control/router/attachments.h"
#include "control/slow_path/neighbours.h"
#include "control/slow_path/slow_counters.h"
#include "control/slow_path/transmitter.h"
#include "dataplane/packet.h"
#include "dataplane/punt_police.h"

namespace causeway {

class HostFrames {
  public:
    HostFrames(HostStack& host, Neighbours& neighbours, Transmitter& transmitter,
               SlowCounters& counters)
        : host_(host), neighbours_(neighbours), transmitter_(transmitter), counters_(counters) {}

    // Is called for BGP segments that only an established session of ours has, or one that we are
    // opening (dataplane/punt_police.h).
    using SessionCallback = std::function<void(AttachmentId, const BgpSession&)>;
    void on_session(SessionCallback callback) { session_callback_ = std::move(callback); }

    // A frame of the kernel's: untagged, Ethernet header first.
    void take(Packet frame, const Attachment& out, std::uint64_t now_ns);
    // A neighbour has this MAC address from now on.
    void tell(const Attachment& in, const IpAddress& neighbour, const MacAddress& mac);

  private:
    void hear_arp(Packet packet, const Attachment& out, std::uint64_t now_ns);
    void hear_nd(Packet packet, const Attachment& out, std::uint64_t now_ns);
    void ask_for(const IpAddress& neighbour, const Attachment& out, std::uint64_t now_ns);
    // Says to the kernel, in the neighbour's name, what `write` makes in the packet's room.
    template <class Write>
    void answer(Packet packet, const Attachment& in, const MacAddress& mac, const Write& write);

    HostStack& host_;
    Neighbours& neighbours_;
    Transmitter& transmitter_;
    SlowCounters& counters_;
    SessionCallback session_callback_;
};

}  // namespace causeway
