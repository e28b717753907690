// SPDX-License-Identifier: Apache-2.0
//
// `causeway route load` and `causeway route sync`: a file of routes, in batches.
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "control/cli/own_ways.h"
#include "control/cli/routes.h"
#include "control/route_files/input_file.h"

namespace causeway::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kProgressPeriod{200};

struct Loaded {
    std::size_t added = 0;
    std::size_t replaced = 0;
    std::size_t removed = 0;       // by a sync
    std::size_t skipped_ipv4 = 0;  // no --via is of its family
    std::size_t skipped_ipv6 = 0;
    [[nodiscard]] std::size_t routes() const { return added + replaced; }
};

// On standard error, in place, for a person who waits.
class Progress {
  public:
    Progress() = default;
    ~Progress() {
        if (is_shown_) std::fputs("\r\x1b[K", stderr);
    }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void show(const InputFile& input, std::size_t routes) {
        const Clock::time_point now = Clock::now();
        if (::isatty(STDERR_FILENO) == 0 || now - shown_at_ < kProgressPeriod) return;
        shown_at_ = now;
        is_shown_ = true;
        const double seconds = std::chrono::duration<double>(now - started_at_).count();
        const auto rate = static_cast<std::uint64_t>(static_cast<double>(routes) / seconds);
        const std::string percent =
            input.bytes_total() == 0
                ? ""
                : fmt::format("{:3}%  ", 100 * input.bytes_read() / input.bytes_total());
        fmt::print(stderr, "\r{}{} routes, {}/s ", percent, grouped(routes), grouped(rate));
        std::fflush(stderr);
    }

  private:
    Clock::time_point started_at_ = Clock::now();
    Clock::time_point shown_at_{};
    bool is_shown_ = false;
};

std::optional<PeerChoice> peer_choice(std::string_view word) {
    if (word.empty()) return PeerChoice{};
    if (const auto address = parse_ip_address(word)) return PeerChoice{*address};
    std::uint16_t index = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), index);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return PeerChoice{index};
}

class Loader {
  public:
    Loader(Session& session, const LoadChoice& choice, OwnWays ways)
        : session_(session), choice_(choice), ways_(std::move(ways)) {}

    // Of a sync: what was there goes unless the file has it too.
    ExitCode run(const InputFile& input, RouteReader& reader) {
        if (choice_.others == Others::kStay) return send_all(input, reader);
        const Called begun = session_.client.call("route.sync-begin", Json{{"vrf", choice_.vrf}});
        if (const CallError* error = std::get_if<CallError>(&begun)) return report(*error);
        const ExitCode exit = send_all(input, reader);
        if (exit != ExitCode::kOk) return exit;
        return remove_others(std::get<Json>(begun).at("sync"));
    }
    [[nodiscard]] const Loaded& loaded() const { return loaded_; }

  private:
    ExitCode send_all(const InputFile& input, RouteReader& reader) {
        Progress progress;
        while (true) {
            const Result<std::optional<FileRoute>> route = reader.next();
            if (!route) return fail(route.error().field, route.error().message);
            if (!route->has_value()) break;
            if (const Status added = add(**route); !added)
                return fail(reader.place((*route)->place), added.error().message);
            if (places_.size() < choice_.batch_routes) continue;
            if (const ExitCode exit = send(reader); exit != ExitCode::kOk) return exit;
            progress.show(input, loaded_.routes());
        }
        return places_.empty() ? ExitCode::kOk : send(reader);
    }

    ExitCode remove_others(const Json& sync) {
        Json params{{"vrf", choice_.vrf}, {"sync", sync}};
        while (true) {
            const Called called = session_.client.call("route.sync-end", params);
            if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
            const Json& part = std::get<Json>(called);
            loaded_.removed += part.at("removed").get<std::size_t>();
            if (part.at("next").is_null()) return ExitCode::kOk;
            params["after"] = part.at("next");
        }
    }

    // Appends {"op":"replace","prefix":...} to the batch.
    Status add(const FileRoute& route) {
        if (!ways_.lead_to(route.prefix)) {
            const bool is_ipv4 = std::holds_alternative<Ipv4Prefix>(route.prefix);
            ++(is_ipv4 ? loaded_.skipped_ipv4 : loaded_.skipped_ipv6);
            return ok();
        }
        const Result<std::string_view> way = ways_.of(route.prefix, route.way);
        if (!way) return Unexpected(way.error());
        if (!routes_.empty()) routes_ += ',';
        routes_ += R"({"op":"replace","prefix":")";
        routes_ += to_string(route.prefix);
        routes_ += R"(",)";
        routes_ += *way;
        routes_ += '}';
        places_.push_back(route.place);
        return ok();
    }

    ExitCode fail(std::string_view place, std::string_view complaint) const {
        fmt::print(stderr, "{}:{}: {}\n", choice_.file, place, complaint);
        return say_what_is_in(ExitCode::kRefused);
    }

    ExitCode say_what_is_in(ExitCode exit) const {
        fmt::print(stderr,
                   "causeway: {} routes were loaded before that and stay; the batch with the error "
                   "was not. Loading the corrected file again is safe.\n",
                   grouped(loaded_.routes()));
        if (choice_.others == Others::kGo)
            fmt::print(stderr, "Routes that the file does not have are still there, as stale.\n");
        return exit;
    }

    ExitCode send(const RouteReader& reader) {
        const std::string params =
            fmt::format(R"({{"vrf":{},"routes":[{}]}})", Json(choice_.vrf).dump(), routes_);
        const Called called = session_.client.call_text("route.batch", params);
        if (const CallError* error = std::get_if<CallError>(&called))
            return refused(reader, *error);
        loaded_.added += std::get<Json>(called).at("added").get<std::size_t>();
        loaded_.replaced += std::get<Json>(called).at("replaced").get<std::size_t>();
        routes_.clear();
        places_.clear();
        return ExitCode::kOk;
    }

    ExitCode refused(const RouteReader& reader, const CallError& error) const {
        if (!error.data.is_object() || !error.data.contains("errors")) return report(error);
        for (const Json& item : error.data.at("errors")) {
            const auto index = item.at("index").get<std::size_t>();
            if (index >= places_.size()) return report(error);
            fmt::print(stderr, "{}:{}: {}\n", choice_.file, reader.place(places_[index]),
                       item.at("message").get<std::string>());
        }
        return say_what_is_in(error.exit);
    }

    Session& session_;
    const LoadChoice& choice_;
    OwnWays ways_;
    std::string routes_;                 // elements of the batch's JSON array
    std::vector<std::uint64_t> places_;  // of each route of the batch, in the file
    Loaded loaded_;
};

std::string summary(const Loaded& loaded, std::uint64_t passed_over, const std::string& vrf,
                    double seconds) {
    std::string text = fmt::format("{} routes into VRF {} in {:.2f} s: {} added, {} replaced\n",
                                   grouped(loaded.routes()), vrf, seconds, grouped(loaded.added),
                                   grouped(loaded.replaced));
    if (loaded.removed != 0)
        text += fmt::format("{} routes removed, which the file does not have\n",
                            grouped(loaded.removed));
    for (const auto& [family, skipped] :
         {std::pair("IPv4", loaded.skipped_ipv4), std::pair("IPv6", loaded.skipped_ipv6)}) {
        if (skipped == 0) continue;
        text += fmt::format("{} {} routes skipped: no --via is of {}\n", grouped(skipped), family,
                            family);
    }
    if (passed_over != 0)
        text += fmt::format("{} records passed over: no unicast routes, or none of that peer\n",
                            grouped(passed_over));
    return text;
}

ExitCode load(Session& session, const LoadChoice& choice, const InputFile& input,
              RouteReader& reader, OwnWays ways) {
    const Clock::time_point started_at = Clock::now();
    Loader loader(session, choice, std::move(ways));
    if (const ExitCode exit = loader.run(input, reader); exit != ExitCode::kOk) return exit;
    const Loaded& loaded = loader.loaded();
    const double seconds = std::chrono::duration<double>(Clock::now() - started_at).count();
    const Json json{{"added", loaded.added},
                    {"replaced", loaded.replaced},
                    {"removed", loaded.removed},
                    {"skipped-ipv4", loaded.skipped_ipv4},
                    {"skipped-ipv6", loaded.skipped_ipv6},
                    {"passed-over", reader.passed_over()},
                    {"seconds", seconds}};
    session.output.write(session.format == Format::kJson
                             ? json.dump(2) + '\n'
                             : summary(loaded, reader.passed_over(), choice.vrf, seconds));
    return ExitCode::kOk;
}

}  // namespace

ExitCode load_routes(Session& session, const LoadChoice& choice) {
    Result<OwnWays> ways = OwnWays::of(choice.via);
    if (!ways) return refuse("--via: " + ways.error().message);
    const std::optional<PeerChoice> peer = peer_choice(choice.peer);
    if (!peer) return refuse("--peer is a peer's index in the dump, or its address");
    std::error_code ignored;  // what cannot be asked about cannot be opened either
    if (std::filesystem::is_directory(choice.file, ignored))
        return refuse(choice.file + " is a directory");
    const auto input = InputFile::open(choice.file);
    if (!input) return refuse(fmt::format("{} {}", choice.file, input.error().message));
    const auto reader = read_routes(**input, *peer);
    if (!reader) return refuse(fmt::format("{} {}", choice.file, reader.error().message));
    return load(session, choice, **input, **reader, std::move(*ways));
}

}  // namespace causeway::cli
