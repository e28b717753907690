// SPDX-License-Identifier: Apache-2.0
//
// Methods that show policy.
#include <charconv>
#include <string>

#include "control/api/method_handlers.h"
#include "control/api/page_json.h"
#include "control/api/policy_json.h"
#include "control/api/view_json.h"
#include "control/config/policy_values.h"

namespace causeway::detail {
namespace {

template <class Row>
Json rows_json(const Page<Row, std::string>& page) {
    Json items = Json::array();
    for (const Row& row : page.items) items.push_back(json_of(row));
    return {{"items", items}, {"next", page.next ? Json(*page.next) : Json(nullptr)}};
}

PageRequest<std::string> page_by_name(const Params& params) {
    PageRequest<std::string> request{.after = {}, .limit = page_limit(params)};
    if (const auto after = params.text("after")) request.after = std::string(*after);
    return request;
}

RpcError wrong(const Error& error, std::string_view field) {
    return rpc_error(RpcCode::kInvalidParams, error.message, field);
}

// The flags set, as in "syn,ack".
Result<std::uint8_t> parse_tcp_flags(std::string_view text) {
    std::uint8_t flags = 0;
    while (!text.empty()) {
        const auto comma = text.find(',');
        const auto flag = parse_tcp_flag(text.substr(0, comma));
        if (!flag) return Unexpected(flag.error());
        flags = static_cast<std::uint8_t>(flags | flag->value);
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return flags;
}

// TYPE or TYPE/CODE.
Result<AclPacket::Icmp> parse_icmp(std::string_view text) {
    constexpr NumberBetween kByte{0, 255};
    const auto slash = text.find('/');
    const auto type = kByte(text.substr(0, slash));
    if (!type) return Unexpected(type.error());
    if (slash == std::string_view::npos) {
        return AclPacket::Icmp{static_cast<std::uint8_t>(*type), 0};
    }
    const auto code = kByte(text.substr(slash + 1));
    if (!code) return Unexpected(code.error());
    return AclPacket::Icmp{static_cast<std::uint8_t>(*type), static_cast<std::uint8_t>(*code)};
}

// Fills in layer 4 as a packet of this protocol shows it; a later fragment shows none.
std::optional<RpcError> set_layer4(AclPacket& packet, const Params& params) {
    if (packet.fragment == FragmentKind::kLater) return std::nullopt;
    constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpv6 = 58;
    if (packet.protocol == kTcp || packet.protocol == kUdp || packet.protocol == kProtocolSctp) {
        const auto source = params.count("source-port").value_or(0);
        const auto destination = params.count("destination-port").value_or(0);
        if (source > 65'535 || destination > 65'535) {
            return rpc_error(RpcCode::kInvalidParams, "a port is at most 65535",
                             source > 65'535 ? "source-port" : "destination-port");
        }
        packet.ports = AclPacket::Ports{static_cast<std::uint16_t>(source),
                                        static_cast<std::uint16_t>(destination)};
    }
    if (packet.protocol == kTcp) {
        const auto flags = parse_tcp_flags(params.text("tcp-flags").value_or("syn"));
        if (!flags) return wrong(flags.error(), "tcp-flags");
        packet.tcp_flags = *flags;
    }
    if (packet.protocol == kIcmp || packet.protocol == kIcmpv6) {
        const auto icmp = parse_icmp(params.text("icmp-type").value_or("0"));
        if (!icmp) return wrong(icmp.error(), "icmp-type");
        packet.icmp = *icmp;
    }
    return std::nullopt;
}

}  // namespace

Answer list_acls(RouterApi& router, const Params& params) {
    return rows_json(router.acls(page_by_name(params)));
}

Answer list_acl_rules(RouterApi& router, const Params& params) {
    PageRequest<std::size_t> request{.after = {}, .limit = page_limit(params)};
    if (const auto after = params.text("after")) {
        std::size_t index = 0;
        const auto [end, error] =
            std::from_chars(after->data(), after->data() + after->size(), index);
        if (error != std::errc() || end != after->data() + after->size()) return bad_cursor();
        request.after = index;
    }
    const auto page = router.acl_rules(*params.text("acl"), request);
    if (!page) return rpc_error(page.error());
    Page<AclRuleView, std::string> named{.items = page->items, .next = {}};
    if (page->next) named.next = std::to_string(*page->next);
    return rows_json(named);
}

Answer explain_acl(RouterApi& router, const Params& params) {
    AclPacket packet{.source = *params.address("source"),
                     .destination = *params.address("destination")};
    if (packet.source.index() != packet.destination.index()) {
        return rpc_error(RpcCode::kInvalidParams, "is not of the family of the source",
                         "destination");
    }
    const auto protocol = parse_protocol(params.text("protocol").value_or("tcp"));
    if (!protocol) return wrong(protocol.error(), "protocol");
    const auto dscp = parse_dscp(params.text("dscp").value_or("0"));
    if (!dscp) return wrong(dscp.error(), "dscp");
    const std::string_view fragment = params.text("fragment").value_or("whole");
    packet.protocol = *protocol;
    packet.dscp = *dscp;
    packet.fragment = fragment == "later"   ? FragmentKind::kLater
                      : fragment == "first" ? FragmentKind::kFirst
                                            : FragmentKind::kWhole;
    if (auto error = set_layer4(packet, params)) return *std::move(error);
    std::optional<std::string> vrf;
    if (const auto wanted = params.text("vrf")) vrf = std::string(*wanted);
    const auto explanation = router.explain_acl(*params.text("acl"), packet, vrf);
    if (!explanation) return rpc_error(explanation.error());
    return json_of(*explanation);
}

Answer list_policers(RouterApi& router, const Params& params) {
    return rows_json(router.policers(page_by_name(params)));
}

Answer list_peaks(RouterApi& router, const Params& params) {
    return rows_json(router.peaks(page_by_name(params)));
}

Answer reset_peaks(RouterApi& router, const Params&) {
    router.reset_peaks();
    return Json::object();
}

}  // namespace causeway::detail
