// SPDX-License-Identifier: Apache-2.0
//
// Session: what every command of `causeway` gets: the daemon, the way out, and the form in which
// answers are printed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "control/cli/client.h"
#include "control/cli/output.h"
#include "control/cli/table.h"

namespace causeway::cli {

enum class Format : std::uint8_t { kTable, kJson };

struct Session {
    Client& client;
    Output& output;
    Format format = Format::kTable;
};

enum class Paging : std::uint8_t { kPaged, kWhole };

struct Query {
    std::string_view method;
    Json params = Json::object();
    Paging paging = Paging::kPaged;  // of lists: whether the method takes `after` and `limit`
};

// Calls; with --json prints the result as it is, else what `render` makes of it.
[[nodiscard]] ExitCode show_one(Session& session, const Query& query,
                                const std::function<std::string(const Json& result)>& render);

// Fetches a list page by page and prints each as it comes: a table, or one JSON array. `add_rows`
// turns an item into rows.
[[nodiscard]] ExitCode show_list(
    Session& session, Query query, Table table,
    const std::function<void(const Json& item, Table& table)>& add_rows);

// Prints what a call was refused for, to standard error.
[[nodiscard]] ExitCode report(const CallError& error);
// The same for errors of the user's own input.
[[nodiscard]] ExitCode refuse(std::string_view message);

// The text of a file, or of standard input for "-"; or nothing, after telling the user why.
[[nodiscard]] bool read_input(const std::string& path, std::string& text);

// Cells: null becomes "-", a number is grouped.
[[nodiscard]] std::string cell(const Json& object, const char* member);

}  // namespace causeway::cli
