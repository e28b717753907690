// SPDX-License-Identifier: Apache-2.0
//
// The program `causeway` as a shell runs it, against a control socket with a fake router behind.
#include <gtest/gtest.h>

#include <string>

#include "tests/control/cli_fixture.h"

namespace causeway {
namespace {

TEST_F(CliTest, EveryTableShowsItsRows) {
    expect("show status", 0, "causewayd 0.1.0, up 1d 02:03:04");
    expect("show ports", 0, "edge-primary  edge  up");
    expect("show ports", 0, "1,234,567");
    expect("show circuits", 0, "contoso");
    expect("show circuits", 0, "1 Gbps");
    expect("show circuits contoso", 0, "65010");
    expect("show attachments", 0, "10.100");
    expect("show neighbours", 0, "01:01:01  On-Prem             172.16.0.2  02:00:00:00:00:01");
    expect("show arp contoso/private/primary", 0, "Incomplete");
    expect("show bfd", 0, "up             00:01:01");
    expect("show bfd contoso/private/secondary", 0, "down (failed)");
    expect("show bfd contoso/private/secondary", 0, "detection time expired");
    expect("show vrfs", 0, "adatum");
    expect("show fpm", 0, "127.0.0.1 port 2620  contoso    replaying   4,000");
    expect("show fpm edge", 0, "unknown_table      7  routes of a table");
    expect("show fpm edges", 1, "there is no FPM listener edges");
    expect("show groups", 0, "down (link down)");
    expect("show counters", 0, "1,234,500");
    expect("show counters contoso/private/primary", 0, "dropped: ttl_expired");
    expect("show drops", 0, "no prefix of the VRF matches");
    expect("show punts contoso/private/primary", 0, "3,456");
    expect("show punts nobody", 1, "no attachment \"nobody\"");
    expect("show stages", 0, "8.0");
    expect("show config", 0, "circuits: []");
    expect("show methods", 0, "vrf prefix [via] [action]");
}

TEST_F(CliTest, ColumnsAreAligned) {
    const Ran ran = run("show counters");
    const std::string heading = ran.output.substr(0, ran.output.find('\n'));
    const std::string row = ran.output.substr(heading.size() + 1);
    const std::size_t end = heading.find("RX PACKETS") + std::string("RX PACKETS").size();
    EXPECT_EQ(row.substr(end - 9, 9), "1,234,567") << ran.output;
}

TEST_F(CliTest, JsonIsAnArrayOfAllPagesOrTheResultItself) {
    for (const char* table : {"ports", "circuits", "attachments", "neighbours", "vrfs", "routes",
                              "fpm", "groups", "counters", "drops", "punts", "stages", "methods"}) {
        const Json rows =
            Json::parse(run(std::string("--json show ") + table).output, nullptr, false);
        EXPECT_TRUE(rows.is_array()) << table;
        EXPECT_EQ(rows.empty(), std::string(table) == "routes") << table;
    }
    EXPECT_EQ(Json::parse(run("show status --json").output)["version"], "0.1.0");
    EXPECT_EQ(Json::parse(run("show circuits contoso --json").output)["name"], "contoso");
}

TEST_F(CliTest, RoutesAreAddedShownAndDeleted) {
    expect("route add 10.8.0.0/16 --vrf contoso --via 172.16.0.1@2,172.16.0.5", 0,
           "added 10.8.0.0/16 in VRF contoso");
    expect("show routes", 0, "172.16.0.1@2, 172.16.0.5");
    expect("show routes --vrf adatum --source static", 0, "PREFIX");
    expect("show routes --vrf contoso 10.8.9.10", 0, "matches 10.8.0.0/16 (static)");
    expect("show routes --vrf contoso 11.0.0.1", 0, "no route");
    expect("show routes 10.8.9.10", 2, "adatum contoso");
    expect("route add 10.8.0.0/16 --vrf contoso --via 172.16.0.1", 1, "is there already");
    expect("route add 10.8.0.0/16 --vrf contoso --blackhole --replace", 0, "replaced");
    expect("route delete 10.8.0.0/16 --vrf contoso", 0, "deleted");
    expect("route delete 10.8.0.0/16 --vrf contoso", 1, "is not there");
}

TEST_F(CliTest, LinksGoDownAndUp) {
    expect("link down primary --circuit contoso", 0, "contoso/private/primary is down now");
    expect("show attachments", 0, "down (admin)");
    expect("link down primary --circuit contoso", 0, "was down already");
    expect("link up --attachment contoso/private/primary", 0, "is up now");
    expect("link down --port edge-secondary", 0, "adatum/private/secondary is down now");
}

TEST_F(CliTest, LinksAreDrainedAndUsedAgain) {
    expect("link drain primary contoso", 0, "contoso/private/primary drains; it goes down when");
    expect("show attachments", 0, "up (draining)");
    expect("link drain primary contoso", 0, "drains already");
    expect("link drain primary --timeout 5", 0, "or in 5 s");
    EXPECT_EQ(server_.router().drain_seconds, 5U);
    expect("link undrain primary contoso", 0, "contoso/private/primary is used again");
    expect("link undrain primary contoso", 0, "was not drained");
    expect("link drain primary --timeout 0", 2, "");
    expect("link drain", 2, "");
    expect("call link.drain '{\"link\":\"primary\",\"timeout-seconds\":86401}'", 1, "a day");
}

TEST_F(CliTest, ErrorsOfADocumentAreInTheFormOfCompilers) {
    server_.router().config_errors = {{3, 9, "circuits[0].s-tag", "S-tag 10 is taken"},
                                      {7, 1, "ports", "is missing"}};
    const Ran ran = run("apply -", "x");
    EXPECT_EQ(ran.exit_code, 1);
    EXPECT_NE(ran.output.find("-:3:9: circuits[0].s-tag: S-tag 10 is taken"), std::string::npos)
        << ran.output;
    EXPECT_NE(ran.output.find("2 errors; nothing was changed"), std::string::npos) << ran.output;
}

TEST_F(CliTest, ADocumentIsAppliedOrOnlyChecked) {
    EXPECT_NE(run("check -", "x: y").output.find("1 change; valid, not applied"),
              std::string::npos);
    const auto applied = run("apply -", "x: \"y\"\n");
    EXPECT_NE(applied.output.find("+ circuit contoso"), std::string::npos);
    EXPECT_NE(applied.output.find("-:7:9: acls[0].rules[1]: no packet reaches rule b (warning)"),
              std::string::npos);
    expect("apply /no/such/file", 1, "cannot read /no/such/file: No such file");
    expect("apply /tmp", 1, "is a directory");
    EXPECT_EQ(server_.stop().applied_yaml, "x: \"y\"\n");
}

TEST_F(CliTest, AccessListsAndPolicersAreShown) {
    expect("show acl", 0, "microsoft-in  building");
    expect("show acl", 0, "1,234,567");
    expect("show acl microsoft-in", 0, "shadowed by r0");
    expect("show acl microsoft-in", 0, "source: [10.0.0.0/8]");
    expect("show acl microsoft-in", 0, "permit, steer internet");
    expect("show acl microsoft-in", 0, "(otherwise)");
    expect("show acl other", 1, "no access list \"other\"");
    expect("show status", 0, "17 lines skipped");
    expect("show names", 0, "cdn  active");
    expect("show names sets", 0, "internet-only cdn");
    expect("show names rules", 0, "internet-only  cdn   cdn   permit  internet  af11");
    expect("show names rules", 0, "video");
    expect("show names rules", 0, "contoso/microsoft");
    expect("show names addresses", 0, "contoso  192.0.2.1  cdn   a.example.com (59 s)");
    expect("show names addresses --vrf contoso", 0, "contoso  192.0.2.2  cdn   past");
    expect("show names addresses --vrf other", 1, "no rule asks for names in a VRF other");
    expect("show names counters", 0, "its addresses are known");
    expect("show policer", 0, "contoso/primary in  1 Gbps");
    expect("show peaks", 0, "contoso/private/primary  940 Mbps");
    expect("peaks reset", 0, "peaks begin anew");
}

TEST_F(CliTest, APacketIsExplained) {
    const std::string words = "acl explain microsoft-in 203.0.113.5 198.18.7.9 ";
    expect(words + "--destination-port 25", 0, "rule r0 does not match: source, protocol");
    expect(words + "--destination-port 25", 0, "rule r1 matches: deny, mark ef");
    expect(words + "--vrf other", 1, "no VRF \"other\"");
    expect(words + "--destination-port 70000", 2, "");
    expect(words + "--protocol tpc", 1, "\"tpc\" is not a protocol");
    expect(words + "--tcp-flags syn,nack", 1, "\"nack\" is not a flag");
    expect("acl explain microsoft-in 203.0.113.5 2001:db8::1", 1, "not of the family");
    expect(words + "--protocol icmp --icmp-type 3/4 --dscp ef", 0, "rule r1");
    const auto packet = server_.stop().explained;
    ASSERT_TRUE(packet && packet->icmp);
    EXPECT_EQ(packet->icmp->type, 3);
    EXPECT_EQ(packet->icmp->code, 4);
    EXPECT_EQ(packet->dscp, 46);
    EXPECT_FALSE(packet->ports);
}

TEST_F(CliTest, AnyMethodCanBeCalled) {
    expect(R"(call route.match '{"vrf":"contoso","address":"10.0.0.1"}')", 0, "\"route\": null");
    expect("call status", 0, "\"version\"");
    expect("call status '{'", 1, "not JSON");
    expect("call no.such", 1, "no method \"no.such\"");
}

TEST_F(CliTest, ExitCodesTellWhoIsWrong) {
    expect("show circuits fabrikam", 1, "no circuit \"fabrikam\"");
    expect("show routes nonsense", 1, "within");
    expect("show nonsense", 2, "\"nonsense\" is no command");
    expect("show circuts", 2, "did you mean \"circuits\"");
    expect("", 2, "subcommand is required");
    expect("route add 10.0.0.0/8 --vrf contoso", 2, "");
    expect("route add 10.0.0.0/8 --vrf contoso --via 172.16.0.1 --blackhole", 2, "");
    expect("link down", 2, "");
    expect("link down tertiary", 2, "");
    expect("link down --port edge-primary --circuit contoso", 2, "");
    const Ran nobody = shell(std::string(CAUSEWAY_PROGRAM) + " -s /no/such.sock show status 2>&1");
    EXPECT_EQ(nobody.exit_code, 3);
    EXPECT_NE(nobody.output.find("is causewayd running?"), std::string::npos) << nobody.output;
    expect("--version", 0, "0.");
}

TEST_F(CliTest, HelpOfEveryCommandHasAnExample) {
    expect("--help", 0, "Exit codes");
    for (const char* command : {"show status",
                                "show ports",
                                "show circuits",
                                "show attachments",
                                "show neighbours",
                                "show vrfs",
                                "show routes",
                                "show groups",
                                "show counters",
                                "show drops",
                                "show stages",
                                "show config",
                                "show methods",
                                "route add",
                                "route delete",
                                "route load",
                                "route save",
                                "link up",
                                "link down",
                                "apply",
                                "check",
                                "call",
                                "completion bash",
                                "completion zsh",
                                "nat clear",
                                "nat log",
                                "show nat status",
                                "show nat pools",
                                "show nat sessions",
                                "show nat mappings",
                                "show nat hosts",
                                "show bfd",
                                "show fpm",
                                "link drain",
                                "link undrain"}) {
        expect(std::string(command) + " --help", 0, "Example: ");
    }
}

TEST_F(CliTest, NatIsShownPartByPartAndFiltered) {
    expect("show nat status", 0, "1.5 a second");
    expect("show nat status", 0, "34 (2.5 a second)");
    expect("show nat status", 0, "alarmed");
    expect("show nat pools", 0, "alarmed");
    expect("show nat sessions", 0, "10.0.0.3:40000");
    expect("show nat sessions --inside 10.0.0.1 --protocol tcp", 0, "203.0.113.1:2001");
    const NatFilter& asked = server_.router().fake_nat.asked;
    EXPECT_EQ(asked.inside, Ipv4Address(0x0a000001));
    EXPECT_EQ(asked.protocol, NatProtocol::kTcp);
    EXPECT_FALSE(asked.outside || asked.remote || asked.pool);
    expect("show nat sessions --pool adatum/microsoft", 1, "there is no pool adatum/microsoft");
    expect("show nat sessions --inside 2001:db8::1", 1, "NAT translates IPv4 only");
    expect("show nat mappings", 0, "static");
    expect("show nat hosts", 0, "10.0.0.1");
}

TEST_F(CliTest, NatIsClearedUntilNothingIsLeft) {
    expect("nat clear", 1, "give a filter");
    expect("nat clear --all --inside 10.0.0.1", 1, "give a filter");
    EXPECT_EQ(server_.router().fake_nat.flows.size(), 3U);
    expect("nat clear --all", 0, "3 sessions cleared");
    EXPECT_TRUE(server_.router().fake_nat.flows.empty());
}

TEST_F(CliTest, AReaderThatStopsEndsUsQuietly) {
    server_.router().neighbours_total = 20'000;
    const std::string code = server_.path() + ".code";
    const Ran ran = shell("{ " CAUSEWAY_PROGRAM " -s " + server_.path() + " show arp; echo $? >" +
                          code + "; } 2>&1 | head -1; cat " + code);
    EXPECT_EQ(ran.output.substr(0, 10), "ATTACHMENT");
    EXPECT_EQ(ran.output.substr(ran.output.find('\n')), "\n0\n") << ran.output;
}

TEST_F(CliTest, CompletionKnowsCommandsAndNames) {
    const auto complete = [&](const std::string& words, const std::string& last) {
        return shell("bash -c 'PATH=$(dirname " CAUSEWAY_PROGRAM
                     "):$PATH; source <(causeway "
                     "completion bash); COMP_WORDS=(causeway --socket " +
                     server_.path() + ' ' + words + " \"" + last +
                     "\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _causeway; "
                     "echo ${COMPREPLY[@]}' 2>&1")
            .output;
    };
    EXPECT_EQ(complete("show", "cir"), "circuits\n");
    EXPECT_EQ(complete("show circuits", "con"), "contoso\n");
    EXPECT_EQ(complete("show arp", "adatum/private/s"), "adatum/private/secondary\n");
    EXPECT_EQ(complete("route add 10.0.0.0/8 --vrf", "a"), "adatum\n");
    EXPECT_EQ(complete("route load --via 10.9.0.1 /dev/null --vrf", "c"), "contoso\n");
    EXPECT_EQ(complete("route load table.mrt", "--p"), "--peer\n");
    EXPECT_EQ(complete("route save", "/dev/nul"), "/dev/null\n");
    EXPECT_EQ(complete("route save", "--v"), "--vrf\n");
    EXPECT_EQ(complete("link down primary --circuit", "c"), "contoso\n");
    EXPECT_EQ(complete("link down --port", "e"), "edge-primary\n");
    EXPECT_EQ(complete("link drain primary", "a"), "adatum\n");
    EXPECT_EQ(complete("show bfd", "contoso/private/p"), "contoso/private/primary\n");
    EXPECT_EQ(complete("call", "route.m"), "route.match\n");
    EXPECT_EQ(complete("", "comp"), "completion\n");
}

}  // namespace
}  // namespace causeway
