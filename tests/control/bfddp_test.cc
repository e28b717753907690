// SPDX-License-Identifier: Apache-2.0
//
// FRR's distributed BFD protocol: bytes, the translation of sessions, and the connection, with a
// bfdd of our own at the other end.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <optional>
#include <set>

#include "base/text.h"
#include "control/bfddp/bfddp_client.h"
#include "control/bfddp/bfddp_messages.h"
#include "control/bfddp/session_map.h"
#include "tests/support/seed.h"

namespace causeway::test {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

Bytes bytes_of(const BfddpMessage& message) {
    Bytes bytes;
    write_bfddp(message, bytes);
    return bytes;
}

struct ReadAll {
    std::vector<BfddpMessage> messages;
    std::vector<BfddpEvent> events;
};

ReadAll read_all(BfddpReader& reader) {
    ReadAll all;
    while (const auto next = reader.next()) {
        if (const auto* message = std::get_if<BfddpMessage>(&*next)) {
            all.messages.push_back(*message);
        } else {
            all.events.push_back(std::get<BfddpEvent>(*next));
        }
    }
    return all;
}

ReadAll read_all(const Bytes& bytes) {
    BfddpReader reader;
    reader.append(bytes);
    return read_all(reader);
}

BfddpSession session(std::uint32_t id, std::uint32_t host = 1) {
    return {.id = BfddpSessionId(id),
            .local = Ipv4Address(0x0a00'0000U + host * 4 + 2),
            .remote = Ipv4Address(0x0a00'0000U + host * 4 + 1),
            .interface = "edge" + std::to_string(host)};
}

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

// Runs nothing: a session is in the state that the test gives it.
class FakeHost final : public BfdHost {
  public:
    Result<BfdDiscriminator> open(const BfddpSession& opened) override {
        if (sessions.size() >= sessions_max) return Unexpected(ErrorCode::kFull, "full");
        const BfdDiscriminator ours(next_++);
        sessions[ours] = {opened, BfdState::kDown};
        return ours;
    }
    void update(BfdDiscriminator ours, const BfddpSession& updated) override {
        sessions.at(ours).first = updated;
    }
    void close(BfdDiscriminator ours) override { EXPECT_EQ(sessions.erase(ours), 1U); }
    [[nodiscard]] BfddpState state(BfdDiscriminator ours) const override {
        return {.state = sessions.at(ours).second, .remote = ours};
    }
    [[nodiscard]] BfdTraffic traffic(BfdDiscriminator ours) const override {
        return {.rx_packets = ours.value()};
    }

    std::map<BfdDiscriminator, std::pair<BfddpSession, BfdState>> sessions;
    std::size_t sessions_max = 1'000;

  private:
    std::uint32_t next_ = 1;
};

class BfddpSessionMapTest : public testing::Test {
  protected:
    ReadAll hear(const BfddpMessage& message) {
        map_.hear(message, now_);
        const ReadAll said = read_all(map_.output());
        map_.output().clear();
        return said;
    }
    FakeHost host_;
    BfddpCounters counters_;
    std::uint64_t now_ = 1;
    BfddpSessionMap map_{host_, counters_, {.quiet_ns = 10, .sweep_after_ns = 100}};
};

TEST_F(BfddpSessionMapTest, answers_at_once_whatever_it_is_asked) {
    map_.begin_connection(now_);
    const auto added = hear(BfddpAdd{session(77)});
    ASSERT_EQ(added.messages.size(), 1U);
    EXPECT_EQ(std::get<BfddpState>(added.messages[0]).id, BfddpSessionId(77));
    const auto counted = hear(BfddpCountersRequest{5, BfddpSessionId(77)});
    EXPECT_EQ(counted.messages,
              std::vector<BfddpMessage>({BfddpTraffic{
                  .message_id = 5, .id = BfddpSessionId(77), .control = {.rx_packets = 1}}}));
    const auto unknown = hear(BfddpCountersRequest{6, BfddpSessionId(78)});
    EXPECT_EQ(unknown.messages,
              std::vector<BfddpMessage>({BfddpTraffic{.message_id = 6, .id = BfddpSessionId(78)}}));
    const auto echoed = hear(BfddpEcho{.message_id = 9, .bfdd_time = 4});
    EXPECT_EQ(echoed.messages,
              std::vector<BfddpMessage>(
                  {BfddpEcho{.kind = BfddpEchoKind::kReply, .message_id = 9, .bfdd_time = 4}}));
    EXPECT_TRUE(hear(BfddpState{}).messages.empty());
    EXPECT_EQ(counters_.read(BfddpEvent::kWrongDirection), 1U);
}

TEST_F(BfddpSessionMapTest, refuses_by_name) {
    map_.begin_connection(now_);
    BfddpSession far = session(1);
    far.path = BfddpPath::kSeveralHops;
    EXPECT_TRUE(hear(BfddpAdd{far}).messages.empty());
    EXPECT_EQ(counters_.read(BfddpEvent::kMultihop), 1U);
    host_.sessions_max = 0;
    EXPECT_TRUE(hear(BfddpAdd{session(1)}).messages.empty());
    EXPECT_EQ(counters_.read(BfddpEvent::kRefused), 1U);
    hear(BfddpDelete{session(1)});
    EXPECT_EQ(counters_.read(BfddpEvent::kUnknownSession), 1U);
    EXPECT_EQ(map_.size(), 0U);
}

// A bfdd that comes back has new numbers for old sessions: they go on.
TEST_F(BfddpSessionMapTest, sessions_outlive_bfdd_and_those_not_repeated_are_closed) {
    map_.begin_connection(now_);
    hear(BfddpAdd{session(1, 1)});
    hear(BfddpAdd{session(2, 2)});
    host_.sessions.at(BfdDiscriminator(1)).second = BfdState::kUp;
    map_.end_connection();
    map_.tick(now_ += 1'000);
    EXPECT_EQ(host_.sessions.size(), 2U);
    map_.begin_connection(now_);
    map_.tick(now_ += 1'000);
    EXPECT_EQ(host_.sessions.size(), 2U);              // it has said nothing yet
    const auto again = hear(BfddpAdd{session(2, 1)});  // the number of the other, before
    EXPECT_EQ(std::get<BfddpState>(again.messages.at(0)).state, BfdState::kUp);
    map_.tick(now_ += 9);
    EXPECT_EQ(host_.sessions.size(), 2U);
    map_.tick(now_ += 1);
    EXPECT_EQ(host_.sessions.size(), 1U);
    EXPECT_TRUE(host_.sessions.contains(BfdDiscriminator(1)));
}

// The host has the session, once, and its state is what bfdd was told.
void expect_known(const FakeHost& host, const BfddpSession& wanted,
                  const std::map<BfddpSessionId, BfdState>& known) {
    std::size_t found = 0;
    for (const auto& [ours, entry] : host.sessions) {
        if (entry.first != wanted) continue;
        ++found;
        ASSERT_EQ(known.at(wanted.id), entry.second);
    }
    ASSERT_EQ(found, 1U);
}

// Whatever is said in whichever order, bfdd knows of each of its sessions what is true of ours.
TEST(BfddpSessionMapProperty, bfdd_knows_what_is_true) {
    SeededRandom random;
    for (std::size_t round = 0; round < rounds(100); ++round) {
        FakeHost host;
        BfddpCounters counters;
        BfddpSessionMap map(host, counters, {.quiet_ns = 10, .sweep_after_ns = 10});
        std::uint64_t now = 0;
        map.begin_connection(now);
        std::map<std::uint32_t, std::uint32_t> wanted;  // by host: the number
        std::map<BfddpSessionId, BfdState> known;       // to bfdd
        std::set<std::uint32_t> open;                   // hosts, stale ones included
        std::uint32_t next_id = 1;
        const auto listen = [&] {
            for (const BfddpMessage& said : read_all(map.output()).messages)
                known[std::get<BfddpState>(said).id] = std::get<BfddpState>(said).state;
            map.output().clear();
        };
        for (std::size_t step = 0; step < 200; ++step) {
            const auto at = static_cast<std::uint32_t>(random.below(8));
            switch (random.below(12)) {
                case 0:
                    if (!wanted.contains(at)) break;
                    map.hear(BfddpDelete{session(wanted[at], at)}, now);
                    known.erase(BfddpSessionId(wanted[at]));
                    wanted.erase(at);
                    open.erase(at);
                    break;
                case 1: {  // bfdd is born again, with other numbers
                    map.end_connection();
                    map.begin_connection(now);
                    known.clear();
                    wanted.clear();
                    next_id = random.below(2) == 0 ? 1 : next_id;
                    break;
                }
                case 2:
                    map.hear(BfddpEcho{.kind = BfddpEchoKind::kReply}, now);
                    map.tick(now += 10);
                    open.clear();
                    for (const auto& [host_number, id] : wanted) open.insert(host_number);
                    break;
                case 3:
                case 4:
                case 5:
                    if (host.sessions.empty()) break;
                    {
                        auto one = host.sessions.begin();
                        std::advance(one, random.below(host.sessions.size()));
                        one->second.second = static_cast<BfdState>(random.below(4));
                        map.state_changed(one->first);
                    }
                    break;
                default:
                    if (!wanted.contains(at)) wanted[at] = next_id++;
                    map.hear(BfddpAdd{session(wanted[at], at)}, now);
                    open.insert(at);
                    break;
            }
            listen();
            ASSERT_EQ(host.sessions.size(), open.size());
            ASSERT_EQ(map.size(), open.size());
            for (const auto& [host_number, id] : wanted)
                expect_known(host, session(id, host_number), known);
            if (HasFatalFailure()) return;
        }
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
