// SPDX-License-Identifier: Apache-2.0
//
// causeway: the command line of the control socket.
#include <fmt/format.h>

#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include "control/cli/grammar.h"
#include "control/config/values.h"

namespace causeway::cli {
namespace {

// What the parser says of a mistyped command is that one is missing. Names the word instead.
ExitCode explain(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App* parsed = &app;
    while (!parsed->get_subcommands().empty()) parsed = parsed->get_subcommands().front();
    const std::vector<std::string> words = app.remaining(true);
    if (error.get_exit_code() == 0 || words.empty() || parsed->get_require_subcommand_min() == 0)
        return app.exit(error) == 0 ? ExitCode::kOk : ExitCode::kUsage;
    std::vector<std::string> names;
    for (const CLI::App* sub : parsed->get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(sub->get_name());
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    fmt::print(stderr, "causeway: \"{}\" is no command{}\nRun with --help for more information.\n",
               quotable(words.front()), suggestion(words.front(), known));
    return ExitCode::kUsage;
}

ExitCode run(int argc, char** argv) {
    Grammar grammar;
    try {
        grammar.app().parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return explain(grammar.app(), error);
    }
    Client client(grammar.words().socket);
    Output output;
    Session session{client, output, grammar.words().json ? Format::kJson : Format::kTable};
    try {
        return grammar.command()(session);
    } catch (const Json::exception& error) {
        return refuse(
            fmt::format("the daemon's answer is not what this version expects ({}); are "
                        "causeway and causewayd the same version?",
                        error.what()));
    }
}

}  // namespace
}  // namespace causeway::cli

int main(int argc, char** argv) {
    // A pager that is left, or `| head`, ends our writing, not us.
    std::signal(SIGPIPE, SIG_IGN);
    return static_cast<int>(causeway::cli::run(argc, argv));
}
