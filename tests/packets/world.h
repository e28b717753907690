// SPDX-License-Identifier: Apache-2.0
//
// World: the router that the packet tests speak of, and its slow twin. Two customers with the same
// addresses, one of them with a leg on either port, the other with both legs on one; a third with
// one tag only; three that may not send; and the cloud behind the core port.
//
//   port        tags       attachment             VRF        it leads to
//   primary     10.100     contoso, primary       contoso    10.1/16, with the next one
//   secondary   10.100     contoso, secondary     contoso    10.1/16; 10.2.200/24 alone
//   primary     20.100     adatum, primary        adatum     10.1/16, with the next one
//   primary     21.100     adatum, secondary      adatum     10.1/16
//   primary     30         fabrikam               fabrikam   10.1/16
//   primary     40.100, 41.100, 42.100            contoso    nothing: closed
//   core        300        contoso's network      contoso    10.2/16, MTU 1400
//   core        301        adatum's network       adatum     10.2/16 and the default route
//   core        500.501    fabrikam's network     fabrikam   10.9/16
//   primary     22.100     adatum, guarded        adatum     10.11/16
//   primary     23.100     adatum, Microsoft      adatum     10.12/16
//   primary     24.100     adatum, IPv4 only      adatum     nothing
//
// The Microsoft leg may send from 203.0.113.0/24 and 2001:db8:113::/48 and keeps the DSCP contract;
// the guarded one may send from where a route leads back to one of adatum's legs.
// What adatum sends or gets by its guarded leg passes a list of its own (guard_in(), guard_out()).
//
// Tags are 0x8100, but for the outer tag of the secondary port, which is 0x88a8. Contoso also has a
// special route of each kind, 10.3/16 to 10.8/16. IPv6 goes where IPv4 goes: 10.N/16 is
// 2001:db8:N::/48, 10.2.200/24 is 2001:db8:2:200::/64, and 192.168.0.K is 2001:db8::K.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>

#include "base/limits.h"
#include "base/types.h"
#include "dataplane/acl_list.h"
#include "tests/support/slow_walk.h"
#include "tests/support/test_bed.h"

namespace causeway::test {

inline constexpr PortId kPrimaryPort{0};
inline constexpr PortId kSecondaryPort{1};
inline constexpr PortId kCorePort{2};

[[nodiscard]] constexpr AttachmentId nth_attachment(std::uint16_t n) noexcept {
    return AttachmentId(static_cast<std::uint16_t>(kPortsMax + n));
}
inline constexpr AttachmentId kContosoPrimary = nth_attachment(0);
inline constexpr AttachmentId kContosoSecondary = nth_attachment(1);
inline constexpr AttachmentId kAdatumPrimary = nth_attachment(2);
inline constexpr AttachmentId kAdatumSecondary = nth_attachment(3);
inline constexpr AttachmentId kFabrikam = nth_attachment(4);
inline constexpr AttachmentId kNotProvisioned = nth_attachment(5);
inline constexpr AttachmentId kDisabled = nth_attachment(6);
inline constexpr AttachmentId kTakenDown = nth_attachment(7);
inline constexpr AttachmentId kContosoCore = nth_attachment(8);
inline constexpr AttachmentId kAdatumCore = nth_attachment(9);
inline constexpr AttachmentId kFabrikamCore = nth_attachment(10);
inline constexpr AttachmentId kGuarded = nth_attachment(11);
inline constexpr AttachmentId kMicrosoft = nth_attachment(12);
inline constexpr AttachmentId kIpv4Only = nth_attachment(13);

// From the guarded leg: no Telnet, in silence; no SSH, with a word; the rest may.
[[nodiscard]] const Acl& guard_in();
// To it: ICMP, and TCP that was asked for; the rest may not, in silence.
[[nodiscard]] const Acl& guard_out();

// The row that counts what no attachment claims.
[[nodiscard]] constexpr AttachmentId row_of(PortId port) noexcept {
    return AttachmentId(port.value());
}

// The MAC address of whoever is at the far end of an attachment.
[[nodiscard]] MacAddress mac_behind(AttachmentId attachment);

class World {
  public:
    explicit World(const TestBedOptions& options = {
                       .ports = 3, .packets = 8'191, .ring_size = 256, .burst_size = 32});

    [[nodiscard]] TestBed& bed() { return bed_; }
    [[nodiscard]] const SlowWalk& twin() const { return twin_; }
    [[nodiscard]] const SlowAttachment& attachment(AttachmentId id) const;

  private:
    // A next hop as the worker and as the twin know it.
    struct Hop {
        NextHopId id;
        SlowHop slow;
    };

    void attach_all();
    void attach(AttachmentId id, PortId port, std::uint16_t outer, std::uint16_t inner, VrfId vrf,
                Exit closed = Exit::kNone);
    void guard();
    void advertise();
    [[nodiscard]] SlowAttachment& slow(AttachmentId id);
    void route_ipv4();
    void route_ipv6();
    [[nodiscard]] Hop hop(AttachmentId out, const char* address, std::uint16_t mtu = 1'500);
    void kill(Hop& hop);
    void route(VrfId vrf, const char* prefix, std::initializer_list<Hop> hops);
    void route(VrfId vrf, const char* prefix, AdjacencyKind kind, Exit exit);

    std::unique_ptr<const AclList> guard_in_;
    std::unique_ptr<const AclList> guard_out_;
    IpSources sources_;
    TestBed bed_;
    SlowWalk twin_;
    VrfId contoso_;
    VrfId adatum_;
    VrfId fabrikam_;
};

}  // namespace causeway::test
