// SPDX-License-Identifier: Apache-2.0
//
// FRR's configuration from ours: word for word, and in FRR's own judgement.
#include "control/frr/frr_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/frr/programs.h"

namespace causeway::test {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return file ? text.str() : "cannot be read: " + path.string();
}

Config load(const std::string& text) {
    const LoadedConfig loaded = load_config(text);
    for (const ConfigError& error : loaded.errors) ADD_FAILURE() << format_error("", error);
    return loaded.config.value_or(Config());
}

Config circuits() {
    return load(content_of(fs::path(FRR_GOLDEN) / "circuits.yaml"));
}

const LinkAppeals kDrained{{"contoso/private/secondary", Appeal::kPrepended}};

class TemporaryFolder {
  public:
    TemporaryFolder() { EXPECT_NE(::mkdtemp(path_), nullptr); }
    ~TemporaryFolder() { fs::remove_all(path_); }
    [[nodiscard]] fs::path path() const { return path_; }

  private:
    char path_[32] = "/tmp/causeway-frr-XXXXXX";
};

// CAUSEWAY_REWRITE=1 writes what is made now; then look at the difference.
TEST(FrrConfig, is_as_it_was) {
    const auto documents = frr_documents(circuits(), kDrained);
    ASSERT_TRUE(documents.has_value()) << documents.error().message;
    ASSERT_EQ(documents->size(), 3U);
    for (const FrrDocument& document : *documents) {
        const fs::path golden = fs::path(FRR_GOLDEN) / (document.network_namespace + ".conf");
        if (std::getenv("CAUSEWAY_REWRITE") != nullptr) std::ofstream(golden) << document.text;
        EXPECT_EQ(document.text, content_of(golden)) << golden;
        const fs::path daemons = fs::path(golden).replace_extension(".daemons");
        if (std::getenv("CAUSEWAY_REWRITE") != nullptr) std::ofstream(daemons) << document.daemons;
        EXPECT_EQ(document.daemons, content_of(daemons)) << daemons;
    }
}

// Where BFD is causewayd's own, bfdd of that FRR is told of it at the one socket that there is.
TEST(FrrConfig, bfdd_listens_where_we_look_for_it) {
    Config config = circuits();
    config.daemon.bfdd_socket = "/run/frr/bfdd.dplane";
    config.circuits[0].peerings[0].bfd.enabled = true;
    const auto documents = frr_documents(config, {});
    ASSERT_TRUE(documents.has_value()) << documents.error().message;
    EXPECT_NE((*documents)[1].daemons.find(
                  "bfdd_options=\"-A 127.0.0.1 --dplaneaddr unix:/run/frr/bfdd.dplane\"\n"),
              std::string::npos)
        << (*documents)[1].daemons;
    for (const std::size_t other : {0U, 2U}) {
        EXPECT_EQ((*documents)[other].daemons.find("dplaneaddr"), std::string::npos);
    }
    config.circuits[0].peerings[1].bgp.bfd = true;
    config.circuits[0].peerings[1].bfd.enabled = true;
    const auto two = frr_documents(config, {});
    ASSERT_FALSE(two.has_value());
    EXPECT_NE(two.error().message.find("VRFs contoso and microsoft"), std::string::npos)
        << two.error().message;
    config.circuits[0].peerings[1].bgp.bfd = false;
    config.daemon.bfdd_socket = "/run/$(reboot)";
    const auto shell = frr_documents(config, {});
    ASSERT_FALSE(shell.has_value());
    EXPECT_NE(shell.error().message.find("shell"), std::string::npos) << shell.error().message;
}

TEST(FrrConfig, is_accepted_by_frr) {
    if (::access("/usr/bin/vtysh", X_OK) != 0) GTEST_SKIP() << "FRR is not installed";
    const TemporaryFolder folder;
    const auto documents = frr_documents(circuits(), kDrained);
    ASSERT_TRUE(documents.has_value());
    for (const FrrDocument& document : *documents) {
        const fs::path file = folder.path() / document.network_namespace;
        std::ofstream(file) << document.text;
        const auto checked = run_program({"/usr/bin/vtysh", "-C", "-f", file.string()});
        EXPECT_TRUE(checked.has_value()) << checked.error().message << '\n' << document.text;
    }
    // And what is wrong is noticed, or the above would mean nothing.
    const fs::path wrong = folder.path() / "wrong";
    std::ofstream(wrong) << documents->front().text << "router bgp none\n";
    EXPECT_FALSE(run_program({"/usr/bin/vtysh", "-C", "-f", wrong.string()}).has_value());
}

TEST(FrrConfig, says_why_there_is_none) {
    Config config = circuits();
    config.circuits[1].peerings[0].tap_namespace = "vrf-contoso";
    const auto shared = frr_documents(config, {});
    ASSERT_FALSE(shared.has_value());
    EXPECT_NE(shared.error().message.find("VRFs contoso and adatum share"), std::string::npos)
        << shared.error().message;
    config = circuits();
    config.control_plane.taps = false;
    EXPECT_NE(frr_documents(config, {}).error().message.find("control-plane.taps"),
              std::string::npos);
    config = circuits();
    config.bgp.reset();
    EXPECT_NE(frr_documents(config, {}).error().message.find("\"bgp\""), std::string::npos);
    config = circuits();
    config.circuits[0].peerings[0].bgp.password_file = "/nowhere/at/all";
    EXPECT_NE(frr_documents(config, {}).error().message.find("/nowhere/at/all"), std::string::npos);
}

TEST(FrrConfig, a_password_may_be_in_a_file) {
    const TemporaryFolder folder;
    const fs::path file = folder.path() / "key";
    std::ofstream(file) << "from-the-file\n";
    Config config = circuits();
    config.circuits[0].peerings[0].bgp.password.clear();
    config.circuits[0].peerings[0].bgp.password_file = file;
    const auto documents = frr_documents(config, {});
    ASSERT_TRUE(documents.has_value());
    EXPECT_NE((*documents)[1].text.find("neighbor 192.168.15.17 password from-the-file\n"),
              std::string::npos);
    std::ofstream(file) << "two words\n";
    EXPECT_FALSE(frr_documents(config, {}).has_value());
}

// Typed into a running FRR, how attractive a link is leaves what the file would have said.
TEST(FrrConfig, what_is_news_can_be_typed) {
    const Config config = circuits();
    const std::string leg = "contoso/private/primary";
    const auto typed = [&](Appeal appeal) {
        const auto all = frr_appeals(config, {{leg, appeal}});
        EXPECT_EQ(all.size(), 3U);
        EXPECT_EQ(all[1].network_namespace, "vrf-contoso");
        EXPECT_EQ(all[1].vrf, "contoso");
        std::string lines;
        for (const std::string& line : all[1].lines) lines += line + '\n';
        // The other link comes after this one.
        return lines.substr(0, lines.find("contoso-private-secondary"));
    };
    const auto has = [](const std::string& lines, const std::string& line) {
        return lines.find(line + '\n') != std::string::npos;
    };
    const std::string prepend =
        " set as-path prepend 12076 12076 12076 12076 12076 12076 12076 12076";
    const std::string deny = "route-map contoso-private-primary-out deny 5";
    const std::string drained = typed(Appeal::kPrepended);
    EXPECT_TRUE(has(drained, prepend));
    EXPECT_TRUE(has(drained, "no " + deny));
    EXPECT_TRUE(has(drained, " set local-preference 10"));
    const std::string withdrawn = typed(Appeal::kWithdrawn);
    EXPECT_TRUE(has(withdrawn, '\n' + deny));
    EXPECT_TRUE(has(withdrawn, " set local-preference 10"));
    const std::string back = typed(Appeal::kNormal);
    EXPECT_FALSE(has(back, prepend));
    EXPECT_TRUE(has(back, " no set as-path prepend"));
    EXPECT_TRUE(has(back, "no " + deny));
    EXPECT_TRUE(has(back, " set local-preference 100"));
}

TEST(FrrConfig, limits_can_be_typed_again) {
    const auto all = frr_appeals(circuits(), {});
    ASSERT_EQ(all.size(), 3U);
    const std::vector<std::string>& limits = all[0].limits;
    ASSERT_FALSE(limits.empty());
    EXPECT_EQ(limits.front(), "router bgp 12076");
    const auto documents = frr_documents(circuits(), {});
    ASSERT_TRUE(documents.has_value());
    for (const std::string& line : limits) {
        if (line.find("maximum-prefix") == std::string::npos) continue;
        EXPECT_NE(documents->front().text.find(line + '\n'), std::string::npos) << line;
    }
}

TEST(FrrConfig, a_leg_is_found_by_what_people_call_it) {
    const Config config = circuits();
    const auto leg = frr_leg(config, "contoso", PeeringType::kPrivate, Link::kSecondary);
    ASSERT_TRUE(leg.has_value());
    EXPECT_EQ(leg->attachment, "contoso/private/secondary");
    EXPECT_EQ(leg->network_namespace, "vrf-contoso");
    EXPECT_EQ(leg->neighbour, Ipv4Address(0xc0'a8'0f'15));
    EXPECT_TRUE(leg->ipv6_neighbour.has_value());
    const auto by_key = frr_leg(config, "0b6c1f3e-5d2a-4c89-8f47-9a1b2c3d4e5f",
                                PeeringType::kPrivate, Link::kPrimary);
    ASSERT_TRUE(by_key.has_value());
    EXPECT_EQ(by_key->attachment, "adatum/private/primary");
    const auto why = [&](std::string_view circuit, PeeringType type, Link link) {
        return frr_leg(config, circuit, type, link).error().message;
    };
    EXPECT_EQ(why("nobody", PeeringType::kPrivate, Link::kPrimary), "no circuit nobody");
    EXPECT_EQ(why("adatum", PeeringType::kMicrosoft, Link::kPrimary),
              "circuit adatum has no microsoft peering");
    EXPECT_EQ(why("adatum", PeeringType::kPrivate, Link::kSecondary),
              "circuit adatum has no secondary link");
}

TEST(FrrPrograms, files_are_written_whole_and_daemons_once) {
    const TemporaryFolder folder;
    const FrrPlaces places{.configuration = folder.path(), .runtime = folder.path()};
    FrrDocument document{"ns", "contoso", "first\n", "bgpd=yes\n"};
    ASSERT_TRUE(write_frr(places, document).has_value());
    document.text = "second\n";
    document.daemons = "bgpd=no\n";
    ASSERT_TRUE(write_frr(places, document).has_value());
    EXPECT_EQ(content_of(folder.path() / "ns/frr.conf"), "second\n");
    EXPECT_EQ(content_of(folder.path() / "ns/daemons"), "bgpd=yes\n") << "an operator's own";
    EXPECT_EQ(fs::status(folder.path() / "ns/frr.conf").permissions() & fs::perms::others_all,
              fs::perms::none)
        << "it may hold passwords";
    EXPECT_FALSE(is_frr_up(places, "ns"));
}

TEST(FrrPrograms, what_bfdd_lacks_is_named) {
    const TemporaryFolder folder;
    const FrrPlaces places{.configuration = folder.path(), .runtime = folder.path()};
    FrrDocument document{"ns", "contoso", "", "bgpd=yes\nbfdd=no\nbfdd_options=\"-A ::1\"\n"};
    ASSERT_TRUE(write_frr(places, document).has_value());
    EXPECT_TRUE(lines_for_bfdd(places, document).empty());
    document.daemons = "bgpd=no\nbfdd=yes\nbfdd_options=\"-A ::1\"\n";
    EXPECT_EQ(lines_for_bfdd(places, document), std::vector<std::string>{"bfdd=yes"});
}

// frr-reload.py has vtysh write over every file that it does not take for FRR's own.
TEST(FrrPrograms, a_reload_names_the_file_as_frr_does) {
    const TemporaryFolder folder;
    const fs::path program = folder.path() / "reload";
    std::ofstream(program) << "#!/bin/sh\necho \"$@\" >" << folder.path() / "words" << '\n';
    fs::permissions(program, fs::perms::owner_all);
    ASSERT_TRUE(reload_frr({.configuration = "/c", .runtime = "/r", .reload = program}, "ns"));
    EXPECT_EQ(content_of(folder.path() / "words"),
              "--reload --confdir /c/ns --vty_socket /r/ns --rundir /r/ns /c/ns/frr.conf\n");
}

TEST(FrrPrograms, what_a_program_says_is_kept_or_told) {
    EXPECT_EQ(run_program({"/bin/sh", "-c", "echo a; echo b >&2"}).value(), "a\nb\n");
    EXPECT_EQ(run_program({"/bin/sh", "-c", "echo first; echo last; exit 3"}).error().message,
              "/bin/sh: last");
    EXPECT_FALSE(run_program({"/no/such/program"}).has_value());
}

}  // namespace
}  // namespace causeway::test
