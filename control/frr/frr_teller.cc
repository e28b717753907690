// SPDX-License-Identifier: Apache-2.0
#include "control/frr/frr_teller.h"

#include <utility>

#include "control/log/log.h"

namespace causeway {

FrrTeller::FrrTeller(EventLoop& loop, BgpdChanged changed)
    : loop_(loop), changed_(std::move(changed)), timer_(loop.every(kPeriod, [this] { tick(); })) {}

FrrTeller::~FrrTeller() {
    loop_.cancel(timer_);
}

void FrrTeller::configure(const Config& config) {
    const auto runtime = [](const Config& one) {
        return one.bgp ? one.bgp->frr_runtime : std::string();
    };
    if (runtime(config) != runtime(config_)) forget_all_but({});
    config_ = config;
    plan();
}

void FrrTeller::set_appeals(const LinkAppeals& appeals) {
    appeals_ = appeals;
    plan();
}

void FrrTeller::check_limits(std::string_view vrf) {
    for (auto& entry : instances_) entry.second.is_to_check |= entry.second.vrf == vrf;
}

void FrrTeller::plan() {
    std::set<std::string> names;
    const bool speaks = config_.bgp && !config_.bgp->frr_runtime.empty();
    for (FrrAppeals& told : speaks ? frr_appeals(config_, appeals_) : std::vector<FrrAppeals>()) {
        const std::string& name = told.network_namespace;
        names.insert(name);
        Instance& instance = instances_[name];
        instance.vrf = told.vrf;
        instance.wanted = std::move(told.lines);
        instance.limits = std::move(told.limits);
        if (instance.bgpd) continue;
        instance.bgpd = std::make_unique<BgpdClient>(
            loop_, config_.bgp->frr_runtime + '/' + name + "/bgpd.vty", listener(name));
    }
    forget_all_but(names);
}

// Who waits for a bgpd's answer hears that there will be none.
void FrrTeller::forget_all_but(const std::set<std::string>& names) {
    std::vector<std::string> gone;
    std::erase_if(instances_, [&](const auto& entry) {
        const auto& [name, instance] = entry;
        const bool goes = !names.contains(name);
        if (goes && instance.bgpd->is_connected()) gone.push_back(instance.vrf);
        return goes;
    });
    for (const std::string& vrf : gone) changed_(vrf, Bgpd::kWent);
}

bool FrrTeller::ask(std::string_view vrf) {
    for (auto& entry : instances_) {
        Instance& instance = entry.second;
        if (instance.vrf != vrf || !instance.bgpd->is_connected()) continue;
        instance.bgpd->ask();
        return true;
    }
    return false;
}

BgpdClient::Listener FrrTeller::listener(const std::string& name) {
    return {
        .came =
            [this, name] {
                Instance& instance = instances_.at(name);
                instance.said.clear();
                instance.again = EventLoop::Clock::now() + kFileRead;
                changed_(instance.vrf, Bgpd::kCame);
            },
        .answered = [this, name] { changed_(instances_.at(name).vrf, Bgpd::kAnswered); },
        .went = [this, name] { changed_(instances_.at(name).vrf, Bgpd::kWent); },
        .typed = [this, name](const Status& status) { typed(instances_.at(name), name, status); }};
}

void FrrTeller::tick() {
    for (auto& entry : instances_) {
        Instance& instance = entry.second;
        instance.bgpd->connect();
        if (instance.bgpd->is_connected() && !instance.bgpd->is_typing()) tell(instance);
    }
}

void FrrTeller::tell(Instance& instance) {
    const bool is_due = instance.again != EventLoop::Clock::time_point() &&
                        EventLoop::Clock::now() >= instance.again;
    if (!is_due && instance.wanted == instance.said) {
        if (std::exchange(instance.is_to_check, false)) instance.bgpd->type(instance.limits);
        return;
    }
    if (is_due) instance.again = {};
    instance.typing = instance.wanted;
    instance.bgpd->type(instance.typing);
}

// What bgpd has refused once it is told again when it is another, or was started anew.
void FrrTeller::typed(Instance& instance, const std::string& name, const Status& status) {
    if (!instance.typing.empty()) instance.said = std::exchange(instance.typing, {});
    const std::string complaint = status ? std::string() : status.error().message;
    if (std::exchange(instance.complaint, complaint) == complaint || complaint.empty()) return;
    log_warning("bgpd in namespace {} does not take what it is told: {}", name, complaint);
}

}  // namespace causeway
