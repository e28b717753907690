// SPDX-License-Identifier: Apache-2.0
#include "tests/control/fake_router.h"

namespace causeway {

FakeNat::FakeNat() {
    for (std::uint16_t k = 1; k <= 3; ++k) {
        flows.push_back(
            {.pool = "contoso/microsoft",
             .protocol = NatProtocol::kTcp,
             .inside = {Ipv4Address(0x0a000000U + k), 40'000},
             .outside = {Ipv4Address(0xcb007101), static_cast<std::uint16_t>(2'000 + k)},
             .remote = {Ipv4Address(0xc6120009), 443},
             .state = "established",
             .age_seconds = 61,
             .ends_in_seconds = 7'400,
             .worker = 1});
    }
}

NatStatusView FakeNat::status() {
    return {.sessions = flows.size(),
            .sessions_max = 1'000'000,
            .created = 12,
            .created_per_second = 1.5,
            .refused = 34,
            .refused_per_second = 2.5,
            .tables = {{.name = "hosts", .used = 60'000, .max = 65'536, .is_alarmed = true}},
            .outcomes = {{"translated", "rewritten, and on its way", 1'234}}};
}

std::vector<NatPoolView> FakeNat::pools() {
    return {{.name = "contoso/microsoft",
             .circuit = "contoso",
             .link = {},
             .addresses = 2,
             .draining = 1,
             .blocks = 504,
             .blocks_lent = 126,
             .block_ports = 256,
             .alarm_percent = 20,
             .is_alarmed = true}};
}

// One row a part, and nothing in the first: as a table of millions with few that fit.
Result<NatPage<NatSessionView>> FakeNat::sessions(const NatFilter& filter,
                                                  const NatPageRequest& request) {
    asked = filter;
    if (filter.pool && *filter.pool != "contoso/microsoft") {
        return Unexpected(ErrorCode::kNotFound, "there is no pool " + *filter.pool, "pool");
    }
    NatPage<NatSessionView> page;
    if (request.after > 0 && request.after <= flows.size()) {
        page.items.push_back(flows[request.after - 1]);
    }
    if (request.after < flows.size()) page.next = request.after + 1;
    return page;
}

Result<NatPage<NatMappingView>> FakeNat::mappings(const NatFilter& filter, const NatPageRequest&) {
    asked = filter;
    NatPage<NatMappingView> page;
    page.items.push_back({.pool = "contoso/microsoft",
                          .protocol = NatProtocol::kTcp,
                          .inside = {Ipv4Address(0x0a000050), 8'080},
                          .outside = {Ipv4Address(0xcb007101), 80},
                          .is_static = true});
    return page;
}

Result<NatPage<NatHostView>> FakeNat::hosts(const NatFilter& filter, const NatPageRequest&) {
    asked = filter;
    NatPage<NatHostView> page;
    page.items.push_back({.pool = "contoso/microsoft",
                          .address = Ipv4Address(0x0a000001),
                          .blocks = 1,
                          .sessions = 1});
    return page;
}

Result<NatCleared> FakeNat::clear(const NatFilter& filter, NatCursor after) {
    asked = filter;
    if (flows.empty()) return NatCleared{};
    flows.pop_back();
    return NatCleared{.sessions = 1,
                      .next = flows.empty() ? std::nullopt : std::optional(after + 1)};
}

}  // namespace causeway
