// SPDX-License-Identifier: Apache-2.0
//
// `causeway route save`: the static routes of a VRF, as lines that `causeway route load` reads.
#include <fmt/format.h>

#include "control/cli/routes.h"
#include "control/cli/show.h"
#include "control/route_files/output_file.h"

namespace causeway::cli {
namespace {

// As many as the daemon gives at once.
constexpr unsigned kPageRows = 1'000;

// "10.8.0.0/16 172.16.0.1@2,172.16.0.5\n"
void append_line(const Json& route, std::string& text) {
    text += route.at("prefix").get<std::string>();
    char separator = ' ';
    for (const Json& hop : route.at("via")) {
        text += separator;
        text += hop.at("address").get<std::string>();
        const auto weight = hop.at("weight").get<unsigned>();
        if (weight != 1) text += fmt::format("@{}", weight);
        separator = ',';
    }
    if (route.at("via").empty()) text += ' ' + route.at("action").get<std::string>();
    text += '\n';
}

class Saver {
  public:
    explicit Saver(Session& session) : session_(session) {}

    // To standard output where there is no file. Each page is written before the next is asked for.
    ExitCode run(const std::string& vrf, OutputFile* file) {
        Query query{"route.list", {{"vrf", vrf}, {"source", "static"}, {"limit", kPageRows}}};
        while (true) {
            const Called called = session_.client.call(query.method, query.params);
            if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
            const Json& page = std::get<Json>(called);
            std::string text;
            for (const Json& route : page.at("items")) append_line(route, text);
            routes_ += page.at("items").size();
            if (file == nullptr) {
                session_.output.write(text);
                if (!session_.output.is_read()) return ExitCode::kOk;
            } else if (const Status written = file->write(text); !written) {
                return refuse(written.error().message);
            }
            if (page.at("next").is_null()) return ExitCode::kOk;
            query.params["after"] = page.at("next");
        }
    }
    [[nodiscard]] std::size_t routes() const { return routes_; }

  private:
    Session& session_;
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
            : fmt::format("{} static routes of VRF {} saved to {}\n", grouped(saver.routes()), name,
                          choice.file));
    return ExitCode::kOk;
}

}  // namespace causeway::cli
