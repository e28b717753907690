// SPDX-License-Identifier: Apache-2.0
//
// ApiServer: the control socket. Accepts callers, gives each its role, lets them work in turns.
//
// Thread safety: the control thread's, inside its EventLoop.
//
// What keeps callers from hurting the router and each other: one turn executes calls for about
// kWorkTimeMax, one call a caller in rotation; connections, message lengths, unfinished input and
// unread output are bounded (ApiLimits); whoever is midway and does not move is cut off.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "control/api/connection.h"
#include "control/api/event_loop.h"
#include "control/api/json_rpc.h"
#include "control/api/listen_socket.h"
#include "control/api/peer_role.h"
#include "control/api/router_api.h"

namespace causeway {

struct ApiLimits {
    std::size_t connections_max = kApiConnectionsMax;
    std::size_t admin_reserve = kApiAdminReserve;
    std::size_t admin_message_bytes_max = kApiAdminMessageBytesMax;
    std::size_t reader_message_bytes_max = kApiReaderMessageBytesMax;
    std::size_t input_bytes_max = kApiInputBytesMax;
    std::size_t output_bytes_max = kApiOutputBytesMax;
    std::chrono::milliseconds stall_max{30'000};
};

class ApiServer {
  public:
    struct Options {
        std::string path;
        AdminPolicy policy;
        ApiLimits limits;
    };
    static constexpr std::chrono::microseconds kWorkTimeMax{1'000};
    static constexpr int kCallsPerTurnMax = 64;

    // Loop and router must outlive the server.
    [[nodiscard]] static Result<std::unique_ptr<ApiServer>> start(EventLoop& loop,
                                                                  RouterApi& router,
                                                                  Options options);
    ~ApiServer();
    ApiServer(const ApiServer&) = delete;
    ApiServer& operator=(const ApiServer&) = delete;

    [[nodiscard]] std::size_t connections() const noexcept { return callers_.size(); }

  private:
    struct Caller {
        std::unique_ptr<ApiConnection> connection;
        EventLoop::Events events = 0;  // that the loop waits for
        bool is_queued = false;        // in ready_
    };

    ApiServer(EventLoop& loop, RouterApi& router, Options options, ListenSocket socket);
    void accept_callers();
    void pause_accepting();
    void admit(int descriptor);
    [[nodiscard]] bool has_room_for(Role role) const;
    [[nodiscard]] bool has_vanished_callers() const;
    void on_events(int descriptor, EventLoop::Events events);
    void work();
    void settle(int descriptor);
    void bound_input(ApiConnection& connection);
    void bound_output();
    void cut_stalled();
    void close(int descriptor);

    EventLoop& loop_;
    JsonRpc rpc_;
    Options options_;
    ListenSocket socket_;
    std::unordered_map<int, Caller> callers_;  // by descriptor
    std::deque<int> ready_;                    // with work to do, in rotation
    std::vector<char> scratch_;                // where every read lands first
    EventLoop::TimerId work_timer_ = 0;        // 0: none
    EventLoop::TimerId stall_timer_ = 0;
    EventLoop::TimerId accept_timer_ = 0;
};

}  // namespace causeway
