// SPDX-License-Identifier: Apache-2.0
//
// Client: one connection to causewayd, one call at a time. It blocks; the daemon never waits for
// it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>

namespace causeway::cli {

using Json = nlohmann::ordered_json;

// What the shell gets to see. `causeway --help` and docs/cli.md tell the user.
enum class ExitCode : std::uint8_t {
    kOk = 0,
    kRefused = 1,      // the daemon said no, or the input is wrong
    kUsage = 2,        // the command line makes no sense
    kUnreachable = 3,  // no daemon answers
};

struct CallError {
    ExitCode exit = ExitCode::kRefused;
    std::string message;  // a sentence, with what to do next where we know
    Json data;            // of a JSON-RPC error; null elsewhere
};

// The result of a call, or why there is none.
using Called = std::variant<Json, CallError>;

class Client {
  public:
    explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    // Connects at the first call. After kUnreachable the client is of no more use.
    [[nodiscard]] Called call(std::string_view method, const Json& params);
    // For parameters that are JSON text already, as a batch of a million routes is.
    [[nodiscard]] Called call_text(std::string_view method, std::string_view params);
    // The same, and the answer as it came: for results that are too long to be values.
    [[nodiscard]] std::variant<std::string, CallError> call_line(std::string_view method,
                                                                 std::string_view params);
    // The result, or the error, that an answer holds.
    [[nodiscard]] Called answer_of(std::string_view line) const;

  private:
    [[nodiscard]] CallError unreachable(std::string_view why) const;
    [[nodiscard]] bool connect(CallError& error);
    [[nodiscard]] bool send(std::string_view text);
    [[nodiscard]] bool receive_line(std::string& line);

    std::string socket_path_;
    int socket_ = -1;
    std::uint64_t next_id_ = 1;
    std::string received_;  // behind the last line
};

}  // namespace causeway::cli
