// SPDX-License-Identifier: Apache-2.0
#include "control/router/plan.h"

#include <gtest/gtest.h>

#include "base/text.h"
#include "control/config/config.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr const char* kDocument = R"(
ports:
  - {name: p, device: "tap:p0", role: edge}
  - {name: s, device: "tap:s0", role: edge}
  - {name: core, device: "tap:c0", role: core}
circuits:
  - service-key: 4f2d0a9e-8c7b-4a56-9e1d-2b3c4d5e6f70
    name: contoso
    bandwidth: 1 Gbps
    provider-state: Provisioned
    primary: {port: p, s-tag: 10}
    secondary: {port: s, s-tag: 11, enabled: false}
    peerings:
      - {type: private, c-tag: 100, subnet: 192.168.0.0/29, peer-asn: 65010, mtu: 1480,
         prefixes: [10.1.0.0/16, 10.3.0.0/16]}
      - {type: microsoft, c-tag: 200, primary-subnet: 198.51.100.0/30, enabled: false,
         secondary-subnet: 198.51.100.4/30, peer-asn: 65010, prefixes: [203.0.113.0/26]}
  - service-key: 0b6c1f3e-5d2a-4c89-8f47-9a1b2c3d4e5f
    name: adatum
    bandwidth: 1 Gbps
    provider-state: NotProvisioned
    primary: {port: p}
    peerings:
      - {type: private, c-tag: 30, primary-subnet: 192.168.0.0/30, peer-asn: 65020}
  - service-key: 0b6c1f3e-5d2a-4c89-8f47-9a1b2c3d4e60
    name: fabrikam
    bandwidth: 1 Gbps
    provider-state: Provisioned
    primary: {port: p, s-tag: 20}
    secondary: {port: s, s-tag: 20}
    peerings:
      - {type: private, c-tag: 100, subnet: 192.168.0.0/29, ipv6-subnet: "2001:db8:15::/125",
         peer-asn: 65030, prefixes: [10.5.0.0/16, "2001:db8:1::/48"]}
core-attachments:
  - {name: net, port: core, vrf: contoso, vlan: 300, address: 10.2.0.254/24, mtu: 1400}
  - {name: qinq, port: core, vrf: adatum, outer: 50, vlan: 51, address: 10.2.0.1/24}
  - {name: six, port: core, vrf: fabrikam, vlan: 301, address: 10.2.0.1/24,
     ipv6-address: "2001:db8:2::1/64"}
routes:
  - vrf: contoso
    prefix: 10.9.0.0/16
    via: [{address: 10.2.0.1, weight: 3}, 192.168.0.5]
  - {vrf: contoso, prefix: 10.66.0.0/16, action: blackhole}
  - {vrf: fabrikam, prefix: "2001:db8:9::/48", via: ["2001:db8:2::9"]}
)";

class PlanTest : public testing::Test {
  protected:
    static Plan plan_of_document() {
        const LoadedConfig loaded = load_config(kDocument);
        for (const ConfigError& error : loaded.errors) {
            ADD_FAILURE() << format_error("document", error);
        }
        return loaded.config ? plan_of(*loaded.config) : Plan{};
    }
    const Plan plan_ = plan_of_document();
};

TEST_F(PlanTest, a_leg_of_a_peering_becomes_an_attachment) {
    const PlannedAttachment& leg = plan_.attachments.at("contoso/private/primary");
    EXPECT_EQ(leg.name, "contoso/private/primary");
    EXPECT_EQ(leg.port, "p");
    EXPECT_EQ(leg.outer, 10);
    EXPECT_EQ(leg.inner, 100);
    EXPECT_EQ(leg.vrf, "contoso");
    EXPECT_EQ(leg.ipv4.subnet, prefix("192.168.0.0/30"));
    EXPECT_EQ(leg.ipv4.address, ip("192.168.0.2")) << "the second usable address is ours";
    EXPECT_EQ(leg.ipv4.peer, ip("192.168.0.1")) << "the first is the customer's";
    EXPECT_EQ(leg.mtu, 1'480);
    EXPECT_EQ(leg.circuit, "contoso");
    EXPECT_EQ(leg.link, Link::kPrimary);
    EXPECT_EQ(leg.closed, Exit::kNone);
    EXPECT_TRUE(leg.enabled);
}

TEST_F(PlanTest, the_secondary_has_the_second_half_of_the_subnet_and_its_own_tag) {
    const PlannedAttachment& leg = plan_.attachments.at("contoso/private/secondary");
    EXPECT_EQ(leg.port, "s");
    EXPECT_EQ(leg.outer, 11);
    EXPECT_EQ(leg.ipv4.address, ip("192.168.0.6"));
    EXPECT_EQ(leg.ipv4.peer, ip("192.168.0.5"));
    EXPECT_EQ(leg.link, Link::kSecondary);
    EXPECT_FALSE(leg.enabled);
}

TEST_F(PlanTest, there_are_no_attachments_but_these) {
    std::vector<std::string> names;
    for (const auto& [name, attachment] : plan_.attachments) names.push_back(name);
    EXPECT_EQ(names,
              (std::vector<std::string>{"adatum/private/primary", "contoso/microsoft/primary",
                                        "contoso/microsoft/secondary", "contoso/private/primary",
                                        "contoso/private/secondary", "fabrikam/private/primary",
                                        "fabrikam/private/secondary", "net", "qinq", "six"}));
    EXPECT_EQ(plan_.vrfs, (std::vector<std::string>{"adatum", "contoso", "fabrikam", "microsoft"}));
}

TEST_F(PlanTest, what_may_not_forward_says_why) {
    EXPECT_EQ(plan_.attachments.at("contoso/microsoft/primary").closed, Exit::kPeeringDisabled);
    EXPECT_EQ(plan_.attachments.at("adatum/private/primary").closed, Exit::kCircuitNotProvisioned);
}

TEST_F(PlanTest, without_an_s_tag_the_c_tag_is_the_only_one) {
    EXPECT_EQ(plan_.attachments.at("adatum/private/primary").outer, 30);
    EXPECT_EQ(plan_.attachments.at("adatum/private/primary").inner, 0);
    EXPECT_EQ(plan_.attachments.at("net").outer, 300);
    EXPECT_EQ(plan_.attachments.at("net").inner, 0);
    EXPECT_EQ(plan_.attachments.at("qinq").outer, 50);
    EXPECT_EQ(plan_.attachments.at("qinq").inner, 51);
}

TEST_F(PlanTest, a_core_attachment_belongs_to_no_circuit) {
    const PlannedAttachment& net = plan_.attachments.at("net");
    EXPECT_EQ(net.ipv4.address, ip("10.2.0.254"));
    EXPECT_EQ(net.ipv4.subnet, prefix("10.2.0.0/24"));
    EXPECT_EQ(net.mtu, 1'400);
    EXPECT_FALSE(net.ipv4.peer.has_value());
    EXPECT_FALSE(net.link.has_value());
    EXPECT_EQ(net.circuit, "");
}

TEST_F(PlanTest, prefixes_behind_a_customer_are_reached_over_both_links) {
    for (const char* behind : {"10.1.0.0/16", "10.3.0.0/16"}) {
        const PlannedRoute& route = plan_.routes.at({"contoso", prefix(behind)});
        EXPECT_EQ(route.action, RouteAction::kForward);
        EXPECT_EQ(route.hops,
                  (std::vector<PlannedHop>{
                      {.attachment = "contoso/private/primary", .address = ip("192.168.0.1")},
                      {.attachment = "contoso/private/secondary", .address = ip("192.168.0.5")}}));
    }
    EXPECT_TRUE(plan_.routes.contains({"microsoft", prefix("203.0.113.0/26")}));
}

TEST_F(PlanTest, a_static_route_finds_its_attachments_by_address) {
    EXPECT_EQ(plan_.routes.at({"contoso", prefix("10.9.0.0/16")}).hops,
              (std::vector<PlannedHop>{
                  {.attachment = "net", .address = ip("10.2.0.1"), .weight = 3},
                  {.attachment = "contoso/private/secondary", .address = ip("192.168.0.5")}}));
    const PlannedRoute& blackhole = plan_.routes.at({"contoso", prefix("10.66.0.0/16")});
    EXPECT_EQ(blackhole.action, RouteAction::kBlackhole);
    EXPECT_TRUE(blackhole.hops.empty());
    EXPECT_EQ(plan_.routes.size(), 8U);
}

TEST_F(PlanTest, a_dual_stack_leg_has_both_families_in_one_attachment) {
    const PlannedAttachment& leg = plan_.attachments.at("fabrikam/private/secondary");
    EXPECT_EQ(leg.ipv4.address, ip("192.168.0.6"));
    ASSERT_TRUE(leg.ipv6.has_value());
    EXPECT_EQ(to_string(leg.ipv6->address), "2001:db8:15::6");
    EXPECT_EQ(to_string(leg.ipv6->subnet), "2001:db8:15::4/126");
    EXPECT_EQ(to_string(*leg.ipv6->peer), "2001:db8:15::5");
    EXPECT_FALSE(plan_.attachments.at("contoso/private/primary").ipv6.has_value());
    EXPECT_EQ(to_string(plan_.attachments.at("six").ipv6->address), "2001:db8:2::1");
}

TEST_F(PlanTest, routes_of_ipv6_lead_over_ipv6) {
    const auto hops = [&](std::string_view prefix) {
        std::string text;
        for (const PlannedHop& hop : plan_.routes.at({"fabrikam", *parse_ip_prefix(prefix)}).hops) {
            text += hop.attachment + ' ' + to_string(hop.address) + ';';
        }
        return text;
    };
    EXPECT_EQ(hops("2001:db8:1::/48"),
              "fabrikam/private/primary 2001:db8:15::1;"
              "fabrikam/private/secondary 2001:db8:15::5;");
    EXPECT_EQ(hops("10.5.0.0/16"),
              "fabrikam/private/primary 192.168.0.1;fabrikam/private/secondary 192.168.0.5;");
    EXPECT_EQ(hops("2001:db8:9::/48"), "six 2001:db8:2::9;");
}

TEST_F(PlanTest, an_address_is_connected_in_its_own_vrf_only) {
    ASSERT_NE(connected(plan_, "contoso", ip("10.2.0.7")), nullptr);
    EXPECT_EQ(connected(plan_, "contoso", ip("10.2.0.7"))->name, "net");
    EXPECT_EQ(connected(plan_, "adatum", ip("10.2.0.7"))->name, "qinq");
    EXPECT_EQ(connected(plan_, "microsoft", ip("10.2.0.7")), nullptr);
    EXPECT_EQ(connected(plan_, "contoso", ip("10.2.1.7")), nullptr);
    ASSERT_NE(connected(plan_, "fabrikam", *parse_ip_address("2001:db8:2::7")), nullptr);
    EXPECT_EQ(connected(plan_, "contoso", *parse_ip_address("2001:db8:2::7")), nullptr);
}

TEST_F(PlanTest, only_what_changes_a_place_makes_another_place_of_it) {
    const PlannedAttachment before = plan_.attachments.at("contoso/private/primary");
    PlannedAttachment after = before;
    after.mtu = 9'000;
    after.enabled = false;
    after.closed = Exit::kPeeringDisabled;
    EXPECT_TRUE(before.is_same_place(after));
    after.inner = 101;
    EXPECT_FALSE(before.is_same_place(after));
    after = before;
    after.ipv6 = plan_.attachments.at("six").ipv6;
    EXPECT_FALSE(before.is_same_place(after));
}

// What is inside of a NAT is reached by routes of its own VRF: over both links, or, where each link
// has a pool, over that link.
TEST(PlanNat, the_inside_has_a_vrf_that_leads_to_the_customer) {
    const auto plan_with = [](const std::string& pool) {
        std::string document = kDocument;
        const std::string before = "peer-asn: 65010, prefixes: [203.0.113.0/26]}";
        const std::size_t at = document.find(before);
        EXPECT_NE(at, std::string::npos);
        document.replace(at, before.size(),
                         "peer-asn: 65010, nat: {inside: [10.77.0.0/16], " + pool + "}}");
        const LoadedConfig loaded = load_config(document);
        EXPECT_TRUE(loaded.config.has_value());
        return plan_of(*loaded.config);
    };
    const Plan shared = plan_with("pool: [203.0.113.64/30]");
    const PlannedNat& nat = shared.nats.at("contoso/microsoft");
    EXPECT_EQ(nat.attachments.size(), 2U);
    const PlannedRoute& route =
        shared.routes.at({"contoso/microsoft/inside", prefix("10.77.0.0/16")});
    EXPECT_EQ(route.hops.size(), 2U);
    EXPECT_EQ(shared.attachments.at("contoso/microsoft/primary").inside_vrf, nat.vrf);
    EXPECT_TRUE(shared.attachments.at("contoso/private/primary").inside_vrf.empty());

    const Plan apart = plan_with("primary-pool: [203.0.113.64], secondary-pool: [203.0.113.65]");
    EXPECT_EQ(apart.nats.size(), 2U);
    const PlannedNat& secondary = apart.nats.at("contoso/microsoft/secondary");
    EXPECT_EQ(secondary.attachments, std::vector<std::string>{"contoso/microsoft/secondary"});
    const PlannedRoute& one_way = apart.routes.at({secondary.vrf, prefix("10.77.0.0/16")});
    ASSERT_EQ(one_way.hops.size(), 1U);
    EXPECT_EQ(one_way.hops[0].address, IpAddress(ip("198.51.100.5")));
}

}  // namespace
}  // namespace causeway::test
