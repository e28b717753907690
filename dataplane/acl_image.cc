// SPDX-License-Identifier: Apache-2.0
#include "dataplane/acl_image.h"

#include <cstring>
#include <span>

#include "acl/compile.h"
#include "acl/packet_view.h"
#include "base/check.h"

namespace causeway {
namespace {

std::uint8_t shape_of(const AclPacket& packet) noexcept {
    unsigned shape = AclShape::kNotLater;
    if (packet.fragment != FragmentKind::kWhole) shape |= AclShape::kFragment;
    if (packet.fragment == FragmentKind::kLater) shape &= ~unsigned{AclShape::kNotLater};
    if (!packet.ports && !packet.icmp) shape |= AclShape::kHidden;
    return static_cast<std::uint8_t>(shape);
}

// See acl/compile.h: none is ports 0, and ICMP has type and code, one above, in their place.
std::array<Be16, 2> ports_of(const AclPacket& packet) noexcept {
    if (packet.ports) return {Be16(packet.ports->source), Be16(packet.ports->destination)};
    if (!packet.icmp) return {};
    return {Be16(static_cast<std::uint16_t>(packet.icmp->type + 1)),
            Be16(static_cast<std::uint16_t>(packet.icmp->code + 1))};
}

}  // namespace

template <class Family>
void make_acl_image(const PacketMeta& meta, AclImage& image) noexcept {
    using Layout = AclLayout<Family>;
    const auto packet = read_acl_packet({meta.frame, meta.packet_bytes});
    DCHECK(packet.has_value());
    image = {};
    const Be32 first(std::uint32_t{shape_of(*packet)} << 24 | std::uint32_t{packet->dscp}
                                                                  << Layout::kDscpShift);
    const std::array<Be16, 2> ports = ports_of(*packet);
    std::uint8_t* const to = image.bytes.data();
    std::memcpy(to, &first, sizeof first);
    to[Layout::kProtocol] = packet->protocol;
    std::memcpy(to + Layout::kSource, meta.frame + Layout::kSource,
                2 * sizeof(typename Layout::Address));
    std::memcpy(to + Layout::kPorts, ports.data(), sizeof ports);
    to[kAclFlagsGroup<Family> + 1] = packet->tcp_flags.value_or(0);
}
template void make_acl_image<Ipv4>(const PacketMeta&, AclImage&) noexcept;
template void make_acl_image<Ipv6>(const PacketMeta&, AclImage&) noexcept;

}  // namespace causeway
