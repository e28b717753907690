// SPDX-License-Identifier: Apache-2.0
#include "control/frr/programs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

extern char** environ;

namespace causeway {
namespace {

namespace fs = std::filesystem;

Unexpected unavailable(std::string what, int error) {
    return {ErrorCode::kUnavailable, std::move(what) + ": " + std::strerror(error)};
}

std::string_view last_line(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    return text.substr(text.rfind('\n') + 1);
}

std::string read_all(int descriptor) {
    std::string text;
    std::array<char, 65'536> part;
    while (true) {
        const ssize_t count = ::read(descriptor, part.data(), part.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        text.append(part.data(), static_cast<std::size_t>(count));
    }
}

// Starts the program with `output` as its standard output and error.
int spawn(const std::vector<std::string>& words, int output, pid_t& pid) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    const int error =
        ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

// The whole text under a name of its own, then under its real one.
Status write_file(const fs::path& path, std::string_view text, const struct stat& like) {
    const std::string beside = path.string() + ".new";
    const int file = ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (file < 0) return unavailable(beside, errno);
    bool is_good = ::fchmod(file, 0640) == 0;
    // FRR's daemons read it as their own user, who owns the folder; only root can give it away.
    if (::geteuid() == 0) is_good = is_good && ::fchown(file, like.st_uid, like.st_gid) == 0;
    while (is_good && !text.empty()) {
        const ssize_t count = ::write(file, text.data(), text.size());
        is_good = count >= 0 || errno == EINTR;
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    is_good = is_good && ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (is_good && ::rename(beside.c_str(), path.c_str()) == 0) return ok();
    const int why = is_good ? errno : error;
    ::unlink(beside.c_str());
    return unavailable(path.string(), why);
}

}  // namespace

Result<std::string> run_program(const std::vector<std::string>& words) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return unavailable("pipe", errno);
    pid_t pid = -1;
    const int error = spawn(words, ends[1], pid);
    ::close(ends[1]);
    std::string output = error == 0 ? read_all(ends[0]) : std::string();
    ::close(ends[0]);
    if (error != 0) return unavailable(words.front(), error);
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return output;
    return Unexpected(ErrorCode::kUnavailable,
                      fmt::format("{}: {}", words.front(), last_line(output)));
}

Result<std::string> ask_frr(const FrrPlaces& places, const std::string& network_namespace,
                            const std::string& command) {
    auto answer = run_program(
        {"vtysh", "--vty_socket", places.runtime + '/' + network_namespace, "-c", command});
    if (!answer) return answer;
    // vtysh complains of its own files before, and its daemons say what is wrong in plain words.
    const std::size_t brace = answer->find('{');
    if (brace != std::string::npos) return answer->substr(brace);
    return Unexpected(ErrorCode::kUnavailable, fmt::format("FRR in namespace {}: {}",
                                                           network_namespace, last_line(*answer)));
}

Status write_frr(const FrrPlaces& places, const FrrDocument& document) {
    const fs::path folder = fs::path(places.configuration) / document.network_namespace;
    std::error_code failed;
    fs::create_directories(folder, failed);
    struct stat parent {};
    if (failed || ::stat(places.configuration.c_str(), &parent) != 0) {
        return unavailable(folder.string(), failed ? failed.value() : errno);
    }
    if (::geteuid() == 0 && ::chown(folder.c_str(), parent.st_uid, parent.st_gid) != 0) {
        return unavailable(folder.string(), errno);
    }
    if (!fs::exists(folder / "daemons", failed)) {
        if (Status written = write_file(folder / "daemons", document.daemons, parent); !written) {
            return written;
        }
    }
    return write_file(folder / "frr.conf", document.text, parent);
}

std::vector<std::string> lines_for_bfdd(const FrrPlaces& places, const FrrDocument& document) {
    std::ifstream file(fs::path(places.configuration) / document.network_namespace / "daemons");
    std::set<std::string> present;
    for (std::string line; std::getline(file, line);) present.insert(line);
    std::vector<std::string> lacking;
    std::istringstream wanted(document.daemons);
    for (std::string line; std::getline(wanted, line);) {
        if (line == "bfdd=no") return {};
        if (line.starts_with("bfdd") && !present.contains(line)) lacking.push_back(line);
    }
    return lacking;
}

bool is_frr_up(const FrrPlaces& places, const std::string& network_namespace) {
    const fs::path folder = fs::path(places.runtime) / network_namespace;
    std::error_code failed;
    return fs::exists(folder / "zebra.vty", failed) && fs::exists(folder / "bgpd.vty", failed);
}

Status reload_frr(const FrrPlaces& places, const std::string& network_namespace) {
    const std::string runtime = places.runtime + '/' + network_namespace;
    const std::string folder = places.configuration + '/' + network_namespace;
    // Told to look there, and not by the namespace's name: it would take our file for another than
    // FRR's own, and have vtysh write what runs over it.
    const auto done = run_program({places.reload, "--reload", "--confdir", folder, "--vty_socket",
                                   runtime, "--rundir", runtime, folder + "/frr.conf"});
    if (done) return ok();
    return Unexpected(done.error());
}

}  // namespace causeway
