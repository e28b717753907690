// SPDX-License-Identifier: Apache-2.0
//
// causewayd: composes the program. The only place that knows all parts.
#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "base/heap.h"
#include "control/api/event_loop.h"
#include "control/api/server.h"
#include "control/config/config.h"
#include "control/log/log.h"
#include "control/router/router.h"
#include "control/version.h"

namespace causeway {
namespace {

// The exit codes that --help documents.
constexpr int kExitOk = 0;
constexpr int kExitRefused = 1;  // the configuration or the machine
constexpr int kExitUsage = 2;

struct Arguments {
    std::string config;
    std::string socket;
    bool check = false;
};

// Prints what is wrong with the document, all of it.
int report(const std::string& file, const LoadedConfig& loaded) {
    for (const ConfigError& error : loaded.errors) {
        std::cerr << format_error(file, error) << '\n';
    }
    std::cerr << file << ": " << loaded.errors.size() << " error(s)\n";
    return kExitRefused;
}

// Ends the loop on SIGINT and SIGTERM. The signals are blocked in every thread and read from a
// descriptor, so that nothing of ours runs in a signal handler.
Status stop_on_signals(EventLoop& loop, int& descriptor) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    descriptor = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (descriptor < 0) return Unexpected(ErrorCode::kUnavailable, "cannot watch for signals");
    return loop.add(descriptor, 1, [&loop](EventLoop::Events) { loop.stop(); });
}

// Two thousand attachments have as many TAPs, and a descriptor each: as many as we may have.
void raise_descriptor_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        log_error("cannot raise the limit of descriptors: {}", std::strerror(errno));
    }
}

int run(const Config& config) {
    const auto fail = [](const Error& error) {
        log_error("{}", error.message);
        return kExitRefused;
    };
    auto loop = EventLoop::create();
    if (!loop) return fail(loop.error());
    int signals = -1;
    if (const Status status = stop_on_signals(**loop, signals); !status) {
        return fail(status.error());
    }
    auto router = Router::start(config, **loop);
    if (!router) return fail(router.error());
    const auto policy = admin_policy(config.daemon.admin_group);
    if (!policy) return fail(policy.error());
    auto server = ApiServer::start(**loop, **router,
                                   {.path = config.daemon.socket, .policy = *policy, .limits = {}});
    if (!server) return fail(server.error());
    log_info("causewayd {} is forwarding; control socket {}", kVersion, config.daemon.socket);
    (*loop)->run();
    log_info("stopping");
    (*loop)->remove(signals);
    close(signals);
    return kExitOk;
}

int main(const Arguments& arguments) {
    std::ifstream file(arguments.config, std::ios::binary);
    if (!file) {
        std::cerr << arguments.config << ": cannot be read: " << std::strerror(errno) << '\n';
        return kExitRefused;
    }
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    LoadedConfig loaded = load_config(text);
    if (!loaded.config) return report(arguments.config, loaded);
    for (const ConfigError& warning : loaded.warnings) {
        std::cerr << format_error(arguments.config, warning) << " (warning)\n";
    }
    if (!arguments.socket.empty()) loaded.config->daemon.socket = arguments.socket;
    if (arguments.check) {
        std::cout << arguments.config << ": ok: " << loaded.config->circuits.size()
                  << " circuit(s), " << loaded.config->ports.size() << " port(s)\n";
        return kExitOk;
    }
    open_log();
    raise_descriptor_limit();
    return run(*loaded.config);
}

}  // namespace
}  // namespace causeway

int main(int argc, char** argv) {
    causeway::keep_freed_memory();
    CLI::App app{"Causeway: the edge router of a private-cloud-circuit service", "causewayd"};
    causeway::Arguments arguments;
    app.add_option("--config,-c", arguments.config, "the YAML document that describes everything")
        ->required();
    app.add_flag("--check", arguments.check, "check the document, say all that is wrong, and end");
    app.add_option("--socket", arguments.socket, "control socket, instead of daemon.socket");
    app.set_version_flag("--version", std::string(causeway::kVersion));
    app.footer(
        "Example:\n"
        "  causewayd --config /etc/causeway/causeway.yaml --check\n"
        "Exit codes: 0 ok; 1 the configuration or the machine refused; 2 wrong usage.\n"
        "Talk to a running causewayd with `causeway show status`.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? causeway::kExitOk : causeway::kExitUsage;
    }
    return causeway::main(arguments);
}
