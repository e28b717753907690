// SPDX-License-Identifier: Apache-2.0
#include "control/config/tap_places.h"

#include <gtest/gtest.h>

namespace causeway::test {
namespace {

const ControlPlaneConfig kOn{.taps = true};

TEST(TapPlaces, follow_from_the_names) {
    const CircuitConfig circuit{.name = "contoso"};
    const PeeringConfig own{.type = PeeringType::kPrivate, .vrf = "contoso"};
    const PeeringConfig shared{.type = PeeringType::kMicrosoft, .vrf = "microsoft"};
    EXPECT_EQ(tap_of(kOn, circuit, own, Link::kPrimary), (TapPlace{"vrf-contoso", "contoso-p1"}));
    EXPECT_EQ(tap_of(kOn, circuit, own, Link::kSecondary), (TapPlace{"vrf-contoso", "contoso-p2"}));
    EXPECT_EQ(tap_of(kOn, circuit, shared, Link::kPrimary),
              (TapPlace{"vrf-microsoft", "contoso-m1"}));
    EXPECT_EQ(tap_of(kOn, CoreAttachmentConfig{.name = "net", .vrf = "contoso"}),
              (TapPlace{"vrf-contoso", "net-c"}));
}

TEST(TapPlaces, are_those_that_are_given) {
    const CircuitConfig circuit{.name = "contoso"};
    const PeeringConfig peering{
        .tap_namespace = "frr", .primary_tap = "c0", .secondary_tap = "c1", .vrf = "contoso"};
    EXPECT_EQ(tap_of(kOn, circuit, peering, Link::kPrimary), (TapPlace{"frr", "c0"}));
    EXPECT_EQ(tap_of(kOn, circuit, peering, Link::kSecondary), (TapPlace{"frr", "c1"}));
    EXPECT_EQ(tap_of(kOn, CoreAttachmentConfig{.tap_namespace = "frr", .tap = "core9"}),
              (TapPlace{"frr", "core9"}));
}

TEST(TapPlaces, are_none_where_there_are_no_taps) {
    EXPECT_FALSE(tap_of({}, CircuitConfig{}, PeeringConfig{}, Link::kPrimary).has_value());
    EXPECT_FALSE(tap_of({}, CoreAttachmentConfig{}).has_value());
}

TEST(TapPlaces, fit_into_the_name_of_an_interface_and_stay_different) {
    EXPECT_EQ(interface_name("twelve-chars", "-p1"), "twelve-chars-p1");
    const std::string a = interface_name("the-customer-in-amsterdam", "-p1");
    const std::string b = interface_name("the-customer-in-rotterdam", "-p1");
    EXPECT_EQ(a.size(), 15U);
    EXPECT_TRUE(a.starts_with("the-cus-") && a.ends_with("-p1")) << a;
    EXPECT_NE(a, b);
}

}  // namespace
}  // namespace causeway::test
