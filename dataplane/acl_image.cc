// SPDX-License-Identifier: Apache-2.0
#include "dataplane/acl_image.h"

#include <array>
#include <cstring>
#include <span>
#include <type_traits>

#include "acl/compile.h"
#include "acl/names/layer4.h"
#include "acl/names/learned_addresses.h"
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

// As it lies on the wire.
template <class Address>
Address address_at(const std::uint8_t* bytes) noexcept {
    if constexpr (std::is_same_v<Address, Ipv4Address>) {
        Be32 wire;
        std::memcpy(&wire, bytes, sizeof wire);
        return Address(wire.host());
    } else {
        WireIpv6Address wire;
        std::memcpy(&wire, bytes, sizeof wire);
        return wire.host();
    }
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

template <class Family>
void name_acl_images(std::span<const LearnedAddresses* const> learned,
                     std::span<const std::uint8_t*> images, std::span<AclImage> rooms) noexcept {
    using Layout = AclLayout<Family>;
    using Address = typename Layout::Address;
    const std::size_t count = images.size();
    DCHECK(count <= kBurstSizeMax);
    std::array<Address, kBurstSizeMax> sources;
    std::array<Address, kBurstSizeMax> destinations;
    for (std::size_t k = 0; k < count; ++k) {
        std::uint8_t* const to = rooms[k].bytes.data();
        if (images[k] != to) std::memcpy(to, images[k], kAclNames<Family>);
        images[k] = to;
        sources[k] = address_at<Address>(to + Layout::kSource);
        destinations[k] = address_at<Address>(to + Layout::kSource + sizeof(Address));
    }
    std::array<LearnedSets, kBurstSizeMax> of_sources;
    std::array<LearnedSets, kBurstSizeMax> of_destinations;
    look_up<Address>(learned, std::span(sources).first(count), std::span(of_sources).first(count));
    look_up<Address>(learned, std::span(destinations).first(count),
                     std::span(of_destinations).first(count));
    for (std::size_t k = 0; k < count; ++k) {
        std::uint8_t* const to = rooms[k].bytes.data();
        const bool is_tcp = to[Layout::kProtocol] == static_cast<std::uint8_t>(IpProtocol::kTcp);
        const bool goes_on = is_tcp && !TcpSegment::begins(to[kAclFlagsGroup<Family> + 1]);
        const auto names_of = [goes_on](LearnedSets sets) noexcept {
            return Be32(goes_on ? sets.ever() : sets.now());
        };
        const std::array names{names_of(of_sources[k]), names_of(of_destinations[k])};
        std::memcpy(to + kAclNames<Family>, names.data(), sizeof names);
    }
}
template void name_acl_images<Ipv4>(std::span<const LearnedAddresses* const>,
                                    std::span<const std::uint8_t*>, std::span<AclImage>) noexcept;
template void name_acl_images<Ipv6>(std::span<const LearnedAddresses* const>,
                                    std::span<const std::uint8_t*>, std::span<AclImage>) noexcept;

}  // namespace causeway
