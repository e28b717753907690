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
             .police = "video",
             .packets = 77,
             .bytes = 7'700,
             .bound = {"contoso/microsoft"}}};
}

Result<Page<LearnedAddressView, LearnedCursor>> FakeNames::addresses(
    const std::optional<std::string>& vrf, const PageRequest<LearnedCursor>& request) {
    if (vrf && *vrf != "contoso") {
        return Unexpected(ErrorCode::kNotFound, "no rule asks for names in a VRF " + *vrf, "vrf");
    }
    const LearnedAddressView first{.vrf = "contoso",
                                   .address = Ipv4Address(0xc0000201),
                                   .is_past = false,
                                   .sets = {"cdn"},
                                   .names = {{"a.example.com", 59}}};
    const LearnedAddressView second{.vrf = "contoso",
                                    .address = Ipv4Address(0xc0000202),
                                    .is_past = true,
                                    .sets = {"cdn"},
                                    .names = {}};
    const LearnedCursor at_first{first.vrf, first.address};
    Page<LearnedAddressView, LearnedCursor> page;
    if (request.after == at_first) {
        page.items = {second};
    } else if (request.limit == 1) {
        page = {.items = {first}, .next = at_first};
    } else {
        page.items = {first, second};
    }
    return page;
}

std::vector<NameCount> FakeNames::counts() {
    return {{"learned", "its addresses are known", 5}};
}

}  // namespace causeway
