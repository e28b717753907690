// SPDX-License-Identifier: Apache-2.0
//
// Attachments: every leg of every peering and every core attachment, as the control thread knows
// them.
//
// Thread safety: control thread only. Workers see the two tables that commit.cc builds of
// these.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/headers.h"
#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "control/slow_path/ip_interface.h"
#include "dataplane/bfd/session.h"
#include "dataplane/exit.h"

namespace causeway {

// A finished layer-2 header: addresses, tags, EtherType.
struct FrameHeader {
    std::array<std::uint8_t, 22> bytes{};
    std::uint8_t size = 0;
    [[nodiscard]] std::span<const std::uint8_t> view() const noexcept {
        return {bytes.data(), size};
    }
};

struct Attachment {
    AttachmentId id;
    std::string name;  // "contoso/private/primary"; a core attachment's own name
    PortId port;
    std::uint16_t outer = 0;  // the only tag where inner is 0
    std::uint16_t inner = 0;
    Tpid outer_tpid = Tpid::kDot1q;
    Tpid inner_tpid = Tpid::kDot1q;
    VrfId vrf;
    std::string vrf_name;
    Ipv4Address address;  // ours
    Ipv4Prefix subnet;
    std::optional<IpInterface<Ipv6Address>> ipv6;
    MacAddress mac;  // ours: the port's
    std::uint16_t mtu = 1'500;
    std::optional<Ipv4Address> peer;  // the customer's address, on an edge port
    std::string circuit;              // empty: a core attachment
    std::optional<Link> link;         // none: a core attachment
    std::optional<VrfId> inside_vrf;  // of those whose source a NAT translates
    std::vector<Ipv4Prefix> inside;   // likewise
    Exit closed = Exit::kNone;  // by configuration or by an operator: what a packet would die of
    bool is_port_up = false;
    bool is_draining = false;          // usable, but to be used by nobody who has another way
    std::optional<BfdParameters> bfd;  // none: no sessions

    // Whether one of its subnets holds the address.
    [[nodiscard]] bool holds(const IpAddress& address) const noexcept;
    // Our link-local address there (RFC 4862 5.3, with the identifier of RFC 4291 appendix A).
    [[nodiscard]] Ipv6Address link_local() const noexcept;
    // The VRF in which to look for the way back to somebody who has sent something from here.
    [[nodiscard]] VrfId vrf_towards(const IpAddress& address) const noexcept;
    // Whether packets may leave here now.
    [[nodiscard]] bool is_usable() const noexcept { return closed == Exit::kNone && is_port_up; }
    [[nodiscard]] FrameHeader header(const MacAddress& destination, EtherType type) const noexcept;
};

class Attachments {
  public:
    // The id of a name, made at the first call; it stays the same as long as the name is in use, so
    // counters do too. kFull at kAttachmentsMax.
    [[nodiscard]] Result<AttachmentId> id_of(std::string_view name);
    void put(Attachment attachment);
    void remove(AttachmentId id);

    [[nodiscard]] Attachment* find(AttachmentId id) noexcept;
    [[nodiscard]] const Attachment* find(AttachmentId id) const noexcept;
    [[nodiscard]] Attachment* find(std::string_view name) noexcept;
    // The attachment of the VRF in one of whose subnets the address lies.
    [[nodiscard]] Attachment* connected(VrfId vrf, const IpAddress& address) noexcept;
    [[nodiscard]] const std::map<std::string, AttachmentId, std::less<>>& by_name() const noexcept {
        return by_name_;
    }
    [[nodiscard]] std::size_t size() const noexcept { return by_name_.size(); }

  private:
    // By VRF, then by the subnet's first address: subnets of one VRF do not overlap, so the last
    // one that does not begin behind an address is the only one that can hold it.
    using SubnetKey = std::pair<VrfId, IpAddress>;

    void forget_subnets(const Attachment& attachment);

    std::map<std::string, AttachmentId, std::less<>> by_name_;
    std::map<SubnetKey, AttachmentId> by_subnet_;
    std::vector<std::unique_ptr<Attachment>> rows_ =
        std::vector<std::unique_ptr<Attachment>>(kAttachmentsMax);
    // Ids are given round robin, so that a freed one rests before it means something else.
    std::size_t next_ = kPortsMax;
    std::vector<bool> taken_ = std::vector<bool>(kAttachmentsMax);
};

}  // namespace causeway
