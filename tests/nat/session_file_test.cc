// SPDX-License-Identifier: Apache-2.0
//
// Sessions that outlive their process: taken over by another number of workers, right after a kill
// at any moment, and refused where the file is not what it was.
#include "nat/session_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <tuple>

#include "tests/nat/ipv4_packets.h"
#include "tests/nat/nat_workers.h"
#include "tests/support/seed.h"

namespace causeway {
namespace {

using test::build;
using test::kPool;
using test::NatWorkers;

constexpr std::uint32_t kSessions = 2'000;
constexpr NatPoolSettings kSettings{
    .timers = {.tcp_opening = 40, .udp = 9, .icmp = 5}, .block_ports = 64, .host_blocks_max = 4};

class SessionFiles : public ::testing::Test {
  protected:
    SessionFiles() {
        std::string name = "/dev/shm/causeway-test.XXXXXX";
        directory_ = ::mkdtemp(name.data());
        path_ = directory_ + "/sessions";
    }
    ~SessionFiles() override { std::filesystem::remove_all(directory_); }

    [[nodiscard]] SessionFile make(std::uint32_t workers) const {
        return SessionFile::create(path_, {workers, kSessions}).value();
    }
    [[nodiscard]] std::string refusal() const {
        const auto opened = SavedSessions::open(path_);
        return opened ? "" : opened.error().message;
    }
    // A file with a few hundred sessions in it, of a process that is gone.
    void leave_sessions(std::size_t count) const {
        SessionFile file = make(2);
        NatWorkers nat(kSettings, 2, kSessions, {}, &file);
        for (std::size_t i = 0; i < count; ++i)
            ASSERT_FALSE(nat.outbound(packet(i)).leaving.empty());
        ASSERT_TRUE(file.commit().has_value());
    }
    [[nodiscard]] static test::Bytes packet(std::uint64_t number) {
        const auto host = static_cast<std::uint32_t>(number % 97);
        return build({.protocol = static_cast<NatProtocol>(number % 3),
                      .source = {Ipv4Address(0x0a000001 + host),
                                 static_cast<std::uint16_t>(1'000 + number % 89)},
                      .destination = {Ipv4Address(0x14000001), 53},
                      .kind = static_cast<std::uint8_t>(number % 3 == 0 ? 2 : 8)});
    }
    void write_at(std::streamoff offset, char byte) const {
        std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(offset);
        file.put(byte);
    }
    [[nodiscard]] char byte_at(std::streamoff offset) const {
        std::ifstream file(path_, std::ios::binary);
        file.seekg(offset);
        return static_cast<char>(file.get());
    }

    std::string directory_;
    std::string path_;
};

RestoredSessions restore(const SavedSessions& saved, NatWorkers& nat) {
    std::vector<Translator*> workers;
    for (const auto& translator : nat.translators) workers.push_back(translator.get());
    return restore_sessions(saved, workers, nat.now);
}

TEST_F(SessionFiles, nothing_is_there_before_the_first_start) {
    const auto opened = SavedSessions::open(path_);
    ASSERT_TRUE(opened.has_value());
    EXPECT_FALSE(opened->has_value());
    { const SessionFile file = make(1); }
    EXPECT_TRUE(std::filesystem::is_empty(directory_)) << "without commit() nothing is left";
}

// Each flow leaves under the address and port it had, and the answer finds its way back.
TEST_F(SessionFiles, another_number_of_workers_takes_sessions_over) {
    std::map<std::uint64_t, test::Bytes> left;
    {
        SessionFile file = make(2);
        NatWorkers nat(kSettings, 2, kSessions, {}, &file);
        for (std::uint64_t i = 0; i < 900; ++i) left[i] = nat.outbound(packet(i)).leaving.at(0);
        ASSERT_TRUE(file.commit().has_value());
    }
    const auto saved = SavedSessions::open(path_).value();
    ASSERT_TRUE(saved.has_value());
    for (const std::size_t workers : {1U, 2U, 3U, 8U}) {
        NatWorkers nat(kSettings, workers, kSessions);
        nat.now = 5'000;  // another clock
        for (auto& translator : nat.translators) (void)translator->expire(nat.now, 1);
        const RestoredSessions counts = restore(*saved, nat);
        EXPECT_EQ(counts.restored, left.size());
        EXPECT_EQ(counts.lost + counts.over, 0U);
        const auto blocks = nat.bed.space->usage(kPool).blocks_lent;
        for (const auto& [number, bytes] : left) {
            ASSERT_EQ(nat.outbound(packet(number)).leaving.at(0), bytes) << number;
        }
        EXPECT_EQ(nat.sessions(), left.size());
        EXPECT_EQ(nat.bed.space->usage(kPool).blocks_lent, blocks);
        nat.pass(100);
        EXPECT_EQ(nat.sessions(), 0U) << "timers go on";
        EXPECT_EQ(nat.bed.space->usage(kPool).blocks_lent, 0U);
    }
}

TEST_F(SessionFiles, an_address_that_is_no_longer_a_pools_loses_its_sessions) {
    leave_sessions(50);
    const auto saved = SavedSessions::open(path_).value();
    NatWorkers nat(kSettings, 2, kSessions);
    ASSERT_TRUE(nat.bed.space->drain(test::kPublic).has_value());
    ASSERT_TRUE(nat.bed.space->remove(test::kPublic).has_value());
    const RestoredSessions counts = restore(*saved, nat);
    EXPECT_EQ(counts.restored, 0U);
    EXPECT_EQ(counts.lost, 50U);
    EXPECT_EQ(nat.sessions(), 0U);
}

TEST_F(SessionFiles, what_another_process_has_is_refused) {
    SessionFile file = make(1);
    EXPECT_FALSE(SessionFile::create(path_, {1, kSessions}).has_value());
    ASSERT_TRUE(file.commit().has_value());
    EXPECT_NE(refusal().find("another process"), std::string::npos) << refusal();
}

TEST_F(SessionFiles, a_disk_is_refused) {
    const std::string path = std::filesystem::current_path().string() + "/causeway-test-sessions";
    const auto made = SessionFile::create(path, {1, kSessions});
    ASSERT_FALSE(made.has_value()) << "tests are to run in a folder on a disk";
    EXPECT_NE(made.error().message.find("tmpfs"), std::string::npos) << made.error().message;
    EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(SessionFiles, what_is_no_session_file_is_refused) {
    std::ofstream(path_) << "hello";
    EXPECT_NE(refusal().find("no session file"), std::string::npos) << refusal();
    std::ofstream(path_) << std::string(10'000, 'x');
    EXPECT_NE(refusal().find("no session file"), std::string::npos) << refusal();
}

TEST_F(SessionFiles, another_version_is_refused) {
    leave_sessions(1);
    write_at(8, 2);
    EXPECT_NE(refusal().find("its format is version 2"), std::string::npos) << refusal();
}

TEST_F(SessionFiles, a_cut_file_is_refused) {
    leave_sessions(1);
    std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 65'536);
    EXPECT_NE(refusal().find("it is cut"), std::string::npos) << refusal();
}

// One bit anywhere in the header or in the keys of a session.
TEST_F(SessionFiles, a_damaged_file_is_refused) {
    leave_sessions(300);
    test::SeededRandom random;
    for (std::size_t i = 0; i < test::rounds(300); ++i) {
        std::streamoff offset = static_cast<std::streamoff>(random.below(32));
        if (random.below(4) != 0) {
            std::uint64_t line = 0;
            {
                const auto saved = SavedSessions::open(path_).value();
                do line = 1 + random.below(kSessions);
                while (saved->lines(0)[line].is_free());
            }
            offset = static_cast<std::streamoff>(4'096 + 64 * line + random.below(32));
        }
        const char before = byte_at(offset);
        write_at(offset, static_cast<char>(before ^ 1 << random.below(8)));
        ASSERT_NE(refusal(), "") << "byte " << offset;
        write_at(offset, before);
        ASSERT_EQ(refusal(), "");
    }
}

// Whose check is right, and which still makes no sense: its answers come from somebody else.
TEST_F(SessionFiles, a_session_whose_sides_disagree_is_refused) {
    leave_sessions(1);
    constexpr std::uint32_t kLines = kSessions + 1;
    std::uint32_t line = 1;
    {
        const auto saved = SavedSessions::open(path_).value();
        while (saved->lines(line / kLines)[line % kLines].is_free()) ++line;
    }
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    const auto offset = static_cast<std::streamoff>(4'096 + std::size_t{line} * sizeof(Session));
    Session session;
    file.seekg(offset).read(reinterpret_cast<char*>(&session), sizeof session);
    const auto damage = [&](std::uint64_t FlowKey::*part, std::uint64_t bit) {
        Session other = session;
        other.outside.*part ^= bit;
        other.check = other.right_check();
        file.seekp(offset).write(reinterpret_cast<const char*>(&other), sizeof other).flush();
        return refusal();
    };
    EXPECT_EQ(damage(&FlowKey::addresses, 0), "");
    for (const std::string& why : {damage(&FlowKey::addresses, 1), damage(&FlowKey::rest, 1),
                                   damage(&FlowKey::rest, std::uint64_t{1} << 32),
                                   damage(&FlowKey::rest, std::uint64_t{1} << 40),
                                   damage(&FlowKey::rest, std::uint64_t{1} << 48)}) {
        EXPECT_NE(why.find("its two sides disagree"), std::string::npos) << why;
    }
    EXPECT_EQ(damage(&FlowKey::addresses, std::uint64_t{1} << 32), "") << "another address of ours";
}

// What a process does until it is killed, and what another knows that it has done.
class Doer {
  public:
    explicit Doer(std::uint64_t seed, const SessionFile* file)
        : nat_(kSettings, 2, kSessions, {}, file), random_(seed) {}

    void step() {
        if (random_() % 4 == 0) nat_.pass(1);
        for (int i = 0; i < 8; ++i) (void)nat_.outbound(SessionNumbers::packet(random_() % 8'633));
        (void)nat_.take_events();
    }
    using Key = std::pair<std::uint64_t, std::uint64_t>;
    using Life = std::pair<Endpoint, NatSeconds>;  // its public endpoint, and since when
    [[nodiscard]] std::map<Key, Life> sessions() const {
        std::map<Key, Life> found;
        for (const auto& translator : nat_.translators) {
            for (std::uint32_t i = 1; i <= kSessions; ++i) {
                const auto one = translator->sessions().read(i);
                if (!one) continue;
                found[{one->inside.addresses, one->inside.rest}] = {one->outside.own(),
                                                                    one->created};
            }
        }
        return found;
    }

  private:
    struct SessionNumbers : SessionFiles {
        using SessionFiles::packet;
    };
    NatWorkers nat_;
    std::mt19937_64 random_;
};

struct Progress {
    std::atomic<std::uint64_t> done = 0;
};

// The child works until it is killed. How many steps it has done for sure.
std::uint64_t steps_until_killed(const std::string& path, std::uint64_t seed, unsigned micros) {
    void* const shared = ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    auto* const progress = new (shared) Progress;
    const pid_t child = ::fork();
    CHECK(child >= 0);
    if (child == 0) {
        SessionFile file = SessionFile::create(path, {2, kSessions}).value();
        Doer doer(seed, &file);
        CHECK(file.commit().has_value());
        for (;;) {
            doer.step();
            progress->done.fetch_add(1);
        }
    }
    while (progress->done.load() == 0) ::usleep(100);
    ::usleep(micros);
    ::kill(child, SIGKILL);
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    const std::uint64_t done = progress->done.load();
    ::munmap(shared, sizeof(Progress));
    return done;
}

TEST_F(SessionFiles, are_right_when_the_process_is_killed_at_any_moment) {
    test::SeededRandom random;
    for (std::size_t i = 0; i < test::rounds(40); ++i) {
        const std::uint64_t seed = random();
        const auto micros = static_cast<unsigned>(random.below(6'000));
        const std::uint64_t done = steps_until_killed(path_, seed, micros);
        Doer twin(seed, nullptr);
        for (std::uint64_t step = 0; step < done; ++step) twin.step();
        const auto before = twin.sessions();
        twin.step();
        const auto after = twin.sessions();

        const auto saved = SavedSessions::open(path_);
        ASSERT_TRUE(saved.has_value()) << saved.error().message;
        std::map<Doer::Key, Doer::Life> there;
        for (std::uint32_t worker = 0; worker < 2; ++worker) {
            for (const Session& session : saved->value().lines(worker).subspan(1)) {
                if (session.is_free()) continue;
                const Doer::Key key{session.inside.addresses, session.inside.rest};
                ASSERT_TRUE(
                    there.emplace(key, Doer::Life(session.outside.own(), session.created)).second);
            }
        }
        // What the step that was cut did not touch is there, and nothing that neither knows.
        for (const auto& [key, life] : before) {
            const auto later = after.find(key);
            if (later == after.end() || later->second != life) continue;
            ASSERT_EQ(there.count(key), 1U) << "after " << done << " steps";
        }
        for (const auto& [key, life] : there) {
            const bool is_known = (before.contains(key) && before.at(key) == life) ||
                                  (after.contains(key) && after.at(key) == life);
            ASSERT_TRUE(is_known) << "after " << done << " steps";
        }
        NatWorkers next(kSettings, 3, kSessions);
        const RestoredSessions counts = restore(saved->value(), next);
        EXPECT_EQ(counts.lost, 0U);
        EXPECT_EQ(counts.restored + counts.over, there.size());
    }
}

}  // namespace
}  // namespace causeway
