// SPDX-License-Identifier: Apache-2.0
//
// `causeway show`.
#include <fmt/format.h>

#include "control/cli/grammar.h"
#include "control/cli/names.h"

namespace causeway::cli {

void Grammar::add_show() {
    CLI::App* const show = branch("show", "look at the router");
    leaf(show, "status", "version, processor, workers, limits", "causeway show status",
         show_status);
    leaf(show, "ports", "ports, their state and counters", "causeway show ports", show_ports);
    leaf(show, "circuits", "circuits, or one with its peerings", "causeway show circuits contoso",
         [this](Session& session) { return show_circuits(session, words_.name); })
        ->add_option("NAME", words_.name, "a circuit's name or service key");
    leaf(show, "attachments", "each leg of each peering, and the core's",
         "causeway show attachments", show_attachments);
    leaf(show, "neighbours", "the ARP table", "causeway show neighbours contoso/private/primary",
         [this](Session& session) { return show_neighbours(session, words_.name); })
        ->alias("neighbors")
        ->alias("arp")
        ->add_option("ATTACHMENT", words_.name, "only this attachment's");
    leaf(show, "bfd", "BFD sessions", "causeway show bfd contoso/private/primary",
         [this](Session& session) { return show_bfd(session, words_.name); })
        ->add_option("ATTACHMENT", words_.name, "only this attachment's");
    add_show_routing(show);
    add_show_policy(show);
    add_show_nat(show);
    leaf(show, "counters", "packets and bytes, and what became of them",
         "causeway show counters contoso/private/primary",
         [this](Session& session) { return show_counters(session, words_.name); })
        ->add_option("NAME", words_.name, "an attachment or port, in full detail");
    leaf(show, "drops", "packets dropped, by reason", "causeway show drops edge-primary",
         [this](Session& session) { return show_drops(session, words_.name); })
        ->add_option("NAME", words_.name, "only those of an attachment or port");
    leaf(show, "punts", "what the control thread was given and spared, by class",
         "causeway show punts contoso/private/primary",
         [this](Session& session) { return show_punts(session, words_.name); })
        ->add_option("ATTACHMENT", words_.name, "only this attachment's");
    leaf(show, "stages", "cycles per packet of each stage of the walk", "causeway show stages",
         show_stages);
    leaf(show, "config", "the running configuration", "causeway show config > circuits.yaml",
         show_config);
    leaf(show, "methods", "what the control socket understands", "causeway show methods",
         show_methods);
}

void Grammar::add_show_routing(CLI::App* show) {
    leaf(show, "vrfs", "VRFs and the number of their routes", "causeway show vrfs", show_vrfs);
    CLI::App* const routes =
        leaf(show, "routes", "routes, or where an address leads",
             "causeway show routes --vrf contoso 10.1.2.3",
             [this](Session& session) { return show_routes(session, words_.routes); });
    routes->add_option("--vrf", words_.routes.vrf, "only this VRF's");
    routes->add_option("--source", words_.routes.source, "connected, api, static or bgp");
    routes->add_option("TARGET", words_.routes.target,
                       "a prefix: it and what it covers; an address: its longest match");
    leaf(show, "fpm", "FPM listeners; of one, what its zebra has told", "causeway show fpm contoso",
         [this](Session& session) { return show_fpm(session, words_.name); })
        ->add_option("NAME", words_.name, "one listener");
    leaf(show, "groups", "next-hop groups, their members and shares", "causeway show groups",
         show_groups);
    add_show_paths(show);
}

void Grammar::add_show_paths(CLI::App* show) {
    const auto path = [&](const char* name, const char* about, auto&& run) {
        const std::string example = fmt::format("causeway show {} contoso private primary", name);
        CLI::App* const sub =
            leaf(show, name, about, example.c_str(),
                 [this, run](Session& session) { return run(session, words_.path); });
        const CLI::IsMember peerings({"private", "microsoft"}), links({"primary", "secondary"});
        sub->add_option("CIRCUIT", words_.path.circuit, "name or service key")->required();
        sub->add_option("PEERING", words_.path.peering)->check(peerings)->required();
        sub->add_option("LINK", words_.path.link)->check(links)->required();
        return sub;
    };
    path("arp-table", "the ARP table of one path", show_arp_table);
    path("bgp-summary", "the BGP sessions of one path", show_bgp_summary);
    path("route-table", "what the customer has told by BGP on one path", show_route_table)
        ->add_flag("--advertised", words_.path.advertised, "what it was told, instead");
}

void Grammar::add_show_policy(CLI::App* show) {
    leaf(show, "acl", "access lists, or one with its rules and what they have matched",
         "causeway show acl microsoft-in",
         [this](Session& session) { return show_acl(session, words_.name); })
        ->alias("acls")
        ->add_option("NAME", words_.name, "an access list's name");
    CLI::App* const names =
        leaf(show, "names", "sets of names; rules, addresses that resolvers taught, counters",
             "causeway show names addresses --vrf contoso",
             [this](Session& session) { return show_names(session, words_.name, words_.vrf); });
    names->add_option("TABLE", words_.name, "sets, rules, addresses or counters")
        ->check(CLI::IsMember({"sets", "rules", "addresses", "counters"}));
    names->add_option("--vrf", words_.vrf, "only addresses that were learned in this VRF");
    leaf(show, "policer", "bandwidths, and what exceeded them", "causeway show policer",
         show_policer)
        ->alias("policers");
    leaf(show, "peaks", "the most that attachments have carried within 1 ms and 10 ms",
         "causeway show peaks", show_peaks);
}

void Grammar::add_show_nat(CLI::App* show) {
    CLI::App* const nat = show->add_subcommand("nat", "who has which public address and port");
    nat->require_subcommand(1);
    nat->fallthrough();
    leaf(nat, "status", "sessions, how fast they are made, and what became of packets",
         "causeway show nat status", show_nat_status);
    leaf(nat, "pools", "pools, and how full they are", "causeway show nat pools", show_nat_pools);
    add_nat_filter(
        leaf(nat, "sessions", "flows that are translated",
             "causeway show nat sessions --inside 10.1.0.10 --protocol tcp",
             [this](Session& session) { return show_nat_sessions(session, words_.nat); }),
        words_.nat);
    CLI::App* const mappings =
        leaf(nat, "mappings", "which public endpoint stands for which inside",
             "causeway show nat mappings --outside 203.0.113.16",
             [this](Session& session) { return show_nat_mappings(session, words_.nat); });
    add_nat_filter(mappings, words_.nat);
    mappings->remove_option(mappings->get_option("--remote"));
    CLI::App* const hosts =
        leaf(nat, "hosts", "hosts inside, their blocks of ports and their sessions",
             "causeway show nat hosts --pool contoso/microsoft",
             [this](Session& session) { return show_nat_hosts(session, words_.nat); });
    hosts->add_option("--pool", words_.nat.pool, "only this pool's, as contoso/microsoft");
    hosts->add_option("--inside", words_.nat.inside, "only this one");
}

}  // namespace causeway::cli
