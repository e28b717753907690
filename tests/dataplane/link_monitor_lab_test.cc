// SPDX-License-Identifier: Apache-2.0
//
// The link monitor against the kernel, in a namespace of this test's own. Needs root.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <string>

#include "control/links/link_monitor.h"
#include "dataplane/kernel_interface.h"
#include "tests/dataplane/veth_lab.h"

namespace causeway {
namespace {

using namespace std::chrono_literals;

constexpr int kSkipped = 77;  // what meson takes for "skipped"

class LinkMonitorLab : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_TRUE(make_veth_pair("near", "far"));
        Result<LinkMonitor> opened = LinkMonitor::open();
        ASSERT_TRUE(opened) << opened.error().message;
        monitor_.emplace(std::move(*opened));
    }
    void TearDown() override { run("ip link delete near 2>/dev/null"); }

    // Waits as the event loop does until the link is told to be in the state. How long it took;
    // nothing if it was not told within a second.
    std::optional<std::chrono::milliseconds> await(const std::string& name, CarrierState state) {
        const auto start = std::chrono::steady_clock::now();
        const auto elapsed = [start] {
            return std::chrono::duration_cast<std::chrono::milliseconds>(
                std::chrono::steady_clock::now() - start);
        };
        for (;;) {
            const auto told = told_.find(name);
            if (told != told_.end() && told->second == state) return elapsed();
            if (elapsed() > 1s) return std::nullopt;
            pollfd readable{.fd = monitor_->fd(), .events = POLLIN, .revents = 0};
            ::poll(&readable, 1, 100);
            if (!drain()) return std::nullopt;
        }
    }

    bool drain() {
        const Status status = monitor_->drain([this](const LinkChange& change) {
            told_[std::string(change.name)] = change.state;
            ++changes_;
        });
        EXPECT_TRUE(status) << status.error().message;
        return status.has_value();
    }

    std::optional<LinkMonitor> monitor_;
    std::map<std::string, CarrierState> told_;
    unsigned changes_ = 0;
};

TEST_F(LinkMonitorLab, TellsTheInitialState) {
    EXPECT_TRUE(await("near", CarrierState::kRunning));
    EXPECT_TRUE(await("far", CarrierState::kRunning));
    EXPECT_TRUE(await("lo", CarrierState::kDown));
}

TEST_F(LinkMonitorLab, TellsWhenTheFarEndDies) {
    ASSERT_TRUE(await("near", CarrierState::kRunning));
    ASSERT_TRUE(run("ip link set far down"));
    EXPECT_TRUE(await("near", CarrierState::kDown));
    ASSERT_TRUE(run("ip link set far up"));
    EXPECT_TRUE(await("near", CarrierState::kRunning));
}

TEST_F(LinkMonitorLab, TellsEachChangeOnce) {
    ASSERT_TRUE(await("near", CarrierState::kRunning));
    ASSERT_TRUE(await("far", CarrierState::kRunning));
    ASSERT_TRUE(await("lo", CarrierState::kDown));
    const unsigned before = changes_;
    ASSERT_TRUE(run("ip link set near alias unimportant") && run("ip link set near mtu 1400"));
    ASSERT_TRUE(drain());
    EXPECT_EQ(changes_, before);
}

TEST_F(LinkMonitorLab, TellsOfRenamingAndRemoval) {
    ASSERT_TRUE(await("near", CarrierState::kRunning));
    ASSERT_TRUE(run("ip link set near down name renamed") && run("ip link set renamed up"));
    EXPECT_TRUE(await("near", CarrierState::kGone));
    EXPECT_TRUE(await("renamed", CarrierState::kRunning));
    ASSERT_TRUE(run("ip link delete renamed"));
    EXPECT_TRUE(await("renamed", CarrierState::kGone));
    EXPECT_TRUE(await("far", CarrierState::kGone));
}

TEST_F(LinkMonitorLab, RecoversFromLostMessages) {
    ASSERT_TRUE(await("near", CarrierState::kRunning));
    // One removal among more changes than the socket holds, unread.
    ASSERT_TRUE(run("ip link add gone type veth peer name gone-too"));
    ASSERT_TRUE(await("gone", CarrierState::kDown));
    Result<KernelInterface> far = KernelInterface::claim("far");
    ASSERT_TRUE(far) << far.error().message;
    const auto flap = [&far] {
        for (int i = 0; i < 1'500; ++i) {
            ASSERT_TRUE(far->set_admin(AdminState::kDown));
            ASSERT_TRUE(far->set_admin(AdminState::kUp));
        }
    };
    flap();
    ASSERT_TRUE(run("ip link delete gone"));
    flap();
    ASSERT_TRUE(far->set_admin(AdminState::kDown));
    EXPECT_TRUE(await("near", CarrierState::kDown));
    EXPECT_TRUE(await("gone", CarrierState::kGone));
}

}  // namespace
}  // namespace causeway

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (!causeway::enter_private_namespace()) {
        std::printf("SKIP: this test makes network namespaces, which takes root\n");
        return causeway::kSkipped;
    }
    return RUN_ALL_TESTS();
}
