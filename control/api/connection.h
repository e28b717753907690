// SPDX-License-Identifier: Apache-2.0
//
// ApiConnection: one caller on the control socket: its bytes in, its calls, its bytes out. It never
// blocks and decides nothing about others; ApiServer says when it may read and when it may work.
//
// Invariants
//   (1) A caller that does not read its answers is not read from either: while more than
//       kOutputPauseBytes wait, nothing is executed, and while something waits to be executed,
//       nothing is read. So what a caller can make us hold is bounded by its own reading.
//   (2) work() executes one call at most.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/api/json_rpc.h"

namespace causeway {

class ApiConnection {
  public:
    using Clock = std::chrono::steady_clock;
    static constexpr std::size_t kOutputPauseBytes = std::size_t{256} << 10;

    // Takes the socket and closes it. `message_bytes_max` is without the newline.
    ApiConnection(int socket, Role role, std::size_t message_bytes_max);
    ~ApiConnection();
    ApiConnection(const ApiConnection&) = delete;
    ApiConnection& operator=(const ApiConnection&) = delete;

    // Reads once, through `scratch`.
    void receive(std::span<char> scratch);
    // Writes as much as the socket takes.
    void flush();
    // Executes the next call. REQUIRES: has_work().
    void work(JsonRpc& rpc);
    // A last word to the caller; nothing of it is read or executed from now on.
    void refuse(const RpcError& error);

    // The caller is given up without a word.
    void abandon() noexcept { is_broken_ = true; }

    [[nodiscard]] bool has_work() const noexcept;
    [[nodiscard]] bool wants_input() const noexcept;
    [[nodiscard]] bool has_output() const noexcept { return output_bytes() != 0; }
    // Nothing more will come of it.
    [[nodiscard]] bool is_finished() const noexcept;
    // Holds half a message, or an unread answer, and nothing has moved since `then`.
    [[nodiscard]] bool is_stalled_since(Clock::time_point then) const noexcept;

    [[nodiscard]] std::size_t input_bytes() const noexcept { return input_.size(); }
    [[nodiscard]] std::size_t output_bytes() const noexcept { return output_.size() - sent_; }
    [[nodiscard]] Role role() const noexcept { return role_; }

  private:
    enum class Input : std::uint8_t {
        kLines,
        kDiscarding,  // of a message that is too long, up to its end
        kEnded,
    };

    void find_line();
    void discard();
    void drop_line();
    void too_large();
    void work_on_batch(JsonRpc& rpc);
    void answer(std::string_view text);

    int socket_;
    Role role_;
    std::size_t message_bytes_max_;
    Input input_state_ = Input::kLines;
    bool is_broken_ = false;  // the peer is gone: what is left is for nobody
    Clock::time_point last_moved_ = Clock::now();

    // Read and not executed: [taken_, size). No newline in [taken_, scanned_).
    std::string input_;
    std::size_t taken_ = 0;
    std::size_t scanned_ = 0;
    std::optional<std::size_t> newline_;

    std::vector<std::string> batch_;  // calls of a batch, from batch_next_ on still to be executed
    std::size_t batch_next_ = 0;
    char batch_separator_ = '[';  // before the next answer of the batch

    std::string output_;  // from sent_ on still to be sent
    std::size_t sent_ = 0;
};

}  // namespace causeway
