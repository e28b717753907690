// SPDX-License-Identifier: Apache-2.0
//
// `causeway route load`: a file of routes, in batches.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "control/cli/change.h"
#include "control/route_edits.h"

namespace causeway::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kProgressPeriod{200};

struct Loaded {
    std::size_t added = 0;
    std::size_t replaced = 0;
    [[nodiscard]] std::size_t routes() const { return added + replaced; }
};

// On standard error, in place, for a person who waits.
class Progress {
  public:
    explicit Progress(std::size_t total_bytes) : total_bytes_(total_bytes) {}
    ~Progress() {
        if (is_shown_) std::fputs("\r\x1b[K", stderr);
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(std::size_t read_bytes, std::size_t routes) {
        const Clock::time_point now = Clock::now();
        if (::isatty(STDERR_FILENO) == 0 || now - shown_at_ < kProgressPeriod) return;
        shown_at_ = now;
        is_shown_ = true;
        const double seconds = std::chrono::duration<double>(now - started_at_).count();
        fmt::print(stderr, "\r{:3}%  {} routes, {}/s ", 100 * read_bytes / (total_bytes_ | 1),
                   grouped(routes),
                   grouped(static_cast<std::uint64_t>(static_cast<double>(routes) / seconds)));
        std::fflush(stderr);
    }

  private:
    std::size_t total_bytes_;
    Clock::time_point started_at_ = Clock::now();
    Clock::time_point shown_at_{};
    bool is_shown_ = false;
};

// The next word of a line, taken off its front; empty at the end or at a comment.
std::string_view take_word(std::string_view& line) {
    const std::size_t begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') return {};
    line.remove_prefix(begin);
    const std::string_view word = line.substr(0, line.find_first_of(" \t\r"));
    line.remove_prefix(word.size());
    return word;
}

bool is_hop(std::string_view word) {
    const std::string_view weight = word.substr(std::min(word.find('@'), word.size()));
    if (weight.find_first_not_of("@0123456789") != std::string_view::npos) return false;
    return parse_ipv4_address(word.substr(0, word.size() - weight.size())).has_value();
}

// Appends {"op":"replace","prefix":...} to the text, or says what is wrong with the line. Words
// are checked before they get into JSON, so nothing needs escaping.
std::optional<std::string> append_route(std::string_view line, std::string& text) {
    const std::string_view prefix = take_word(line);
    if (!parse_ipv4_prefix(prefix))
        return fmt::format("\"{}\" is no prefix without host bits, as in 10.0.0.0/8", prefix);
    const std::string_view hops = take_word(line);
    if (const std::string_view rest = take_word(line); !rest.empty())
        return fmt::format("\"{}\" is one word too many: PREFIX NEXTHOP[,NEXTHOP...]", rest);
    text +=
        fmt::format(R"({}{{"op":"replace","prefix":"{}",)", text.ends_with('}') ? "," : "", prefix);
    if (read_action(hops) && hops != "forward") {
        text += fmt::format(R"("action":"{}"}})", hops);
        return std::nullopt;
    }
    text += R"("via":[)";
    for (std::size_t begin = 0; begin <= hops.size();) {
        const std::size_t end = std::min(hops.find(',', begin), hops.size());
        const std::string_view hop = hops.substr(begin, end - begin);
        if (!is_hop(hop))
            return fmt::format("\"{}\" is no next hop: ADDRESS, ADDRESS@WEIGHT or an action", hop);
        text += fmt::format(R"({}"{}")", begin == 0 ? "" : ",", hop);
        begin = end + 1;
    }
    text += "]}";
    return std::nullopt;
}

class Loader {
  public:
    Loader(Session& session, const LoadChoice& choice) : session_(session), choice_(choice) {}

    ExitCode run(std::string_view input) {
        Progress progress(input.size());
        std::size_t line_number = 0;
        for (std::size_t begin = 0; begin < input.size();) {
            const std::size_t end = std::min(input.find('\n', begin), input.size());
            const std::string_view line = input.substr(begin, end - begin);
            begin = end + 1;
            ++line_number;
            if (std::string_view rest = line; take_word(rest).empty()) continue;
            if (const auto complaint = append_route(line, routes_))
                return fail(line_number, *complaint);
            lines_.push_back(line_number);
            if (lines_.size() < choice_.batch_routes) continue;
            if (const ExitCode exit = send(); exit != ExitCode::kOk) return exit;
            progress.show(begin, loaded_.routes());
        }
        return lines_.empty() ? ExitCode::kOk : send();
    }
    [[nodiscard]] const Loaded& loaded() const { return loaded_; }

  private:
    ExitCode fail(std::size_t line, std::string_view complaint) const {
        fmt::print(stderr, "{}:{}: {}\n", choice_.file, line, complaint);
        return say_what_is_in(ExitCode::kRefused);
    }

    ExitCode say_what_is_in(ExitCode exit) const {
        fmt::print(stderr,
                   "causeway: {} routes were loaded before that and stay; the batch with the error "
                   "was not. Loading the corrected file again is safe.\n",
                   grouped(loaded_.routes()));
        return exit;
    }

    ExitCode send() {
        const std::string params =
            fmt::format(R"({{"vrf":{},"routes":[{}]}})", Json(choice_.vrf).dump(), routes_);
        const Called called = session_.client.call_text("route.batch", params);
        if (const CallError* error = std::get_if<CallError>(&called)) return refused(*error);
        loaded_.added += std::get<Json>(called).at("added").get<std::size_t>();
        loaded_.replaced += std::get<Json>(called).at("replaced").get<std::size_t>();
        routes_.clear();
        lines_.clear();
        return ExitCode::kOk;
    }

    ExitCode refused(const CallError& error) const {
        if (!error.data.is_object() || !error.data.contains("errors")) return report(error);
        for (const Json& item : error.data.at("errors")) {
            const auto index = item.at("index").get<std::size_t>();
            if (index >= lines_.size()) return report(error);
            fmt::print(stderr, "{}:{}: {}\n", choice_.file, lines_[index],
                       item.at("message").get<std::string>());
        }
        return say_what_is_in(error.exit);
    }

    Session& session_;
    const LoadChoice& choice_;
    std::string routes_;              // elements of the batch's JSON array
    std::vector<std::size_t> lines_;  // of each route of the batch, in the file
    Loaded loaded_;
};

}  // namespace

ExitCode load_routes(Session& session, const LoadChoice& choice) {
    std::string input;
    if (!read_input(choice.file, input)) return ExitCode::kRefused;
    const Clock::time_point started_at = Clock::now();
    Loader loader(session, choice);
    if (const ExitCode exit = loader.run(input); exit != ExitCode::kOk) return exit;
    const Loaded& loaded = loader.loaded();
    const double seconds = std::chrono::duration<double>(Clock::now() - started_at).count();
    if (session.format == Format::kJson) {
        session.output.write(
            Json{{"added", loaded.added}, {"replaced", loaded.replaced}, {"seconds", seconds}}.dump(
                2) +
            '\n');
    } else {
        session.output.write(fmt::format(
            "{} routes into VRF {} in {:.2f} s: {} added, {} replaced\n", grouped(loaded.routes()),
            choice.vrf, seconds, grouped(loaded.added), grouped(loaded.replaced)));
    }
    return ExitCode::kOk;
}

}  // namespace causeway::cli
