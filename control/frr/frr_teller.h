// SPDX-License-Identifier: Apache-2.0
//
// FrrTeller: keeps the running FRR of each VRF told of how attractive our links are to be, and
// knows which of them run.
//
// Thread safety: control thread only.
//
// frr.conf says what an operator has configured; which link drains or has lost its core is news,
// and typed into bgpd. A bgpd that is new to us is told all, for it may remember another causewayd;
// and once more after kFileRead, for what it reads at its start comes after its socket is there.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "control/api/event_loop.h"
#include "control/config/config.h"
#include "control/frr/bgpd_client.h"
#include "control/frr/frr_config.h"

namespace causeway {

class FrrTeller {
  public:
    static constexpr std::chrono::milliseconds kPeriod{500};
    static constexpr std::chrono::seconds kFileRead{15};

    enum class Bgpd : std::uint8_t { kCame, kAnswered, kWent };
    using BgpdChanged = std::function<void(const std::string& vrf, Bgpd change)>;

    // The loop must outlive it.
    FrrTeller(EventLoop& loop, BgpdChanged changed);
    ~FrrTeller();
    FrrTeller(const FrrTeller&) = delete;
    FrrTeller& operator=(const FrrTeller&) = delete;

    // Of both, the latest counts; bgpd hears of it within kPeriod.
    void configure(const Config& config);
    void set_appeals(const LinkAppeals& appeals);
    // A session of the VRF may have more prefixes than its limit.
    void check_limits(std::string_view vrf);
    // Asks the bgpd of the VRF for a sign of life: kAnswered follows, or kWent. False: none is
    // there.
    [[nodiscard]] bool ask(std::string_view vrf);

  private:
    struct Instance {
        std::string vrf;
        std::vector<std::string> wanted;
        std::vector<std::string> typing;
        std::vector<std::string> said;  // and done; empty: nothing yet
        std::vector<std::string> limits;
        bool is_to_check = false;
        std::string complaint;                 // the last that was logged
        EventLoop::Clock::time_point again{};  // when all of it is to be typed once more
        std::unique_ptr<BgpdClient> bgpd;
    };

    void plan();
    void forget_all_but(const std::set<std::string>& names);
    void tick();
    void tell(Instance& instance);
    [[nodiscard]] BgpdClient::Listener listener(const std::string& name);
    void typed(Instance& instance, const std::string& name, const Status& status);

    EventLoop& loop_;
    BgpdChanged changed_;
    Config config_;
    LinkAppeals appeals_;
    std::map<std::string, Instance> instances_;  // by namespace
    EventLoop::TimerId timer_;
};

}  // namespace causeway
