// SPDX-License-Identifier: Apache-2.0
//
// Grammar: what can be said on the command line. show.h, change.h... do what is asked.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "control/cli/change.h"
#include "control/cli/frr.h"
#include "control/cli/nat.h"
#include "control/cli/routes.h"
#include "control/cli/session.h"
#include "control/cli/show.h"

namespace causeway::cli {

inline constexpr const char* kSocket = "/run/causeway/causeway.sock";

// Everything the command line can say. Members are bound to options.
struct Words {
    std::string socket = kSocket;
    bool json = false;
    std::string name;
    std::string vrf;
    RouteArguments routes;
    PacketArguments packet;
    RouteChoice route;
    bool blackhole = false;
    bool unreachable = false;
    bool prohibit = false;
    bool replace = false;
    LoadChoice load;
    SaveChoice save;
    LinkChoice link;
    NatArguments nat;
    DrainChoice drain;
    FrrChoice frr;
    PathChoice path;
    std::string file;
    std::string method;
    std::string params;
};

using Command = std::function<ExitCode(Session&)>;

// A subcommand whose name is chosen leaves its command here for main() to run.
class Grammar {
  public:
    Grammar();

    CLI::App& app() { return app_; }
    [[nodiscard]] const Words& words() const { return words_; }
    [[nodiscard]] const Command& command() const { return command_; }

  private:
    CLI::App* leaf(CLI::App* parent, const char* name, const char* about, const char* example,
                   Command command);
    CLI::App* branch(const char* name, const char* about);

    void add_show();
    void add_show_routing(CLI::App* show);
    void add_show_policy(CLI::App* show);
    void add_acl();
    void add_show_nat(CLI::App* show);
    void add_nat();
    void add_show_paths(CLI::App* show);
    void add_route();
    void add_route_files(CLI::App* route);
    void add_route_reader(CLI::App* load);
    void add_link();
    void add_drain(CLI::App* link);
    void add_config();
    void add_frr();
    void add_rest();

    CLI::App app_;
    Words words_;
    Command command_;
};

// The options that choose sessions, mappings or hosts.
void add_nat_filter(CLI::App* sub, NatArguments& filter);

}  // namespace causeway::cli
