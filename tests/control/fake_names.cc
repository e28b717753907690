// SPDX-License-Identifier: Apache-2.0
#include "tests/control/fake_router.h"

namespace causeway {

Page<NameSetView, std::string> FakeNames::sets(const PageRequest<std::string>&) {
    return {.items = {{.name = "cdn",
                       .names = 120,
                       .payloads = 1,
                       .state = "active",
                       .error = {},
                       .rules = {"internet-only cdn"}}},
            .next = {}};
}

std::vector<NameRuleView> FakeNames::rules() {
    return {{.policy = "internet-only",
             .name = "cdn",
             .sets = {"cdn"},
             .action = {.verdict = AclVerdict::kPermit,
                        .mark_dscp = std::uint8_t{10},
                        .steer = "internet"},
             .packets = 77,
             .bytes = 7'700}};
}

Page<LearnedAddressView, IpAddress> FakeNames::addresses(const PageRequest<IpAddress>& request) {
    const LearnedAddressView first{.address = Ipv4Address(0xc0000201),
                                   .is_past = false,
                                   .sets = {"cdn"},
                                   .names = {{"a.example.com", 59}}};
    const LearnedAddressView second{
        .address = Ipv4Address(0xc0000202), .is_past = true, .sets = {"cdn"}, .names = {}};
    if (request.after == first.address) return {.items = {second}, .next = {}};
    if (request.limit == 1) return {.items = {first}, .next = first.address};
    return {.items = {first, second}, .next = {}};
}

std::vector<NameCount> FakeNames::counts() {
    return {{"learned", "its addresses are known", 5}};
}

}  // namespace causeway
