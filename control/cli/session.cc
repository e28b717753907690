// SPDX-License-Identifier: Apache-2.0
#include "control/cli/session.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

namespace causeway::cli {
namespace {

// As many as the daemon gives at once.
constexpr unsigned kPageRows = 1'000;

std::string json_line(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

ExitCode show_one(Session& session, const Query& query,
                  const std::function<std::string(const Json&)>& render) {
    const Called called = session.client.call(query.method, query.params);
    if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
    const Json& result = std::get<Json>(called);
    session.output.page();
    session.output.write(session.format == Format::kJson ? result.dump(2) + '\n' : render(result));
    return ExitCode::kOk;
}

ExitCode show_list(Session& session, Query query, Table table,
                   const std::function<void(const Json&, Table&)>& add_rows) {
    if (query.paging == Paging::kPaged) query.params["limit"] = kPageRows;
    std::string_view separator = "[\n";
    while (true) {
        const Called called = session.client.call(query.method, query.params);
        if (const CallError* error = std::get_if<CallError>(&called)) return report(*error);
        const Json& page = std::get<Json>(called);
        session.output.page();
        std::string text;
        for (const Json& item : page.at("items")) {
            if (session.format == Format::kJson) {
                text += separator;
                text += json_line(item);
                separator = ",\n";
            } else {
                add_rows(item, table);
            }
        }
        if (session.format == Format::kTable) text = table.take();
        session.output.write(text);
        if (page.at("next").is_null() || !session.output.is_read()) break;
        query.params["after"] = page.at("next");
    }
    if (session.format == Format::kJson)
        session.output.write(separator == ",\n" ? "\n]\n" : "[]\n");
    return ExitCode::kOk;
}

ExitCode report(const CallError& error) {
    std::string text = "causeway: " + error.message + '\n';
    if (error.data.is_object()) {
        const std::string field = error.data.value("field", "");
        if (!field.empty() && error.message.find(field) == std::string::npos)
            text = fmt::format("causeway: {}: {}\n", field, error.message);
        for (const Json& other : error.data.value("errors", Json::array())) {
            text += fmt::format("  {}: {}\n", other.value("field", ""), other.value("message", ""));
        }
    }
    std::fputs(text.c_str(), stderr);
    return error.exit;
}

ExitCode refuse(std::string_view message) {
    fmt::print(stderr, "causeway: {}\n", message);
    return ExitCode::kRefused;
}

bool read_input(const std::string& path, std::string& text) {
    std::error_code ignored;  // what cannot be asked about cannot be opened either
    if (std::filesystem::is_directory(path, ignored)) {
        fmt::print(stderr, "causeway: {} is a directory\n", path);
        return false;
    }
    std::ifstream file;
    if (path != "-") file.open(path, std::ios::binary);
    std::istream& input = path == "-" ? std::cin : file;
    text.assign(std::istreambuf_iterator<char>(input), {});
    if (path == "-" || (file.is_open() && !file.bad())) return true;
    fmt::print(stderr, "causeway: cannot read {}: {}\n", path, std::strerror(errno));
    return false;
}

std::string cell(const Json& object, const char* member) {
    const Json& value = object.at(member);
    if (value.is_null()) return "-";
    if (value.is_number_unsigned()) return grouped(value.get<std::uint64_t>());
    if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
    if (value.is_string()) return value.get<std::string>();
    return value.dump();
}

}  // namespace causeway::cli
