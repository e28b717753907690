// SPDX-License-Identifier: Apache-2.0
#include "control/api/connection.h"

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "base/check.h"
#include "control/api/unix_socket.h"

namespace causeway {
namespace {

// A buffer that once held a large message is given back; a smaller one is kept.
constexpr std::size_t kKeptBytes = std::size_t{64} << 10;

void clear(std::string& buffer) {
    if (buffer.capacity() > kKeptBytes) {
        std::string().swap(buffer);
    } else {
        buffer.clear();
    }
}

}  // namespace

ApiConnection::ApiConnection(int socket, Role role, std::size_t message_bytes_max)
    : socket_(socket), role_(role), message_bytes_max_(message_bytes_max) {}

ApiConnection::~ApiConnection() {
    ::close(socket_);
}

bool ApiConnection::has_work() const noexcept {
    if (is_broken_ || output_bytes() > kOutputPauseBytes) return false;
    return newline_.has_value() || batch_next_ < batch_.size();
}

bool ApiConnection::wants_input() const noexcept {
    return input_state_ != Input::kEnded && !newline_ && batch_.empty() &&
           output_bytes() <= kOutputPauseBytes;
}

bool ApiConnection::is_finished() const noexcept {
    if (is_broken_) return true;
    return input_state_ == Input::kEnded && !newline_ && batch_.empty() && !has_output();
}

bool ApiConnection::is_stalled_since(Clock::time_point then) const noexcept {
    const bool is_midway = has_output() || taken_ < input_.size() ||  //
                           input_state_ == Input::kDiscarding;
    return is_midway && !has_work() && last_moved_ < then;
}

void ApiConnection::receive(std::span<char> scratch) {
    const ssize_t count = ::recv(socket_, scratch.data(), scratch.size(), 0);
    if (count < 0) {
        if (!would_block()) is_broken_ = true;
        return;
    }
    if (count == 0) {  // half a message may be left; it is not executed
        input_state_ = Input::kEnded;
        return;
    }
    last_moved_ = Clock::now();
    input_.append(scratch.data(), static_cast<std::size_t>(count));
    if (input_state_ == Input::kDiscarding) discard();
    if (input_state_ == Input::kLines) find_line();
}

// Leaves newline_ at the end of the first line that is short enough, if there is one.
void ApiConnection::find_line() {
    while (true) {
        const std::size_t newline = input_.find('\n', scanned_);
        const bool is_whole = newline != std::string::npos;
        scanned_ = is_whole ? newline : input_.size();
        if (scanned_ - taken_ <= message_bytes_max_) {
            if (is_whole) newline_ = newline;
            return;
        }
        too_large();
        if (!is_whole) {
            input_state_ = Input::kDiscarding;
            discard();
            return;
        }
        drop_line();
    }
}

void ApiConnection::too_large() {
    answer(answer_text(rpc_error(RpcCode::kTooLarge, "a message of yours may have at most " +
                                                         std::to_string(message_bytes_max_) +
                                                         " bytes; part it into several")));
}

// Forgets the message that ends at scanned_.
void ApiConnection::drop_line() {
    newline_.reset();
    taken_ = scanned_ + 1;
    if (taken_ == input_.size()) {
        clear(input_);
        taken_ = 0;
    } else if (taken_ > kKeptBytes) {  // not at every line, for the rest is moved
        input_.erase(0, taken_);
        taken_ = 0;
    }
    scanned_ = taken_;
}

void ApiConnection::discard() {
    const std::size_t newline = input_.find('\n', scanned_);
    if (newline == std::string::npos) {
        clear(input_);
        taken_ = scanned_ = 0;
        return;
    }
    scanned_ = newline;
    drop_line();
    input_state_ = Input::kLines;
}

void ApiConnection::work(JsonRpc& rpc) {
    DCHECK(has_work());
    last_moved_ = Clock::now();
    if (!batch_.empty()) return work_on_batch(rpc);
    input_.reserve(*newline_ + JsonRpc::kPaddingBytes);
    const std::string_view line = std::string_view(input_).substr(taken_, *newline_ - taken_);
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) {
        JsonRpc::Handled handled = rpc.handle(line, role_);
        if (!handled.answer.empty()) answer(handled.answer);
        batch_ = std::move(handled.batch);
        batch_next_ = 0;
        batch_separator_ = '[';
    }
    drop_line();
    find_line();
}

// The answers of a batch are one message, written piece by piece. All of them notifications: none
// (JSON-RPC 2.0 section 6).
void ApiConnection::work_on_batch(JsonRpc& rpc) {
    const std::string text = rpc.handle_call(batch_[batch_next_], role_);
    ++batch_next_;
    if (!text.empty()) {
        output_ += batch_separator_;
        output_ += text;
        batch_separator_ = ',';
    }
    if (batch_next_ < batch_.size()) return;
    if (batch_separator_ == ',') output_ += "]\n";
    batch_.clear();
    batch_next_ = 0;
}

void ApiConnection::answer(std::string_view text) {
    output_ += text;
    output_ += '\n';
}

void ApiConnection::refuse(const RpcError& error) {
    input_state_ = Input::kEnded;
    newline_.reset();
    batch_.clear();
    batch_next_ = 0;
    clear(input_);
    taken_ = scanned_ = 0;
    answer(answer_text(error));
}

void ApiConnection::flush() {
    while (sent_ < output_.size()) {
        const ssize_t count =
            ::send(socket_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0) {
            if (!would_block()) is_broken_ = true;
            // Else a caller that always leaves a little unread would let it grow for ever.
            if (sent_ > output_.size() / 2) {
                output_.erase(0, sent_);
                sent_ = 0;
            }
            return;
        }
        sent_ += static_cast<std::size_t>(count);
        last_moved_ = Clock::now();
    }
    clear(output_);
    sent_ = 0;
}

}  // namespace causeway
