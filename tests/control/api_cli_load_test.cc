// SPDX-License-Identifier: Apache-2.0
//
// `causeway route load` and `causeway route save`.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "base/text.h"
#include "tests/control/cli_fixture.h"
#include "tests/control/mrt_builder.h"

namespace causeway {
namespace {

TEST_F(CliTest, LoadReadsAFileOfRoutesInBatches) {
    std::string file = "# a comment\n\n10.0.0.0/8 blackhole  # another\n";
    for (int i = 0; i < 2'500; ++i) {
        file += "20." + std::to_string(i / 256) + '.' + std::to_string(i % 256) +
                ".0/24 172.16.0.1,172.16.0.5@2\r\n";
    }
    const Ran ran = run("route load - --vrf contoso --batch 999", file);
    EXPECT_EQ(ran.exit_code, 0);
    EXPECT_NE(ran.output.find("2,501 routes into VRF contoso"), std::string::npos) << ran.output;
    EXPECT_EQ(Json::parse(run("--json show routes").output).size(), 2'501U) << "three pages";
    const Json again = Json::parse(run("--json route load - --vrf contoso", file).output);
    EXPECT_EQ(again["replaced"], 2'501);
    const auto& table = server_.stop().tables["contoso"];
    EXPECT_EQ(table.size(), 2'501U);
    EXPECT_EQ(table.at(*parse_ip_prefix("20.0.0.0/24")).via.at(1).weight, 2U);
    EXPECT_EQ(table.at(*parse_ip_prefix("10.0.0.0/8")).action, RouteAction::kBlackhole);
}

TEST_F(CliTest, LoadNamesTheLineThatIsWrong) {
    const struct {
        const char* line;
        const char* part;
    } kCases[] = {{"10.1.0.1/16 172.16.0.1", "-:3: \"10.1.0.1/16\" is no prefix"},
                  {"10.1.0.0/16", "-:3: \"\" is no next hop"},
                  {"10.1.0.0/16 172.16.0.1, 172.16.0.5", "one word too many"},
                  {"10.1.0.0/16 172.16.0.1,", "is no next hop"},
                  {"10.1.0.0/16 172.16.0.1@\"", "is no next hop"},
                  {"10.1.0.0/16 172.16.0.1@999", "-:3: "},
                  {"10.1.0.0/16 forward", "is no next hop"}};
    for (const auto& row : kCases) {
        const std::string file = "10.0.0.0/16 172.16.0.1\n\n" + std::string(row.line) + "\n";
        const Ran ran = run("route load - --vrf contoso", file);
        EXPECT_EQ(ran.exit_code, 1) << row.line;
        EXPECT_NE(ran.output.find(row.part), std::string::npos) << ran.output;
        EXPECT_NE(ran.output.find("0 routes were loaded"), std::string::npos) << ran.output;
    }
}

TEST_F(CliTest, LoadGivesOwnNextHopsToThoseOfAFile) {
    const std::string file =
        "10.0.0.0/8 7\n10.1.0.0/16 9\n10.2.0.0/16 7\n10.3.0.0/16 blackhole\n10.4.0.0/16\n";
    const Ran ran = run(
        "route load - --vrf contoso --via 172.16.0.1 --via 172.16.0.5@2,172.16.0.9 --via prohibit",
        file);
    EXPECT_EQ(ran.exit_code, 0) << ran.output;
    EXPECT_NE(run("show routes").output.find("172.16.0.5@2, 172.16.0.9"), std::string::npos);
    const auto& table = server_.stop().tables["contoso"];
    const auto at = [&](const char* prefix) { return table.at(*parse_ip_prefix(prefix)); };
    EXPECT_EQ(at("10.0.0.0/8").via.at(0).address, parse_ip_address("172.16.0.1"));
    EXPECT_EQ(at("10.1.0.0/16").via.size(), 2U);
    EXPECT_EQ(at("10.2.0.0/16").via.at(0).address, parse_ip_address("172.16.0.1"));
    EXPECT_EQ(at("10.3.0.0/16").action, RouteAction::kBlackhole) << "an action is no next hop";
    EXPECT_EQ(at("10.4.0.0/16").action, RouteAction::kProhibit) << "a bare prefix is one more";
}

test::MrtBuilder dump() {
    const auto hop = [](std::uint32_t last) {
        return test::next_hop_attribute(Ipv4Address(0xc0000200 + last));
    };
    test::MrtBuilder mrt;
    mrt.peers({Ipv4Address(0xc0000201), Ipv4Address(0xc0000202)});
    mrt.rib(2, *parse_ip_prefix("20.0.0.0/8"), {{0, hop(1)}, {1, hop(2)}});
    mrt.rib(4, *parse_ip_prefix("2001:db8::/32"), {{0, {}}});
    mrt.rib(2, *parse_ip_prefix("20.1.0.0/16"), {{1, hop(2)}});
    return mrt;
}

TEST_F(CliTest, LoadReadsADump) {
    const std::string file = dump().text();
    const Json all = Json::parse(
        run("--json route load - --vrf contoso --via 172.16.0.1 --via 172.16.0.5", file).output);
    EXPECT_EQ(all["added"], 2);
    EXPECT_EQ(all["skipped-ipv6"], 1);
    EXPECT_EQ(all["passed-over"], 0);
    const Ran one = run("route load - --vrf adatum --via 172.16.0.1 --peer 192.0.2.1", file);
    EXPECT_NE(one.output.find("1 routes into VRF adatum"), std::string::npos) << one.output;
    EXPECT_NE(one.output.find("1 IPv6 routes skipped"), std::string::npos) << one.output;
    EXPECT_NE(one.output.find("1 records passed over"), std::string::npos) << one.output;
    const auto& table = server_.stop().tables["contoso"];
    EXPECT_EQ(table.at(*parse_ip_prefix("20.1.0.0/16")).via.at(0).address,
              parse_ip_address("172.16.0.5"));
}

TEST_F(CliTest, LoadGivesEachFamilyWaysOfItsOwn) {
    const std::string file = dump().text();
    const Json both = Json::parse(
        run("--json route load - --vrf contoso --via 172.16.0.1 --via 2001:db8:15::1", file)
            .output);
    EXPECT_EQ(both["added"], 3);
    EXPECT_EQ(both["skipped-ipv6"], 0);
    const Json one =
        Json::parse(run("--json route load - --vrf adatum --via 2001:db8:15::1", file).output);
    EXPECT_EQ(one["added"], 1);
    EXPECT_EQ(one["skipped-ipv4"], 2);
    EXPECT_EQ(run("route load - --vrf adatum", "2001:db8:9::/48 2001:db8:15::1@2\n").exit_code, 0);
    const auto& tables = server_.stop().tables;
    EXPECT_EQ(tables.at("contoso").at(*parse_ip_prefix("2001:db8::/32")).via.at(0).address,
              parse_ip_address("2001:db8:15::1"));
    EXPECT_EQ(tables.at("adatum").at(*parse_ip_prefix("2001:db8:9::/48")).via.at(0).weight, 2U);
}

TEST_F(CliTest, LoadSaysWhatIsWrongWithADump) {
    const std::string file = dump().text();
    const struct {
        const char* words;
        std::string input;
        const char* part;
    } kCases[] = {
        {"", file, "-:record 2: the next hops of a dump are those of another router"},
        {"--via 172.16.0.1", file.substr(0, file.size() - 1), "-:record 4 at byte "},
        {"--via 172.16.0.1 --peer 2", file, "there is no peer 2 among the dump's 2"},
        {"--via 172.16.0.1 --peer x", file, "--peer is a peer's index in the dump"},
        {"--via x", file, "--via: \"x\" is no next hop"},
        {"--via 172.16.0.1@99", file, "-:record 2: "},
        {"--via 172.16.0.1", "\x1f\x8b\x08 no gzip at all", "the gzip data is damaged"},
    };
    for (const auto& row : kCases) {
        const Ran ran = run(std::string("route load - --vrf contoso ") + row.words, row.input);
        EXPECT_EQ(ran.exit_code, 1) << row.words;
        EXPECT_NE(ran.output.find(row.part), std::string::npos) << ran.output;
    }
    EXPECT_TRUE(server_.stop().tables["contoso"].empty());
}

TEST_F(CliTest, WhatIsSavedLoadsAsTheSameRoutes) {
    std::string file = "0.0.0.0/0 172.16.0.1,172.16.0.5@2\n10.0.0.0/8 blackhole\n";
    for (int i = 0; i < 2'500; ++i) {
        file += "20." + std::to_string(i / 256) + '.' + std::to_string(i % 256) +
                ".0/24 172.16.0." + std::to_string(i % 7) + '\n';
    }
    file += "30.0.0.0/8 prohibit\n30.1.0.0/16 unreachable\n";
    file += "40.0.0.0/8 recursive:20.0.1.1@3,recursive:20.0.2.1\n";
    EXPECT_EQ(run("route load - --vrf contoso", file).exit_code, 0);
    EXPECT_EQ(run("route save --vrf contoso").output, file);
    for (const char* name : {"/saved.txt", "/saved.gz", "/saved.bz2", "/saved.xz", "/saved.zst"}) {
        const std::string path = server_.path().substr(0, server_.path().rfind('/')) + name;
        expect("route save --vrf contoso " + path, 0, "2,505 routes of VRF contoso saved");
        EXPECT_EQ(run("route load - --vrf adatum --via prohibit", file).exit_code, 0);
        EXPECT_NE(run("route save --vrf adatum").output, file);
        expect("route load --vrf adatum " + path, 0, "2,505 replaced");
        EXPECT_EQ(run("route save --vrf adatum -").output, file) << name;
    }
}

TEST_F(CliTest, ASyncedFileIsAllThereIs) {
    const std::string file = "10.0.0.0/8 172.16.0.1\n10.2.0.0/16 blackhole\n10.9.0.0/16 prohibit\n";
    EXPECT_EQ(run("route load - --vrf contoso", "10.1.0.0/16 blackhole\n" + file).exit_code, 0);
    EXPECT_EQ(run("route load - --vrf adatum", file).exit_code, 0);
    const std::string next = "10.2.0.0/16 172.16.0.5\n10.3.0.0/16 blackhole\n";
    const Ran synced = run("route sync - --vrf contoso --batch 1", next);
    EXPECT_EQ(synced.exit_code, 0) << synced.output;
    EXPECT_NE(synced.output.find("1 added, 1 replaced\n3 routes removed"), std::string::npos)
        << synced.output;
    EXPECT_EQ(run("route save --vrf contoso").output, next);
    EXPECT_EQ(run("route save --vrf adatum").output, file) << "another VRF's";
    expect("route sync - --vrf fabrikam", 1, "no VRF \"fabrikam\"");
}

TEST_F(CliTest, ASyncOfAWrongFileRemovesNothing) {
    const std::string file = "10.0.0.0/8 172.16.0.1\n10.2.0.0/16 blackhole\n";
    EXPECT_EQ(run("route load - --vrf contoso", file).exit_code, 0);
    const Ran synced = run("route sync - --vrf contoso", "10.2.0.0/16 blackhole\nrubbish\n");
    EXPECT_EQ(synced.exit_code, 1);
    EXPECT_NE(synced.output.find("Routes that the file does not have are still there"),
              std::string::npos)
        << synced.output;
    EXPECT_EQ(run("route save --vrf contoso").output, file);
}

TEST_F(CliTest, SaveNeedsAVrfAndAPlace) {
    expect("route save", 2, "routes of which VRF?; name one with --vrf: adatum contoso");
    expect("route save --vrf fabrikam", 1, "no VRF \"fabrikam\"");
    expect("route save --vrf contoso /no/such/file", 1, "/no/such/file cannot be written: No such");
}

}  // namespace
}  // namespace causeway
