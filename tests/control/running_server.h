// SPDX-License-Identifier: Apache-2.0
//
// RunningServer: a control socket over a FakeRouter, in a thread and a directory of its own.
// Caller: a raw client of it, which may misbehave.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "control/api/event_loop.h"
#include "control/api/server.h"
#include "tests/control/fake_router.h"

namespace causeway {

class RunningServer {
  public:
    explicit RunningServer(const ApiLimits& limits = {});
    ~RunningServer();
    RunningServer(const RunningServer&) = delete;
    RunningServer& operator=(const RunningServer&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }
    // After the thread has ended: the router as the callers left it.
    FakeRouter& stop();
    // Before the first caller: what the router shall answer.
    FakeRouter& router() { return router_; }

  private:
    std::string directory_;
    std::string path_;
    FakeRouter router_;
    std::unique_ptr<EventLoop> loop_;
    std::unique_ptr<ApiServer> server_;
    std::thread thread_;
};

class Caller {
  public:
    explicit Caller(const std::string& path);
    explicit Caller(int connected_socket) : socket_(connected_socket) {}
    ~Caller();
    Caller(Caller&& other) noexcept;
    Caller& operator=(Caller&&) = delete;

    // Whether all of it was taken; false once the server has hung up.
    bool send(std::string_view text) const;
    // Without its newline; nothing at the end of the stream, or after ten seconds of silence.
    [[nodiscard]] std::optional<std::string> read_line();
    [[nodiscard]] Json ask(std::string_view line);
    void end_input() const;  // as `nc -N` does
    [[nodiscard]] int socket() const { return socket_; }

  private:
    int socket_;
    std::string received_;
};

}  // namespace causeway
