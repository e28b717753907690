// SPDX-License-Identifier: Apache-2.0
//
// FpmListener over real sockets: Unix ones, which are streams like any other, and TCP in a network
// namespace of the test's own.
#include "control/fpm/fpm_listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "base/text.h"
#include "tests/support/fpm_frames.h"
#include "tests/support/route_feed_bed.h"
#include "tests/support/sanitized.h"

namespace causeway::test {
namespace {

using namespace std::chrono_literals;

FpmMessage route(std::uint32_t number) {
    return FpmSetRoute{.key = {.table = 10, .prefix = Ipv4Prefix::of(Ipv4Address(number << 8), 24)},
                       .protocol = 186,
                       .via = FpmWay{.hops = {{.gateway = Ipv4Address(1)}}}};
}

class FpmListenerTest : public testing::Test {
  protected:
    // An autobound address of the abstract namespace: unix(7).
    void SetUp() override {
        const int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_un any{.sun_family = AF_UNIX, .sun_path = {}};
        ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&any), sizeof any.sun_family), 0);
        ASSERT_EQ(::listen(socket, 8), 0);
        size_ = sizeof address_;
        ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address_), &size_), 0);
        feed_.map_table(10, VrfId(1));
        socket_ = socket;
        listen(FpmNewcomers::kPatience);
    }
    void TearDown() override {
        for (const int peer : peers_) ::close(peer);
        ::close(socket_);
    }
    void listen(std::chrono::milliseconds patience) {
        listener_.reset();
        const int socket = ::fcntl(socket_, F_DUPFD_CLOEXEC, 0);
        listener_ = std::move(
            FpmListener::create("zebra", *loop_, socket, feed_, counters_, patience).value());
    }
    int connect() {
        peers_.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        EXPECT_EQ(::connect(peers_.back(), reinterpret_cast<sockaddr*>(&address_), size_), 0);
        return peers_.back();
    }
    static void send(int peer, const WireBytes& bytes) {
        ASSERT_EQ(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    static bool is_closed(int peer) {
        char byte = 0;
        return ::recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
    }
    std::uint64_t read(FpmEvent event) { return counters_.read(event); }
    bool has(std::uint32_t number) {
        return applier_.routes().contains({VrfId(1), Ipv4Prefix::of(Ipv4Address(number << 8), 24)});
    }
    void run_until(const std::function<bool()>& is_so) {
        const auto end = EventLoop::Clock::now() + 20s;
        while (!is_so() && EventLoop::Clock::now() < end) {
            loop_->run_once(1ms);
            listener_->turn(EventLoop::Clock::now() + 1ms);
        }
        EXPECT_TRUE(is_so());
    }
    std::size_t routes() { return applier_.routes().size(); }

    std::unique_ptr<EventLoop> loop_ = std::move(EventLoop::create().value());
    RecordingApplier applier_;
    FpmCounters counters_;
    RouteFeed feed_{applier_, counters_, {.quiet_ns = 1, .sweep_after_ns = 1}};
    std::unique_ptr<FpmListener> listener_;
    int socket_ = -1;
    sockaddr_un address_{};
    socklen_t size_ = 0;
    std::vector<int> peers_;
};

#ifndef CAUSEWAY_IS_SANITIZED  // UBSan opens a pipe to look whether an object can be read

// Who waits for a descriptor does not keep the loop busy, and gets one when there is one again.
TEST_F(FpmListenerTest, without_descriptors_it_waits) {
    (void)connect();
    rlimit usual{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &usual), 0);
    const int next = ::dup(0);
    ::close(next);
    rlimit none = usual;
    none.rlim_cur = static_cast<rlim_t>(next);
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    loop_->run_once(1ms);
    const auto begin = EventLoop::Clock::now();
    loop_->run_once(100ms);
    EXPECT_GE(EventLoop::Clock::now() - begin, 50ms);
    EXPECT_FALSE(listener_->is_connected());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &usual), 0);
    run_until([this] { return listener_->is_connected(); });
}

#endif

TEST_F(FpmListenerTest, brings_routes_from_bytes_to_the_applier) {
    const int peer = connect();
    const WireBytes bytes = frame(route(1));
    send(peer, {bytes.begin(), bytes.begin() + 9});
    run_until([&] { return listener_->is_connected(); });
    send(peer, {bytes.begin() + 9, bytes.end()});
    run_until([&] { return routes() == 1; });
}

TEST_F(FpmListenerTest, works_through_what_came_before_the_end_and_keeps_it) {
    const int peer = connect();
    WireBytes bytes;  // less than a socket's buffer holds
    for (std::uint32_t i = 0; i < 500; ++i) {
        const WireBytes one = frame(route(i));
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    bytes.insert(bytes.end(), {1, 1, 0, 99});  // and half a frame
    send(peer, bytes);
    ::shutdown(peer, SHUT_WR);
    run_until([&] { return counters_.read(FpmEvent::kDisconnected) == 1; });
    run_until([&] { return routes() == 500; });
}

// As where zebra's host has died, and nobody has said so.
TEST_F(FpmListenerTest, a_newer_connection_takes_the_place_of_the_one_before) {
    const int first = connect();
    send(first, frame(route(1)));
    run_until([&] { return routes() == 1; });
    const int second = connect();
    const WireBytes bytes = frame(route(2));
    send(second, {bytes.begin(), bytes.end() - 1});
    loop_->run_once(20ms);
    send(first, frame(route(3)));  // heard as long as the newer one is not
    run_until([&] { return routes() == 2; });
    EXPECT_EQ(read(FpmEvent::kSuperseded), 0U);
    send(second, {bytes.end() - 1, bytes.end()});
    run_until([&] { return has(2); });
    EXPECT_EQ(read(FpmEvent::kSuperseded), 1U);
    EXPECT_TRUE(is_closed(first));
    run_until([&] { return feed_.is_settled(); });
    EXPECT_EQ(routes(), 1U);  // the first one's were not repeated
    send(second, frame(route(4)));
    run_until([&] { return has(4); });
}

TEST_F(FpmListenerTest, noise_closes_the_connection_and_nothing_else) {
    const int bad = connect();
    send(bad, {'G', 'E', 'T', ' ', '/', '\n'});
    run_until([&] { return read(FpmEvent::kDisconnected) == 1; });
    EXPECT_EQ(read(FpmEvent::kBadVersion), 1U);
    EXPECT_FALSE(listener_->is_connected());
    const int good = connect();
    send(good, frame(route(1)));
    run_until([&] { return routes() == 1; });
}

TEST_F(FpmListenerTest, noise_beside_a_connection_leaves_it_alone) {
    const int good = connect();
    send(good, frame(route(1)));
    run_until([&] { return routes() == 1; });
    const int bad = connect();
    send(bad, {'G', 'E', 'T', ' ', '/', '\n'});
    run_until([&] { return read(FpmEvent::kBadVersion) == 1; });
    EXPECT_TRUE(is_closed(bad));
    send(good, frame(route(2)));
    run_until([&] { return routes() == 2; });
    EXPECT_EQ(read(FpmEvent::kConnected), 1U);
    EXPECT_EQ(read(FpmEvent::kDisconnected), 0U);
}

TEST_F(FpmListenerTest, who_says_nothing_displaces_nobody_and_is_closed_in_the_end) {
    listen(50ms);
    const int zebra = connect();
    send(zebra, frame(route(1)));
    run_until([&] { return routes() == 1; });
    const int silent = connect();
    const int gone = connect();
    ::shutdown(gone, SHUT_WR);
    run_until([&] { return read(FpmEvent::kSilentNewcomer) == 2; });
    EXPECT_TRUE(is_closed(silent));
    EXPECT_TRUE(is_closed(gone));
    EXPECT_TRUE(listener_->is_connected());
    EXPECT_FALSE(is_closed(zebra));
    EXPECT_EQ(read(FpmEvent::kSuperseded), 0U);
}

TEST_F(FpmListenerTest, of_many_who_wait_the_oldest_goes) {
    (void)connect();
    run_until([&] { return listener_->is_connected(); });
    for (std::size_t i = 0; i < FpmNewcomers::kWaitingMax + 2; ++i) (void)connect();
    run_until([&] { return read(FpmEvent::kCrowdedNewcomer) == 2; });
    EXPECT_FALSE(is_closed(peers_[0]));
    EXPECT_TRUE(is_closed(peers_[1]));
    EXPECT_TRUE(is_closed(peers_[2]));
    EXPECT_FALSE(is_closed(peers_[3]));
    send(peers_[3], frame(route(1)));
    run_until([&] { return routes() == 1; });
    EXPECT_TRUE(is_closed(peers_[0]));
}

// Those who wait are closed with the listener, and what they would have said is heard by nobody.
TEST_F(FpmListenerTest, who_waits_goes_with_the_listener) {
    (void)connect();
    run_until([&] { return listener_->is_connected(); });
    const int waits = connect();
    loop_->run_once(20ms);
    listener_.reset();
    EXPECT_TRUE(is_closed(waits));
    loop_->run_once(1ms);
}

TEST_F(FpmListenerTest, resync_makes_the_peer_come_again) {
    const int peer = connect();
    run_until([&] { return listener_->is_connected(); });
    listener_->resync();
    char byte = 0;
    EXPECT_EQ(::recv(peer, &byte, 1, 0), 0);
    connect();
    run_until([&] { return listener_->is_connected(); });
}

// More than the bound of what may wait, from a thread that sends as fast as it can, into a loop
// whose turns are short: nothing is lost, and no turn takes long.
TEST_F(FpmListenerTest, a_flood_is_slowed_down_not_lost) {
    const int peer = connect();
    constexpr std::uint32_t kRoutes = 200'000;
    std::thread flood([peer] {
        WireBytes bytes;
        for (std::uint32_t i = 0; i < kRoutes; ++i) {
            const WireBytes one = frame(route(i));
            bytes.insert(bytes.end(), one.begin(), one.end());
            if (bytes.size() < (1U << 16) && i + 1 < kRoutes) continue;
            for (std::size_t sent = 0; sent < bytes.size();) {
                const ssize_t count =
                    ::send(peer, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
                ASSERT_GT(count, 0);
                sent += static_cast<std::size_t>(count);
            }
            bytes.clear();
        }
    });
    run_until([&] { return feed_.route_count() == kRoutes && !feed_.has_work(); });
    flood.join();
    EXPECT_EQ(counters_.read(FpmEvent::kRouteSet), kRoutes);
}

// In a thread of its own, for the namespace is the thread's; SKIP where it may not make one.
TEST(FpmSocket, listens_on_tcp_of_both_families) {
    bool may = false;
    std::thread inside([&] {
        if (::unshare(CLONE_NEWNET) < 0) return;
        may = true;
        const int control = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ifreq loopback{};
        loopback.ifr_name[0] = 'l', loopback.ifr_name[1] = 'o';
        loopback.ifr_flags = IFF_UP;
        ASSERT_EQ(::ioctl(control, SIOCSIFFLAGS, &loopback), 0);
        ::close(control);
        for (const char* text : {"127.0.0.1", "::1"}) {
            const IpAddress address = parse_ip_address(text).value();
            const int socket = open_fpm_socket(address, kFpmPort).value();
            const auto second = open_fpm_socket(address, kFpmPort);
            ASSERT_FALSE(second.has_value());
            EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
            sockaddr_storage at{};
            socklen_t size = sizeof at;
            ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size), 0);
            const int peer = ::socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
            EXPECT_EQ(::connect(peer, reinterpret_cast<sockaddr*>(&at), size), 0) << text;
            ::close(peer);
            ::close(socket);
        }
    });
    inside.join();
    if (!may) GTEST_SKIP() << "may not make a network namespace";
}

}  // namespace
}  // namespace causeway::test
