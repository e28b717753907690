// SPDX-License-Identifier: Apache-2.0
#include "control/api/methods.h"

#include <array>

#include "control/api/method_handlers.h"
#include "control/api/view_json.h"

namespace causeway {
namespace {

using enum ParameterKind;
using enum Presence;

constexpr std::array<std::string_view, 2> kStates{"up", "down"};
constexpr std::array<std::string_view, 2> kLinks{"primary", "secondary"};
constexpr std::array<std::string_view, 4> kActions{"forward", "blackhole", "unreachable",
                                                   "prohibit"};

constexpr Parameter kAfter{"after", kText, kOptional, "`next` of the page before"};
constexpr Parameter kLimit{"limit", kCount, kOptional,
                           "rows of a page; 256 if not given, 1000 at most"};
constexpr Parameter kVrf{"vrf", kText, kRequired, "the VRF's name"};
constexpr Parameter kRoutePrefix{"prefix", kPrefix, kRequired, "the route's prefix"};
constexpr Parameter kState{"state", kText, kRequired, "administrative state", kStates};

constexpr std::array kPaged{kAfter, kLimit};
constexpr std::array kCircuitName{
    Parameter{"name", kText, kRequired, "the circuit's name or service key"}};
constexpr std::array kAttachmentName{
    Parameter{"name", kText, kRequired, "the attachment's name, as in contoso/private/primary"}};
constexpr std::array kCounted{
    Parameter{"name", kText, kRequired, "an attachment's or a port's name"}};
constexpr std::array kNeighbourFilter{
    Parameter{"attachment", kText, kOptional, "only this attachment's"}, kAfter, kLimit};
constexpr std::array kRouteFilters{
    Parameter{"vrf", kText, kOptional, "only this VRF's"},
    Parameter{"source", kText, kOptional, "only of this source", kRouteSourceWords},
    Parameter{"within", kPrefix, kOptional, "only this prefix and those it covers"}, kAfter,
    kLimit};
constexpr std::array kMatched{
    kVrf, Parameter{"address", kAddress, kRequired, "the destination to look up"}};
constexpr std::array<std::string_view, 3> kFragmentKinds{"whole", "first", "later"};
constexpr Parameter kAcl{"acl", kText, kRequired, "the access list's name"};
constexpr std::array kAclRules{kAcl, kAfter, kLimit};
constexpr std::array kAclPacket{
    kAcl,
    Parameter{"source", kAddress, kRequired, "where the packet comes from"},
    Parameter{"destination", kAddress, kRequired, "where it goes, of the same family"},
    Parameter{"protocol", kText, kOptional, "tcp, udp, icmp, ..., or a number; tcp if not given"},
    Parameter{"source-port", kCount, kOptional, "of TCP, UDP and SCTP"},
    Parameter{"destination-port", kCount, kOptional, "of TCP, UDP and SCTP"},
    Parameter{"icmp-type", kText, kOptional, "of ICMP and ICMPv6: TYPE or TYPE/CODE"},
    Parameter{"tcp-flags", kText, kOptional, "those set, as in syn,ack; syn if not given"},
    Parameter{"dscp", kText, kOptional, "as in ef; 0 if not given"},
    Parameter{"fragment", kText, kOptional, "whole if not given", kFragmentKinds},
    Parameter{"vrf", kText, kOptional, "whose names count; that in which the list is bound"}};
constexpr std::array kLearnedFilter{Parameter{"vrf", kText, kOptional, "only this VRF's"}, kAfter,
                                    kLimit};
constexpr std::array kDropOwner{
    Parameter{"of", kText, kOptional, "only this attachment's or port's"}};
constexpr std::array<std::string_view, 3> kProtocols{"tcp", "udp", "icmp"};
constexpr std::array<std::string_view, 1> kScopes{"all"};
constexpr Parameter kNatPool{"pool", kText, kOptional, "only this pool's, as contoso/microsoft"};
constexpr Parameter kNatProtocol{"protocol", kText, kOptional, "only of this protocol", kProtocols};
constexpr Parameter kNatInside{"inside", kAddress, kOptional, "only of this host inside"};
constexpr Parameter kNatOutside{"outside", kAddress, kOptional, "only of this public address"};
constexpr Parameter kNatRemote{"remote", kAddress, kOptional, "only with this host outside"};
constexpr std::array kNatHosts{kNatPool, kNatInside, kAfter, kLimit};
constexpr std::array kNatMappings{kNatPool, kNatProtocol, kNatInside, kNatOutside, kAfter, kLimit};
constexpr std::array kNatSessions{kNatPool,   kNatProtocol, kNatInside, kNatOutside,
                                  kNatRemote, kAfter,       kLimit};
constexpr std::array kNatCleared{
    kNatPool,
    kNatProtocol,
    kNatInside,
    kNatOutside,
    kNatRemote,
    Parameter{"scope", kText, kOptional, "in the place of a filter: every session", kScopes},
    kAfter};
constexpr std::array kPuntOwner{
    Parameter{"attachment", kText, kOptional, "only this attachment's"}};
constexpr std::array kNewRoute{
    kVrf, kRoutePrefix,
    Parameter{"via", kList, kOptional,
              "next hops: \"[recursive:]ADDRESS[@WEIGHT]\" or {\"address\", \"weight\", "
              "\"recursive\"}"},
    Parameter{"action", kText, kOptional, "what becomes of a packet; forward if not given",
              kActions}};
constexpr std::array kOldRoute{kVrf, kRoutePrefix};
constexpr std::array kRouteList{
    kVrf, Parameter{"routes", kList, kRequired,
                    "objects with \"op\" (add, replace, delete), \"prefix\", \"via\", \"action\""}};
constexpr std::array kSyncedVrf{kVrf};
constexpr std::array kSyncEnd{
    kVrf, Parameter{"sync", kCount, kRequired, "`sync` of the answer to route.sync-begin"},
    Parameter{"after", kPrefix, kOptional, "`next` of the part before"}};
constexpr std::array kLinkOf{
    Parameter{"link", kText, kRequired, "which of a circuit's two links", kLinks},
    Parameter{"circuit", kText, kOptional, "name or service key; every circuit if not given"}};
constexpr std::array kLinkState{kState, kLinkOf[0], kLinkOf[1]};
constexpr std::array kDrained{
    kLinkOf[0], kLinkOf[1],
    Parameter{"timeout-seconds", kCount, kOptional,
              "the link is taken down after that, used or not; 60 if not given"}};
constexpr std::array kNamedState{kState, Parameter{"name", kText, kRequired, "its name"}};
constexpr std::array kListenerName{Parameter{"name", kText, kRequired, "the listener's name"}};
constexpr std::array kDocument{
    Parameter{"yaml", kText, kRequired, "the text of a configuration document"}};

Answer list_methods(RouterApi&, const Params&);

constexpr Role kReader = Role::kReadOnly;
constexpr Role kAdmin = Role::kAdmin;

constexpr std::array kMethods{
    Method{"status", kReader, "version, processor, workers, limits", {}, detail::get_status},
    Method{"method.list", kReader, "what this socket understands", {}, list_methods},
    Method{"port.list", kReader, "ports, their state and counters", {}, detail::list_ports},
    Method{"circuit.list", kReader, "circuits and their peerings", kPaged, detail::list_circuits},
    Method{"circuit.get", kReader, "one circuit", kCircuitName, detail::get_circuit},
    Method{"attachment.list", kReader, "attachments and their state", kPaged,
           detail::list_attachments},
    Method{"attachment.get", kReader, "one attachment", kAttachmentName, detail::get_attachment},
    Method{"neighbour.list", kReader, "the tables of ARP and Neighbour Discovery", kNeighbourFilter,
           detail::list_neighbours},
    Method{"bfd.list", kReader, "BFD sessions", kNeighbourFilter, detail::list_bfd},
    Method{"vrf.list", kReader, "VRFs and how many routes they have", kPaged, detail::list_vrfs},
    Method{"route.list", kReader, "routes in order of VRF and prefix", kRouteFilters,
           detail::list_routes},
    Method{"route.match", kReader, "the longest match for an address, and where it leads", kMatched,
           detail::match_route},
    Method{"group.list", kReader, "next-hop groups and their members", kPaged, detail::list_groups},
    Method{
        "fpm.list", kReader, "FPM listeners, and what zebra has told them", {}, detail::list_fpm},
    Method{"fpm.get", kReader, "one FPM listener", kListenerName, detail::get_fpm},
    Method{"counter.list", kReader, "counters of every attachment and port", kPaged,
           detail::list_counters},
    Method{"counter.get", kReader, "counters of one attachment or port", kCounted,
           detail::get_counters},
    Method{"drop.list", kReader, "packets dropped, by reason, with its meaning", kDropOwner,
           detail::list_drops},
    Method{"acl.list", kReader,
           "access lists, whether they are in force, and what they have judged", kPaged,
           detail::list_acls},
    Method{"acl.rules", kReader, "the rules of an access list and their counters", kAclRules,
           detail::list_acl_rules},
    Method{"acl.explain", kReader, "which rule a packet hits, and why those before do not match",
           kAclPacket, detail::explain_acl},
    Method{"policer.list", kReader, "bandwidths, and what exceeded them", kPaged,
           detail::list_policers},
    Method{"punt.list", kReader, "what the control thread was given and spared, by class",
           kPuntOwner, detail::list_punts},
    Method{"peak.list", kReader,
           "the most that each attachment has carried within a millisecond, and within ten", kPaged,
           detail::list_peaks},
    Method{"peak.reset",
           kAdmin,
           "begins anew with the peaks of all attachments",
           {},
           detail::reset_peaks},
    Method{"stage.list",
           kReader,
           "cycles per packet of every stage and worker",
           {},
           detail::list_stages},
    Method{"names.list", kReader, "sets of names, and which rules speak of them", kPaged,
           detail::list_name_sets},
    Method{"names.rules",
           kReader,
           "the rules of name policies, and what they have matched",
           {},
           detail::list_name_rules},
    Method{"names.addresses", kReader, "addresses that resolvers have taught, and for how long",
           kLearnedFilter, detail::list_learned_addresses},
    Method{"names.counters",
           kReader,
           "what became of resolvers' answers and of flows",
           {},
           detail::get_name_counts},
    Method{"nat.status",
           kReader,
           "sessions, how fast they are made, and what became of packets",
           {},
           detail::get_nat_status},
    Method{"nat.pools", kReader, "pools and how full they are", {}, detail::list_nat_pools},
    Method{"nat.sessions", kReader, "flows that are translated; a part may have no rows",
           kNatSessions, detail::list_nat_sessions},
    Method{"nat.mappings", kReader, "which public endpoint stands for which inside; likewise",
           kNatMappings, detail::list_nat_mappings},
    Method{"nat.hosts", kReader, "hosts inside, their blocks of ports and sessions; likewise",
           kNatHosts, detail::list_nat_hosts},
    Method{"nat.clear", kAdmin, "ends sessions; call it until there is no `next`", kNatCleared,
           detail::clear_nat},
    Method{"route.add", kAdmin, "adds a route", kNewRoute, detail::add_route},
    Method{"route.replace", kAdmin, "adds a route or takes the place of one", kNewRoute,
           detail::replace_route},
    Method{"route.delete", kAdmin, "deletes a route", kOldRoute, detail::delete_route},
    Method{"route.batch", kAdmin, "edits many routes of a VRF, all or none", kRouteList,
           detail::edit_routes},
    Method{"route.sync-begin", kAdmin,
           "makes all routes that callers have put into a VRF stale, until they are put again",
           kSyncedVrf, detail::begin_sync},
    Method{"route.sync-end", kAdmin, "removes a part of the routes that are stale still", kSyncEnd,
           detail::end_sync},
    Method{"link.set", kAdmin, "takes a link of one circuit, or of all, up or down", kLinkState,
           detail::set_link},
    Method{"link.drain", kAdmin, "empties a link, then takes it down", kDrained,
           detail::drain_link},
    Method{"link.undrain", kAdmin, "uses a drained link again", kLinkOf, detail::undrain_link},
    Method{"attachment.set", kAdmin, "takes an attachment up or down", kNamedState,
           detail::set_attachment},
    Method{"port.set", kAdmin, "takes a port up or down", kNamedState, detail::set_port},
    Method{"config.get", kReader, "the running configuration", {}, detail::get_config},
    Method{"config.check", kAdmin, "what is wrong with a configuration, or what it would change",
           kDocument, detail::check_config},
    Method{"config.apply", kAdmin, "makes a configuration the running one, whole or not at all",
           kDocument, detail::apply_config},
};

std::string_view word(ParameterKind kind) {
    switch (kind) {
        case kText:
            return "text";
        case kCount:
            return "count";
        case kAddress:
            return "address";
        case kPrefix:
            return "prefix";
        case kList:
            return "list";
    }
    return "";
}

Json json_of(const Parameter& parameter) {
    Json json{{"name", parameter.name},
              {"kind", word(parameter.kind)},
              {"required", parameter.presence == kRequired},
              {"meaning", parameter.meaning}};
    if (!parameter.choices.empty()) json["choices"] = parameter.choices;
    return json;
}

Answer list_methods(RouterApi&, const Params&) {
    Json items = Json::array();
    for (const Method& method : kMethods) {
        Json parameters = Json::array();
        for (const Parameter& parameter : method.parameters) {
            parameters.push_back(json_of(parameter));
        }
        items.push_back({{"method", method.name},
                         {"role", method.role == Role::kAdmin ? "admin" : "read-only"},
                         {"summary", method.summary},
                         {"params", parameters}});
    }
    return Json{{"items", items}, {"next", nullptr}};
}

}  // namespace

std::span<const Method> methods() {
    return kMethods;
}

}  // namespace causeway
