// SPDX-License-Identifier: Apache-2.0
//
// What is typed into a bgpd, with one that this test plays.
#include "control/frr/bgpd_client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <functional>

#include "control/frr/frr_teller.h"

namespace causeway::test {
namespace {

using namespace std::chrono_literals;

TEST(VtyReader, finds_answers_however_they_are_cut) {
    const std::string bytes("one\n\0\0\0\0\0\0\0\2three\0\0\0\15", 21);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        VtyReader reader;
        std::vector<VtyAnswer> answers;
        for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
            reader.append(part);
            while (auto answer = reader.next()) answers.push_back(*std::move(answer));
        }
        ASSERT_EQ(answers.size(), 3U) << cut;
        EXPECT_EQ(answers[0].text, "one\n");
        EXPECT_EQ(answers[0].code, 0);
        EXPECT_EQ(answers[1].text, "");
        EXPECT_EQ(answers[1].code, 2);
        EXPECT_EQ(answers[2].text, "three");
        EXPECT_EQ(answers[2].code, 13);
        EXPECT_EQ(reader.waiting(), 0U);
    }
}

// Listens at a path, takes one connection, and answers each command as it is told.
class Bgpd {
  public:
    explicit Bgpd(const std::string& path) {
        listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        ::unlink(path.c_str());
        EXPECT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(::listen(listening_, 4), 0);
    }
    ~Bgpd() {
        ::close(connection_);
        ::close(listening_);
    }

    // Commands that have come since the last call.
    std::vector<std::string> hear() {
        if (connection_ < 0) connection_ = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK);
        char bytes[4'096];
        ssize_t count = 0;
        while ((count = ::recv(connection_, bytes, sizeof bytes, 0)) > 0)
            waiting_.append(bytes, static_cast<std::size_t>(count));
        std::vector<std::string> commands;
        std::size_t end = 0;
        while ((end = waiting_.find('\0')) != std::string::npos) {
            commands.push_back(waiting_.substr(0, end));
            waiting_.erase(0, end + 1);
        }
        return commands;
    }
    void answer(const std::string& text, char code) {
        const std::string bytes = text + std::string(3, '\0') + code;
        EXPECT_EQ(::send(connection_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(bytes.size()));
    }

  private:
    int listening_ = -1;
    int connection_ = -1;
    std::string waiting_;
};

class BgpdTest : public testing::Test {
  protected:
    BgpdTest() : loop_(std::move(EventLoop::create()).value()) {
        EXPECT_NE(::mkdtemp(folder_), nullptr);
        std::filesystem::create_directory(folder_ + std::string("/vrf-contoso"));
    }
    ~BgpdTest() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string path() const {
        return folder_ + std::string("/vrf-contoso/bgpd.vty");
    }
    void turn(int times = 4) {
        for (int i = 0; i < times; ++i) loop_->run_once(5ms);
    }
    bool turn_until(const std::function<bool()>& is_true) {
        for (int i = 0; i < 400 && !is_true(); ++i) turn(1);
        return is_true();
    }

    std::unique_ptr<EventLoop> loop_;
    char folder_[32] = "/tmp/causeway-bgpd-XXXXXX";
};

TEST_F(BgpdTest, types_and_hears_what_was_refused) {
    int came = 0;
    int answered = 0;
    int went = 0;
    std::vector<std::string> verdicts;
    BgpdClient client(*loop_, path(),
                      {.came = [&] { ++came; },
                       .answered = [&] { ++answered; },
                       .went = [&] { ++went; },
                       .typed =
                           [&](const Status& status) {
                               verdicts.push_back(status ? "done" : status.error().message);
                           }});
    client.connect();
    EXPECT_FALSE(client.is_connected());  // nobody listens
    auto bgpd = std::make_unique<Bgpd>(path());
    client.connect();
    ASSERT_TRUE(client.is_connected());
    EXPECT_EQ(came, 1);
    client.type({"route-map a permit 10", "exit"});
    EXPECT_TRUE(client.is_typing());
    const std::vector<std::string> expected{"enable", "configure terminal", "route-map a permit 10",
                                            "exit", "end"};
    EXPECT_EQ(bgpd->hear(), expected);
    for (std::size_t i = 0; i < expected.size(); ++i) bgpd->answer("", 0);
    turn();
    EXPECT_EQ(verdicts, std::vector<std::string>{"done"});
    EXPECT_FALSE(client.is_typing());

    client.type({"bogus"});
    EXPECT_EQ(bgpd->hear().size(), 4U);
    for (const char code : {'\0', '\0', '\2', '\0'}) {
        bgpd->answer(code == 0 ? "" : "% Unknown command\n", code);
    }
    turn();
    EXPECT_EQ(verdicts.back(), "% Unknown command");

    // A question has an answer of its own, and none is taken for that of a line.
    client.ask();
    EXPECT_FALSE(client.is_typing());
    client.type({"another"});
    client.ask();
    EXPECT_EQ(bgpd->hear().size(), 6U);
    for (int i = 0; i < 5; ++i) {
        bgpd->answer("", 0);
        turn();
        EXPECT_EQ(answered, 1);
        EXPECT_EQ(client.is_typing(), i < 4);
    }
    EXPECT_EQ(verdicts.back(), "done");
    bgpd->answer("", 0);
    turn();
    EXPECT_EQ(answered, 2);

    client.type({"never answered"});
    client.ask();
    bgpd.reset();
    turn();
    EXPECT_EQ(answered, 2);
    EXPECT_EQ(went, 1);
    EXPECT_FALSE(client.is_connected());
    EXPECT_EQ(verdicts.size(), 3U);
}

TEST_F(BgpdTest, an_answer_to_nothing_ends_the_connection) {
    int went = 0;
    BgpdClient client(
        *loop_, path(),
        {.came = [] {}, .answered = [] {}, .went = [&] { ++went; }, .typed = [](const Status&) {}});
    Bgpd bgpd(path());
    client.connect();
    EXPECT_TRUE(bgpd.hear().empty());
    bgpd.answer("hello", 0);
    turn();
    EXPECT_EQ(went, 1);
}

Config contoso(const std::string& runtime) {
    LoadedConfig loaded = load_config(R"(
bgp: {frr-runtime: )" + runtime + R"(}
control-plane: {taps: true}
ports: [{name: a, device: net_ring0, role: edge}]
circuits:
  - service-key: 4f2d0a9e-8c7b-4a56-9e1d-2b3c4d5e6f70
    name: contoso
    bandwidth: 1 Gbps
    primary: {port: a, s-tag: 10}
    peerings:
      - {type: private, c-tag: 100, primary-subnet: 192.168.15.16/30, peer-asn: 65010}
)");
    for (const ConfigError& error : loaded.errors) ADD_FAILURE() << format_error("", error);
    return std::move(loaded.config).value_or(Config());
}

TEST_F(BgpdTest, the_latest_is_told_to_whichever_bgpd_is_there) {
    std::vector<FrrTeller::Bgpd> changes;
    FrrTeller teller(*loop_, [&](const std::string& vrf, FrrTeller::Bgpd change) {
        EXPECT_EQ(vrf, "contoso");
        changes.push_back(change);
    });
    teller.configure(contoso(folder_));
    auto bgpd = std::make_unique<Bgpd>(path());
    std::vector<std::string> heard;
    const auto has_heard = [&](const std::string& line) {
        return turn_until([&] {
            for (std::string& command : bgpd->hear()) {
                heard.push_back(std::move(command));
                bgpd->answer("", 0);
            }
            return std::find(heard.begin(), heard.end(), line) != heard.end() &&
                   heard.back() == "end";
        });
    };
    EXPECT_TRUE(has_heard("no route-map contoso-private-primary-out deny 5"));
    heard.clear();
    teller.set_appeals({{"contoso/private/primary", Appeal::kWithdrawn}});
    EXPECT_TRUE(has_heard("route-map contoso-private-primary-out deny 5"));
    heard.clear();
    teller.check_limits("contoso");
    EXPECT_TRUE(has_heard("  neighbor 192.168.15.17 maximum-prefix 4000 80 restart 1"));

    bgpd = std::make_unique<Bgpd>(path());
    heard.clear();
    EXPECT_TRUE(has_heard("route-map contoso-private-primary-out deny 5"));
    using enum FrrTeller::Bgpd;
    EXPECT_EQ(changes, (std::vector{kCame, kWent, kCame}));

    EXPECT_FALSE(teller.ask("adatum"));
    EXPECT_TRUE(teller.ask("contoso"));
    EXPECT_EQ(bgpd->hear(), std::vector<std::string>{"enable"});
    bgpd->answer("", 0);
    EXPECT_TRUE(turn_until([&] { return changes.size() == 4; }));
    EXPECT_EQ(changes.back(), kAnswered);
    teller.configure(Config());  // it is no bgpd of ours any more
    EXPECT_EQ(changes.back(), kWent);
    EXPECT_FALSE(teller.ask("contoso"));
}

}  // namespace
}  // namespace causeway::test
