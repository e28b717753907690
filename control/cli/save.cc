// SPDX-License-Identifier: Apache-2.0
//
// `causeway route save`: the routes that callers have put into a VRF, as lines that `causeway route
// load` reads.
#include <fmt/format.h>
#include <simdjson.h>

#include "control/cli/routes.h"
#include "control/cli/show.h"
#include "control/route_files/output_file.h"

namespace causeway::cli {
namespace {

// As many as the daemon gives at once.
constexpr unsigned kPageRows = 1'000;

using simdjson::dom::element;

// "10.8.0.0/16 172.16.0.1@2,172.16.0.5\n". False where a member is missing.
bool append_line(element route, std::string& text) {
    std::string_view word;
    if (route["prefix"].get(word)) return false;
    text += word;
    simdjson::dom::array via;
    if (route["via"].get(via)) return false;
    if (via.begin() == via.end()) {
        if (route["action"].get(word)) return false;
        text += ' ';
        text += word;
    }
    char separator = ' ';
    for (const element hop : via) {
        std::uint64_t weight = 0;
        bool is_recursive = false;
        if (hop["address"].get(word) || hop["weight"].get(weight) ||
            hop["recursive"].get(is_recursive)) {
            return false;
        }
        text += separator;
        if (is_recursive) text += "recursive:";
        text += word;
        if (weight != 1) text += fmt::format("@{}", weight);
        separator = ',';
    }
    text += '\n';
    return true;
}

// A page of routes as lines.
struct Lines {
    std::string text;
    std::size_t count = 0;
    std::string next;  // cursor; empty: this was the last
};

class Saver {
  public:
    explicit Saver(Session& session) : session_(session) {}

    // To standard output where there is no file. Each page is written before the next is asked for.
    ExitCode run(const std::string& vrf, OutputFile* file) {
        Json params{{"vrf", vrf}, {"source", "api"}, {"limit", kPageRows}};
        while (true) {
            const auto answer = session_.client.call_line("route.list", params.dump());
            if (const CallError* error = std::get_if<CallError>(&answer)) return report(*error);
            Lines lines;
            if (!read(std::get<std::string>(answer), lines))
                return complain(std::get<std::string>(answer));
            routes_ += lines.count;
            if (file == nullptr) {
                session_.output.write(lines.text);
                if (!session_.output.is_read()) return ExitCode::kOk;
            } else if (const Status written = file->write(lines.text); !written) {
                return refuse(written.error().message);
            }
            if (lines.next.empty()) return ExitCode::kOk;
            params["after"] = lines.next;
        }
    }
    [[nodiscard]] std::size_t routes() const { return routes_; }

  private:
    [[nodiscard]] bool read(const std::string& answer, Lines& lines) {
        element result;
        simdjson::dom::array items;
        if (parser_.parse(answer)["result"].get(result) || result["items"].get(items)) return false;
        for (const element route : items) {
            if (!append_line(route, lines.text)) return false;
            ++lines.count;
        }
        std::string_view next;
        if (!result["next"].get(next)) lines.next = next;
        return true;
    }
    // An answer without a page: an error, or not what this version expects.
    [[nodiscard]] ExitCode complain(const std::string& answer) const {
        const Called called = session_.client.answer_of(answer);
        if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
        return refuse(
            "the daemon's answer is no page of routes; are causeway and causewayd the "
            "same version?");
    }

    Session& session_;
    simdjson::dom::parser parser_;
    std::size_t routes_ = 0;
};

}  // namespace

ExitCode save_routes(Session& session, const SaveChoice& choice) {
    const Called vrf = vrf_or_only(session, choice.vrf, "routes of which VRF?");
    if (const CallError* error = std::get_if<CallError>(&vrf)) return report(*error);
    const std::string name = std::get<Json>(vrf);
    Saver saver(session);
    if (choice.file == "-") return saver.run(name, nullptr);

    const auto file = OutputFile::create(choice.file);
    if (!file) return refuse(fmt::format("{} {}", choice.file, file.error().message));
    if (const ExitCode exit = saver.run(name, file->get()); exit != ExitCode::kOk) return exit;
    if (const Status committed = (*file)->commit(); !committed)
        return refuse(fmt::format("{} {}", choice.file, committed.error().message));
    session.output.write(
        session.format == Format::kJson
            ? Json{{"vrf", name}, {"file", choice.file}, {"routes", saver.routes()}}.dump(2) + '\n'
            : fmt::format("{} routes of VRF {} saved to {}\n", grouped(saver.routes()), name,
                          choice.file));
    return ExitCode::kOk;
}

}  // namespace causeway::cli
