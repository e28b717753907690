// SPDX-License-Identifier: Apache-2.0
//
// NatWorld: two customers whose addresses inside are the same, each behind a NAT of its own, and
// the cloud they share.
//
//   port 0, primary       contoso 10/100, adatum 20/100      inside 10.0.0.0/8, both
//   port 1, secondary     contoso 10/100, adatum 20/100
//   port 2, core          30/300: everybody outside is behind it
//
//   contoso   pool 198.51.100.1 and .2; publishes 10.0.0.80:8080 (TCP) as 198.51.100.1:80, and all
//             of 10.0.0.99 as 198.51.100.200; talks to 198.19/16 as it is
//   adatum    pool 203.0.113.1
//
// Outside is 198.18/15; what goes to 192.0.2/24 has no route.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/nat_engine.h"
#include "nat/settings.h"
#include "tests/nat/ipv4_packets.h"
#include "tests/support/test_bed.h"

namespace causeway::test {

inline constexpr PortId kNatPrimary{0};
inline constexpr PortId kNatSecondary{1};
inline constexpr PortId kNatCore{2};

inline constexpr Endpoint kServer{Ipv4Address(0xc6120009), 443};  // 198.18.0.9, outside

enum class Customer : std::uint8_t { kContoso, kAdatum };

struct NatWorldOptions {
    unsigned workers = 1;
    NatPoolSettings settings;  // of both pools
    std::uint32_t sessions_max = 20'000;
    MappingTable::Options mappings;
    FragmentTable::Options fragments{.datagrams_max = 64, .held_max = 32, .secret = {}};
};

class NatWorld {
  public:
    // A packet that left: of layer 3, and to whom.
    struct Sent {
        PortId port;
        std::uint16_t outer_tag = 0;
        Bytes packet;
        friend auto operator<=>(const Sent&, const Sent&) = default;
    };

    explicit NatWorld(const NatWorldOptions& options = {});

    void from_inside(Customer customer, PortId link, const Bytes& packet);
    void from_outside(const Bytes& packet);
    // Turns until nothing moves any more; what left meanwhile, in order of ports.
    std::vector<Sent> run();
    // Sends one packet and runs; what became of it.
    std::vector<Sent> out(Customer customer, const Bytes& packet, PortId link = kNatPrimary);
    std::vector<Sent> in(const Bytes& packet);

    [[nodiscard]] TestBed& bed() { return bed_; }
    [[nodiscard]] NatEngine& engine() { return *engine_; }
    [[nodiscard]] AttachmentId leg(Customer customer, PortId link) const {
        return legs_[static_cast<std::size_t>(customer)][link.value()];
    }
    [[nodiscard]] AttachmentId core() const { return core_; }
    [[nodiscard]] VrfId inside_vrf(Customer customer) const {
        return vrfs_[static_cast<std::size_t>(customer)];
    }
    // Of all workers.
    [[nodiscard]] std::uint64_t exits(AttachmentId row, Exit exit);
    [[nodiscard]] std::uint64_t taken_over();
    [[nodiscard]] std::size_t sessions();
    // Lets the time pass, and whatever ends by it.
    void pass(NatSeconds seconds);
    // After a change of the bed.
    void republish();
    // A link dies: nothing leaves by it any more.
    void cut(PortId link);
    // As when a commit takes a pool away, and a worker has seen the half of it.
    void lose_pool(Customer customer);

    static constexpr unsigned kTurnsMax = 64;

  private:
    [[nodiscard]] NatTables tables() const;
    void attach();
    void route();
    void add_pools(const NatPoolSettings& settings);

    std::unique_ptr<NatEngine> engine_;
    NatInside insides_[2];
    VrfId vrfs_[2];
    TestBed bed_;
    VrfId outside_;
    AttachmentId legs_[2][2];
    NextHopId ways_[2][2];  // to the customers, by links
    AttachmentId core_;
};

// The packet one hop later.
[[nodiscard]] Bytes hop(Bytes packet);
// A packet of layer 3 in a frame with these tags.
[[nodiscard]] Frame framed(std::uint16_t outer, std::uint16_t inner, const Bytes& packet);

}  // namespace causeway::test
