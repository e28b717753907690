// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "control/api/listen_socket.h"
#include "control/api/peer_role.h"

namespace causeway {
namespace {

class ListenSocketTest : public testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = "/tmp/causeway-socket-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        directory_ = pattern;
        path_ = directory_ + "/deep/er/control.sock";
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    // What a daemon leaves behind that was killed.
    void leave_stale_socket() const {
        std::filesystem::create_directories(directory_ + "/deep/er");
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
        ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ::close(socket);
    }

    std::string directory_;
    std::string path_;
};

TEST_F(ListenSocketTest, MakesItsDirectoryAndIsOpenToAll) {
    const auto socket = ListenSocket::create(path_);
    ASSERT_TRUE(socket) << socket.error().message;
    struct stat made {};
    ASSERT_EQ(::stat(path_.c_str(), &made), 0);
    EXPECT_TRUE(S_ISSOCK(made.st_mode));
    EXPECT_EQ(made.st_mode & 07777U, 0666U);
}

TEST_F(ListenSocketTest, IsGoneWithItsObject) {
    { const auto socket = ListenSocket::create(path_); }
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_TRUE(std::filesystem::is_empty(directory_ + "/deep/er"));
}

TEST_F(ListenSocketTest, TakesThePlaceOfADeadOne) {
    leave_stale_socket();
    EXPECT_TRUE(ListenSocket::create(path_));
}

TEST_F(ListenSocketTest, LeavesALivingOneAlone) {
    const auto first = ListenSocket::create(path_);
    ASSERT_TRUE(first);
    const auto second = ListenSocket::create(path_);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().message.find("running already"), std::string::npos);
    EXPECT_EQ(second.error().field, "daemon.socket");
    EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListenSocketTest, LeavesAFileAlone) {
    std::filesystem::create_directories(directory_ + "/deep/er");
    std::ofstream(path_) << "precious";
    EXPECT_FALSE(ListenSocket::create(path_));
    EXPECT_EQ(std::filesystem::file_size(path_), 8U);
}

TEST_F(ListenSocketTest, DoesNotRemoveItsSuccessor) {
    auto first = ListenSocket::create(path_);
    ASSERT_TRUE(first);
    std::filesystem::remove(path_);
    const auto second = ListenSocket::create(path_);
    ASSERT_TRUE(second);
    { const ListenSocket ended = std::move(*first); }
    EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(ListenSocketTest, APathTooLongIsRefused) {
    EXPECT_FALSE(ListenSocket::create(directory_ + '/' + std::string(120, 'x')));
    EXPECT_FALSE(ListenSocket::create(""));
}

TEST(PeerRole, RootTheDaemonsUserAndTheGroupAreAdmins) {
    const AdminPolicy policy{.daemon_user = 900, .group = 500};
    EXPECT_EQ(role_of({.user = 0, .groups = {0}}, policy), Role::kAdmin);
    EXPECT_EQ(role_of({.user = 900, .groups = {900}}, policy), Role::kAdmin);
    EXPECT_EQ(role_of({.user = 1'000, .groups = {1'000, 500}}, policy), Role::kAdmin);
    EXPECT_EQ(role_of({.user = 1'000, .groups = {1'000}}, policy), Role::kReadOnly);
    EXPECT_EQ(role_of({.user = 1'000, .groups = {0}}, policy), Role::kReadOnly);
    EXPECT_EQ(role_of({.user = 1'000, .groups = {500}}, {.daemon_user = 900, .group = {}}),
              Role::kReadOnly);
}

TEST(PeerRole, AnUnknownGroupIsAnErrorAtStart) {
    const auto policy = admin_policy("no-such-group-of-ours");
    ASSERT_FALSE(policy);
    EXPECT_EQ(policy.error().field, "daemon.admin-group");
    EXPECT_EQ(admin_policy("").value().daemon_user, ::geteuid());
    EXPECT_EQ(admin_policy("root").value().group, gid_t{0});
}

}  // namespace
}  // namespace causeway
