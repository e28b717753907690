// SPDX-License-Identifier: Apache-2.0
//
// SlowWalk: what the walk should do with one frame, written down once more: frame by frame, table
// by table, without a trick and without a line of the code it judges. Where a group has several
// ways, it names them all; which of them a flow takes is for the test to hold the walk to.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "acl/names/learned_table.h"
#include "acl/packet_view.h"
#include "acl/rule.h"
#include "base/limits.h"
#include "base/types.h"
#include "dataplane/exit.h"
#include "dataplane/policy.h"
#include "vlan/tag_stack.h"

namespace causeway::test {

using Frame = std::vector<std::uint8_t>;

struct SlowAttachment {
    AttachmentId id;
    PortId port;
    std::uint16_t outer = 0;
    std::uint16_t inner = 0;  // 0: single-tagged
    VrfId vrf;
    Exit closed = Exit::kNone;
    bool has_ipv6 = true;
    IpOptions ip_options = IpOptions::kPass;
    const Acl* filter_in = nullptr;
    const Acl* filter_out = nullptr;
    SourceCheck source_check = SourceCheck::kOff;
    PeeringId peering;
    std::vector<IpPrefix> advertised;
    std::vector<std::uint8_t> kept_dscps;  // none: all
    std::vector<IpPrefix> link;  // nobody looks at the source of what stays within one of them
};

// A resolved next hop.
struct SlowHop {
    AttachmentId attachment;
    PortId port;
    Frame header;  // of layer 2
    std::uint16_t mtu = 0;
    bool is_alive = true;
};

struct SlowRoute {
    VrfId vrf;
    IpPrefix prefix;
    Exit exit = Exit::kNone;  // of a special route
    std::vector<SlowHop> hops;
};

// Where a rule steers to; of no hops and no exit: as the routes say.
struct SlowTarget {
    SlowRoute ipv4;
    SlowRoute ipv6;
};

// How a frame ends: it leaves by one of `ways`, or by an Exit.
struct SlowFate {
    struct Way {
        AttachmentId attachment;
        PortId port;
        Frame frame;
    };
    Exit exit = Exit::kNone;
    AttachmentId row;  // on which it is counted: the attachment's, or the port's
    VrfId vrf;
    std::uint8_t header_bytes = 0;  // of layer 2, where an attachment claims it
    Frame left;                     // by an Exit: as it came, but for what rules have marked
    std::vector<Way> ways;
};

// The two ends of a conversation, in either order: EtherType, protocol, addresses, and ports where
// they count.
using SlowFlow = std::tuple<unsigned, unsigned, IpAddress, IpAddress, unsigned, unsigned>;

class SlowWalk {
  public:
    std::array<PortTpids, kPortsMax> tpids{};
    MacAddress mac;  // of every port
    std::vector<SlowAttachment> attachments;
    std::vector<SlowRoute> routes;
    AclSets sets;  // that lists name, but for the targets:
    std::map<std::string, SlowTarget> targets;
    std::map<IpAddress, LearnedSets> learned;

    [[nodiscard]] SlowFate walk(PortId port, const Frame& frame) const;

    // REQUIRES: a frame that walk() lets leave. Bytes behind the frame count as zero.
    [[nodiscard]] static SlowFlow flow_of(const Frame& frame, std::size_t header_bytes);

  private:
    struct Tags {
        Exit exit = Exit::kNone;
        std::vector<std::uint16_t> vids;
        std::uint16_t ether_type = 0;
        std::size_t header_bytes = 0;
    };
    [[nodiscard]] static Tags read_tags(const Frame& frame, PortTpids tpids);
    // A packet is what stands behind the layer-2 header, its padding included.
    [[nodiscard]] bool is_for_us(const Frame& frame, const Tags& tags) const;
    [[nodiscard]] Exit walk_ipv4(const SlowAttachment& in, Frame& packet, SlowFate& fate) const;
    [[nodiscard]] Exit walk_ipv6(const SlowAttachment& in, Frame& packet, SlowFate& fate) const;
    [[nodiscard]] Exit check_source(const SlowAttachment& in, const IpAddress& source,
                                    const IpAddress& destination) const;
    [[nodiscard]] const SlowAttachment& attachment(AttachmentId id) const;
    // What a list says of a packet. One that passes it may have marked.
    struct Ruling {
        Exit exit = Exit::kNone;
        const SlowTarget* target = nullptr;
    };
    [[nodiscard]] Ruling filter(const Acl* acl, Frame& packet) const;
    // By the list of the way out. All ways of a route are of one mind.
    [[nodiscard]] Exit filter_out(const SlowRoute& route, Frame& packet) const;
    [[nodiscard]] NameSetBits names_of(const IpAddress& address, const AclPacket& packet) const;
    [[nodiscard]] static const SlowRoute* steered(const SlowRoute* route, const SlowTarget* target,
                                                  SlowRoute SlowTarget::*family);
    [[nodiscard]] const SlowRoute* longest_match(VrfId vrf, const IpAddress& destination) const;
    // `packet` as it would leave, unless it is too big.
    [[nodiscard]] Exit send(const SlowRoute& route, const Frame& packet, unsigned ttl,
                            SlowFate& fate) const;
};

}  // namespace causeway::test
