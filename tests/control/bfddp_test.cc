// SPDX-License-Identifier: Apache-2.0
//
// FRR's distributed BFD protocol: bytes, and the connection, with a bfdd of our own at the other
// end.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <optional>

#include "base/text.h"
#include "control/bfddp/bfddp_client.h"
#include "control/bfddp/bfddp_messages.h"
#include "control/bfddp/session_map.h"
#include "tests/control/bfddp_talk.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

using namespace std::chrono_literals;
using Bytes = BfddpBytes;

// Offsets and sizes of bfddp_packet.h, FRR 8.4.
TEST(BfddpMessages, are_laid_out_as_bfdd_has_them) {
    BfddpSession one = session(0x0102'0304);
    one.remote = parse_ip_address("2001:db8::1").value();
    one.local = parse_ip_address("2001:db8::2").value();
    one.admin = BfddpAdmin::kShutdown;
    const Bytes add = bytes_of(BfddpAdd{one});
    ASSERT_EQ(add.size(), 140U);
    EXPECT_EQ((Bytes{add.begin(), add.begin() + 14}),
              (Bytes{1, 0, 0, 2, 0, 0, 0, 140, 0, 0, 0, 0x50, 0x20, 0x01}));
    EXPECT_EQ((Bytes{add.begin() + 44, add.begin() + 56}),
              (Bytes{1, 2, 3, 4, 0, 4, 0x93, 0xe0, 0, 4, 0x93, 0xe0}));
    EXPECT_EQ(add[8 + 60], 255);  // TTL
    EXPECT_EQ(add[8 + 61], 3);    // multiplier
    EXPECT_EQ((Bytes{add.begin() + 76, add.begin() + 82}), (Bytes{'e', 'd', 'g', 'e', '1', 0}));

    const Bytes ipv4 = bytes_of(BfddpDelete{session(1)});
    EXPECT_EQ((Bytes{ipv4.begin() + 12, ipv4.begin() + 20}), (Bytes{10, 0, 0, 6, 0, 0, 0, 0}));
    EXPECT_EQ((Bytes{ipv4.begin() + 28, ipv4.begin() + 32}), (Bytes{10, 0, 0, 5}));

    const Bytes state = bytes_of(BfddpState{.id = BfddpSessionId(7),
                                            .state = BfdState::kUp,
                                            .remote = BfdDiscriminator(9),
                                            .remote_diagnostic = BfdDiagnostic::kPathDown,
                                            .remote_parameters = {1, 2, 5}});
    EXPECT_EQ(state, (Bytes{1, 0, 0, 4, 0, 0, 0, 36, 0, 0, 0, 7, 0, 0, 0, 9, 0, 0,
                            0, 0, 0, 0, 0, 1, 0, 0,  0, 2, 0, 0, 0, 0, 3, 5, 5, 0}));
    const Bytes traffic = bytes_of(
        BfddpTraffic{.message_id = 3, .id = BfddpSessionId(7), .control = {.rx_bytes = 24}});
    ASSERT_EQ(traffic.size(), 80U);
    EXPECT_EQ((Bytes{traffic.begin(), traffic.begin() + 24}),
              (Bytes{1, 0, 0, 6, 0, 3, 0, 80, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24}));
}

TEST(BfddpMessages, that_are_wrong_are_named_and_passed_over) {
    const BfddpMessage good = BfddpCountersRequest{5, BfddpSessionId(6)};
    const auto event_of = [&](Bytes bytes) {
        const Bytes more = bytes_of(good);
        bytes.insert(bytes.end(), more.begin(), more.end());
        const ReadAll all = read_all(bytes);
        EXPECT_EQ(all.messages, std::vector{good});
        return all.events.size() == 1 ? all.events[0] : BfddpEvent::kCount;
    };
    EXPECT_EQ(event_of({1, 0, 0, 7, 0, 0, 0, 8}), BfddpEvent::kUnknownType);
    EXPECT_EQ(event_of({1, 0, 0, 2, 0, 0, 0, 9, 0}), BfddpEvent::kShortMessage);
    const auto damaged = [](std::size_t at, std::uint8_t value, std::size_t count) {
        Bytes bytes = bytes_of(BfddpAdd{session(1)});
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, value);
        return bytes;
    };
    EXPECT_EQ(event_of(damaged(44, 0, 4)), BfddpEvent::kBadSession);  // no id
    EXPECT_EQ(event_of(damaged(48, 0, 4)), BfddpEvent::kBadSession);  // no interval
    EXPECT_EQ(event_of(damaged(52, 0, 4)), BfddpEvent::kBadSession);
    EXPECT_EQ(event_of(damaged(69, 0, 1)), BfddpEvent::kBadSession);     // no multiplier
    EXPECT_EQ(event_of(damaged(76, 'x', 64)), BfddpEvent::kBadSession);  // an endless name
}

TEST(BfddpMessages, whose_headers_are_none_end_the_stream) {
    const auto event_of = [](Bytes bytes) {
        const Bytes more = bytes_of(BfddpCountersRequest{5, BfddpSessionId(6)});
        bytes.insert(bytes.end(), more.begin(), more.end());
        const ReadAll all = read_all(bytes);
        EXPECT_TRUE(all.messages.empty());
        return all.events.size() == 1 ? all.events[0] : BfddpEvent::kCount;
    };
    EXPECT_EQ(event_of({2, 0, 0, 0, 0, 0, 0, 24}), BfddpEvent::kBadVersion);
    EXPECT_EQ(event_of({1, 0, 0, 0, 0, 0, 0, 7}), BfddpEvent::kBadLength);
    EXPECT_EQ(event_of({1, 0, 0, 0, 0, 0, 4, 1}), BfddpEvent::kOversize);
}

class AnyMessage {
  public:
    explicit AnyMessage(SeededRandom& random) : random_(random) {}

    BfddpMessage operator()() {
        const auto id = static_cast<std::uint16_t>(random_());
        switch (random_.below(6)) {
            case 0:
                return BfddpEcho{.kind = static_cast<BfddpEchoKind>(random_.below(2)),
                                 .message_id = id,
                                 .data_plane_time = random_(),
                                 .bfdd_time = random_()};
            case 1:
                return BfddpAdd{any_session()};
            case 2:
                return BfddpDelete{any_session()};
            case 3:
                return BfddpState{.id = BfddpSessionId(number()),
                                  .state = static_cast<BfdState>(random_.below(4)),
                                  .remote = BfdDiscriminator(number()),
                                  .remote_diagnostic = static_cast<BfdDiagnostic>(random_.below(9)),
                                  .remote_parameters = any_parameters()};
            case 4:
                return BfddpCountersRequest{id, BfddpSessionId(number())};
            default:
                return BfddpTraffic{.message_id = id,
                                    .id = BfddpSessionId(number()),
                                    .control = {random_(), random_(), random_(), random_()}};
        }
    }

  private:
    std::uint32_t number() { return static_cast<std::uint32_t>(random_()); }
    BfdParameters any_parameters() {
        return {number() | 1, number() | 1, static_cast<std::uint8_t>(1 + random_.below(255))};
    }
    BfddpSession any_session() {
        BfddpSession any{.id = BfddpSessionId(number() | 1),
                         .interface = std::string(random_.below(64), 'i'),
                         .parameters = any_parameters(),
                         .path = static_cast<BfddpPath>(random_.below(2)),
                         .admin = static_cast<BfddpAdmin>(random_.below(2))};
        if (random_.below(2) == 0) {
            any.local = Ipv4Address(number());
            any.remote = Ipv4Address(number());
        } else {
            any.local = Ipv6Address(random_(), random_());
            any.remote = Ipv6Address(random_(), random_());
        }
        return any;
    }
    SeededRandom& random_;
};

TEST(BfddpMessagesProperty, come_back_as_they_were_however_split) {
    SeededRandom random;
    AnyMessage any(random);
    for (std::size_t round = 0; round < rounds(200); ++round) {
        std::vector<BfddpMessage> sent;
        Bytes stream;
        for (std::size_t i = random.below(30); i > 0; --i) {
            sent.push_back(any());
            write_bfddp(sent.back(), stream);
        }
        BfddpReader reader;
        std::vector<BfddpMessage> received;
        for (std::size_t at = 0; at < stream.size();) {
            const std::size_t size = std::min(stream.size() - at, 1 + random.below(300));
            reader.append(std::span(stream).subspan(at, size));
            at += size;
            const ReadAll all = read_all(reader);
            ASSERT_TRUE(all.events.empty());
            received.insert(received.end(), all.messages.begin(), all.messages.end());
        }
        ASSERT_EQ(received, sent);
    }
}

// A bfdd at the other end of a real socket.
class BfddpClientTest : public testing::Test {
  protected:
    BfddpClientTest() : path_(testing::TempDir() + "bfdd." + std::to_string(::getpid())) {}
    ~BfddpClientTest() override {
        if (peer_ >= 0) ::close(peer_);
        stop_listening();
    }
    void listen() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path_.begin(), path_.end(), address.sun_path);
        listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ASSERT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(::listen(listening_, 1), 0);
    }
    void stop_listening() {
        if (listening_ >= 0) ::close(listening_);
        listening_ = -1;
        ::unlink(path_.c_str());
    }
    void run_until(const std::function<bool()>& is_so) {
        const auto end = EventLoop::Clock::now() + 20s;
        bool is_done = is_so();
        for (; !is_done && EventLoop::Clock::now() < end; is_done = is_so()) loop_->run_once(1ms);
        ASSERT_TRUE(is_done);
    }
    void accept() {
        run_until([&] { return (peer_ = ::accept(listening_, nullptr, nullptr)) >= 0; });
        run_until([&] { return client_->is_connected(); });
    }
    void say(const Bytes& bytes) {
        ASSERT_EQ(::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }
    // The next message of the client's.
    BfddpMessage heard() {
        std::optional<BfddpMessage> message;
        run_until([&] {
            std::array<std::uint8_t, 4'096> bytes;
            const ssize_t count = ::recv(peer_, bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (count > 0) reader_.append(std::span(bytes).first(static_cast<std::size_t>(count)));
            if (auto next = reader_.next()) message = std::get<BfddpMessage>(*next);
            return message.has_value();
        });
        return message.value_or(BfddpEcho{});
    }
    void start() {
        client_ = std::move(
            BfddpClient::create(*loop_, {.path = path_, .retry = 5ms}, map_, counters_).value());
    }

    std::string path_;
    int listening_ = -1;
    int peer_ = -1;
    std::unique_ptr<EventLoop> loop_ = std::move(EventLoop::create().value());
    FakeHost host_;
    BfddpCounters counters_;
    BfddpSessionMap map_{host_, counters_, {}};
    BfddpReader reader_;
    std::unique_ptr<BfddpClient> client_;
};

TEST_F(BfddpClientTest, connects_when_bfdd_comes_and_again_when_it_went) {
    start();
    EXPECT_FALSE(client_->is_connected());
    listen();
    accept();
    say(bytes_of(BfddpAdd{session(5)}));
    EXPECT_EQ(std::get<BfddpState>(heard()).id, BfddpSessionId(5));
    host_.sessions.at(BfdDiscriminator(1)).second = BfdState::kUp;
    client_->state_changed(BfdDiscriminator(1));
    EXPECT_EQ(std::get<BfddpState>(heard()).state, BfdState::kUp);
    ::close(std::exchange(peer_, -1));
    run_until([&] { return counters_.read(BfddpEvent::kDisconnected) == 1; });
    EXPECT_EQ(host_.sessions.size(), 1U);
    reader_ = BfddpReader();
    accept();
    say(bytes_of(BfddpAdd{session(6)}));
    EXPECT_EQ(std::get<BfddpState>(heard()).state, BfdState::kUp);
}

TEST_F(BfddpClientTest, noise_ends_the_connection) {
    listen();
    start();
    accept();
    say({'h', 'e', 'l', 'l', 'o', ',', ' ', 'w'});
    run_until([&] { return counters_.read(BfddpEvent::kBadVersion) == 1; });
    EXPECT_FALSE(client_->is_connected());
}

TEST_F(BfddpClientTest, a_bfdd_that_does_not_read_is_given_up) {
    listen();
    start();
    accept();
    say(bytes_of(BfddpAdd{session(5)}));
    run_until([&] { return host_.sessions.size() == 1; });
    for (int i = 0; i < 1'000'000 && client_->is_connected(); ++i)
        client_->state_changed(BfdDiscriminator(1));
    EXPECT_EQ(counters_.read(BfddpEvent::kPeerStuck), 1U);
    EXPECT_FALSE(client_->is_connected());
}

TEST_F(BfddpClientTest, no_path_of_a_socket_is_refused) {
    for (const std::string& path : {std::string(), std::string(108, 'x')}) {
        const auto client = BfddpClient::create(*loop_, {.path = path}, map_, counters_);
        ASSERT_FALSE(client.has_value());
        EXPECT_EQ(client.error().code, ErrorCode::kInvalid);
    }
}

}  // namespace
}  // namespace causeway::test
