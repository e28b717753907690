// SPDX-License-Identifier: Apache-2.0
#include "control/cli/grammar.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "control/api/route_edits.h"
#include "control/cli/completion.h"
#include "control/cli/nat_log.h"
#include "control/config/values.h"

namespace causeway::cli {
namespace {

constexpr const char* kFooter = R"(
Examples:
  causeway show circuits                      what customers bought, and how it stands
  causeway show routes --vrf contoso 10.1.2.3 where a packet to 10.1.2.3 would go
  causeway route add 10.8.0.0/16 --vrf contoso --via 172.16.0.1,172.16.0.5
  causeway link down primary --circuit contoso
  causeway apply circuits.yaml
  causeway --json show counters | jq '.[] | select(.rx.packets > 0)'

Exit codes: 0 done; 1 refused by the daemon, or wrong input; 2 wrong usage; 3 no daemon answers.
`causeway COMMAND --help` explains a command, docs/cli.md all of them, docs/api.md the protocol.)";

}  // namespace

Grammar::Grammar() : app_("Looks at and changes a running causewayd.", "causeway") {
    app_.require_subcommand(1);
    app_.footer(kFooter);
    app_.option_defaults()->always_capture_default();
    app_.add_option("--socket,-s", words_.socket, "the daemon's control socket")
        ->envname("CAUSEWAY_SOCKET");
    app_.add_flag("--json,-j", words_.json, "print the daemon's answer as JSON");
    app_.set_version_flag("--version", CAUSEWAY_VERSION);
    app_.fallthrough();
    add_show();
    add_acl();
    add_route();
    add_link();
    add_nat();
    add_config();
    add_frr();
    add_rest();
}

CLI::App* Grammar::leaf(CLI::App* parent, const char* name, const char* about, const char* example,
                        Command command) {
    CLI::App* const sub = parent->add_subcommand(name, about);
    sub->fallthrough();
    sub->footer(std::string("Example: ") + example);
    sub->callback([this, command = std::move(command)] { command_ = command; });
    return sub;
}

CLI::App* Grammar::branch(const char* name, const char* about) {
    CLI::App* const sub = app_.add_subcommand(name, about);
    sub->require_subcommand(1);
    sub->fallthrough();
    return sub;
}

void add_nat_filter(CLI::App* sub, NatArguments& filter) {
    sub->add_option("--pool", filter.pool, "only this pool's, as contoso/microsoft");
    sub->add_option("--protocol", filter.protocol, "tcp, udp or icmp")
        ->check(CLI::IsMember({"tcp", "udp", "icmp"}));
    sub->add_option("--inside", filter.inside, "only of this host inside");
    sub->add_option("--outside", filter.outside, "only of this public address");
    sub->add_option("--remote", filter.remote, "only with this host outside");
}

void Grammar::add_frr() {
    CLI::App* const frr =
        leaf(&app_, "frr-config", "FRR's configuration from ours, for every VRF that has peerings",
             "causeway frr-config --directory /etc/frr --reload",
             [this](Session& session) { return frr_config(session, words_.frr); });
    frr->add_option("FILE", words_.frr.file, "a document, instead of the running configuration");
    frr->add_option("--vrf", words_.frr.vrf, "of this VRF only");
    frr->add_option("--drain", words_.frr.drained, "an attachment to be written as drained")
        ->allow_extra_args(false);
    frr->add_option("--directory,-d", words_.frr.directory, "write files below it");
    frr->add_flag("--reload", words_.frr.reload, "write (to /etc/frr), and have FRR follow");
}

void Grammar::add_acl() {
    CLI::App* const acl = branch("acl", "ask access lists");
    CLI::App* const explain =
        leaf(acl, "explain", "which rule a packet hits, and why those before do not match",
             "causeway acl explain microsoft-in 203.0.113.5 198.18.7.9 --protocol tcp "
             "--destination-port 25",
             [this](Session& session) { return explain_acl(session, words_.packet); });
    PacketArguments& packet = words_.packet;
    explain->add_option("ACL", packet.acl, "the access list, as in `causeway show acl`")
        ->required();
    explain->add_option("SOURCE", packet.source, "the address it comes from")->required();
    explain->add_option("DESTINATION", packet.destination, "the address it goes to")->required();
    explain->add_option("--protocol", packet.protocol, "tcp, udp, icmp, ..., or a number");
    const auto port = CLI::Range(1U, 65'535U);
    explain->add_option("--source-port", packet.source_port, "of TCP, UDP, SCTP")->check(port);
    explain->add_option("--destination-port", packet.destination_port, "likewise")->check(port);
    explain->add_option("--icmp-type", packet.icmp_type, "TYPE or TYPE/CODE");
    explain->add_option("--tcp-flags", packet.tcp_flags, "those set, as in syn,ack");
    explain->add_option("--dscp", packet.dscp, "as in ef, or a number");
    explain->add_option("--fragment", packet.fragment, "whole, first or later")
        ->check(CLI::IsMember({"whole", "first", "later"}));
    explain->add_option("--vrf", packet.vrf, "whose learned names count");
}

void Grammar::add_nat() {
    CLI::App* const nat = branch("nat", "end what is translated, and look at its log");
    leaf(nat, "log", "print a log of blocks and sessions", "causeway nat log /var/log/causeway/nat",
         [this](Session& session) { return read_log(session, words_.file); })
        ->add_option("FILE", words_.file, "the log; - is standard input")
        ->required();
    CLI::App* const clear = leaf(nat, "clear", "end sessions: all that fit a filter, or --all",
                                 "causeway nat clear --inside 10.1.0.10", [this](Session& session) {
                                     return clear_nat(session, words_.nat);
                                 });
    add_nat_filter(clear, words_.nat);
    clear->add_flag("--all", words_.nat.all, "every session there is");
}

void Grammar::add_route() {
    CLI::App* const route = branch("route", "add, delete, load and save routes");
    const auto with_vrf = [](CLI::App* sub, std::string& vrf) {
        sub->add_option("--vrf", vrf, "the VRF, as in `causeway show vrfs`")->required();
    };
    CLI::App* const add =
        leaf(route, "add", "add a route",
             "causeway route add 10.8.0.0/16 --vrf contoso --via 172.16.0.1@2,172.16.0.5",
             [this](Session& session) {
                 if (words_.blackhole) words_.route.action = "blackhole";
                 if (words_.unreachable) words_.route.action = "unreachable";
                 if (words_.prohibit) words_.route.action = "prohibit";
                 return cli::add_route(session, words_.route,
                                       words_.replace ? Existing::kReplace : Existing::kRefuse);
             });
    add->add_option("PREFIX", words_.route.prefix, "as in 10.8.0.0/16")->required();
    with_vrf(add, words_.route.vrf);
    CLI::Option_group* const way = add->add_option_group("Way", "what becomes of a packet");
    way->add_option("--via", words_.route.via, "next hops, each [recursive:]ADDRESS[@WEIGHT]")
        ->delimiter(',');
    way->add_flag("--blackhole", words_.blackhole, "drop in silence");
    way->add_flag("--unreachable", words_.unreachable, "drop with ICMP host unreachable");
    way->add_flag("--prohibit", words_.prohibit, "drop with ICMP administratively prohibited");
    way->require_option(1);
    add->add_flag("--replace", words_.replace, "take the place of a route that was added");

    CLI::App* const remove =
        leaf(route, "delete", "delete a route that was added",
             "causeway route delete 10.8.0.0/16 --vrf contoso",
             [this](Session& session) { return delete_route(session, words_.route); });
    remove->add_option("PREFIX", words_.route.prefix, "as in 10.8.0.0/16")->required();
    with_vrf(remove, words_.route.vrf);

    add_route_files(route);
}

void Grammar::add_route_files(CLI::App* route) {
    add_route_reader(leaf(
        route, "load", "load routes from a file, beside those there are",
        "causeway route load rib.20260101.0000.bz2 --vrf microsoft --via 10.9.0.1 --via 10.9.0.5",
        [this](Session& session) { return load_routes(session, words_.load); }));
    add_route_reader(leaf(route, "sync", "make the routes of a file all that a VRF has been given",
                          "causeway route sync contoso.txt --vrf contoso",
                          [this](Session& session) {
                              words_.load.others = Others::kGo;
                              return load_routes(session, words_.load);
                          }));

    CLI::App* const save =
        leaf(route, "save", "write the routes that a VRF has been given to a file for `route load`",
             "causeway route save --vrf microsoft microsoft.txt.zst",
             [this](Session& session) { return save_routes(session, words_.save); });
    save->add_option("FILE", words_.save.file,
                     "the file, compressed if its name ends in .gz, .bz2, .xz or .zst; - is "
                     "standard output");
    save->add_option("--vrf", words_.save.vrf, "the VRF, if there is more than one");
}

// `load` is the command, which `sync` is a kind of.
void Grammar::add_route_reader(CLI::App* load) {
    load->add_option("FILE", words_.load.file,
                     "lines of PREFIX NEXTHOP[,NEXTHOP...], or an MRT dump (TABLE_DUMP_V2); also "
                     "compressed: gzip, bzip2, xz, zstd; - is standard input")
        ->required();
    load->add_option("--vrf", words_.load.vrf, "the VRF, as in `causeway show vrfs`")->required();
    load->add_option("--via", words_.load.via,
                     "NEXTHOP[,NEXTHOP...] instead of those in the file; given several times, the "
                     "file's next hops take turns in them")
        ->allow_extra_args(false);
    load->add_option("--peer", words_.load.peer,
                     "of a dump: the routes of this peer, by index or address; else the first of "
                     "each prefix");
    load->add_option("--batch", words_.load.batch_routes,
                     "routes that go in together or not at all")
        ->check(CLI::Range(std::size_t{1}, kRouteEditsMax));
}

void Grammar::add_link() {
    CLI::App* const link = branch("link", "take links, attachments and ports up and down");
    for (const char* state : {"up", "down"}) {
        const std::string about = std::string("take a link ") + state;
        const std::string example =
            fmt::format("causeway link {} primary --circuit contoso", state);
        CLI::App* const sub =
            leaf(link, state, about.c_str(), example.c_str(), [this, state](Session& session) {
                words_.link.state = state;
                return set_link(session, words_.link);
            });
        CLI::Option_group* const what = sub->add_option_group("What", "exactly one of");
        CLI::Option* const which =
            what->add_option("LINK", words_.link.link, "primary or secondary, of every circuit")
                ->check(CLI::IsMember({"primary", "secondary"}));
        what->add_option("--attachment,-a", words_.link.attachment, "one attachment");
        what->add_option("--port,-p", words_.link.port, "a port, with all on it");
        what->require_option(1);
        sub->add_option("--circuit,-c", words_.link.circuit, "of this circuit only: name or key")
            ->needs(which);
    }
    add_drain(link);
}

void Grammar::add_drain(CLI::App* link) {
    const auto add = [&](const char* name, const char* about, const char* example,
                         ExitCode (*run)(Session&, const DrainChoice&)) {
        CLI::App* const sub = leaf(link, name, about, example, [this, run](Session& session) {
            return run(session, words_.drain);
        });
        sub->add_option("LINK", words_.drain.link, "primary or secondary")
            ->check(CLI::IsMember({"primary", "secondary"}))
            ->required();
        sub->add_option("CIRCUIT", words_.drain.circuit,
                        "of this circuit only: name or service key");
        return sub;
    };
    add("drain", "empty a link without loss, then take it down",
        "causeway link drain primary contoso", drain_link)
        ->add_option("--timeout,-t", words_.drain.seconds, "take it down after so many seconds")
        ->check(CLI::Range(std::uint64_t{1}, kDrainSecondsMax));
    add("undrain", "use a drained link again", "causeway link undrain primary contoso",
        undrain_link);
}

void Grammar::add_config() {
    leaf(&app_, "apply", "make a configuration the running one, whole or not at all",
         "causeway apply circuits.yaml",
         [this](Session& session) { return apply_config(session, words_.file, Commit::kYes); })
        ->add_option("FILE", words_.file, "the document; - is standard input")
        ->required();
    leaf(&app_, "check", "what is wrong with a configuration, or what it would change",
         "causeway check circuits.yaml",
         [this](Session& session) { return apply_config(session, words_.file, Commit::kNo); })
        ->add_option("FILE", words_.file, "the document; - is standard input")
        ->required();
}

void Grammar::add_rest() {
    leaf(branch("peaks", "what `show peaks` shows"), "reset",
         "begin anew with the peaks of all attachments", "causeway peaks reset", reset_peaks);
    CLI::App* const call = leaf(
        &app_, "call", "call any method of the control socket",
        R"(causeway call route.match '{"vrf": "contoso", "address": "10.1.2.3"}')",
        [this](Session& session) { return call_method(session, words_.method, words_.params); });
    call->add_option("METHOD", words_.method, "as in `causeway show methods`")->required();
    call->add_option("PARAMS", words_.params, "a JSON object");
    CLI::App* const completion =
        branch("completion", "print what makes a shell complete our words");
    leaf(completion, "bash", "for bash", "source <(causeway completion bash)",
         [](Session& session) {
             session.output.write(kBashCompletion);
             return ExitCode::kOk;
         });
    leaf(completion, "zsh", "for zsh", "source <(causeway completion zsh)", [](Session& session) {
        session.output.write(kZshCompletion);
        return ExitCode::kOk;
    });
}

}  // namespace causeway::cli
