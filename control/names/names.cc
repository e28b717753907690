// SPDX-License-Identifier: Apache-2.0
#include "control/names/names.h"

#include <algorithm>
#include <bit>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/headers.h"
#include "base/text.h"
#include "control/config/config.h"
#include "control/log/log.h"

namespace causeway {
namespace {

AclOutcome outcome_of(const AclAction& action, RuleCounterId counter, const SteerLeases& targets) {
    static constexpr std::array kExitOf{Exit::kNone, Exit::kAclDenied, Exit::kAclProhibited};
    const auto target = targets.find(action.steer);
    return {.counter = counter,
            .log_one_in = action.log_one_in,
            .steer = target == targets.end() ? SteerGroups() : *target->second,
            .exit = kExitOf[static_cast<std::size_t>(action.verdict)],
            .mark_dscp = action.mark_dscp.value_or(AclOutcome::kNoMark)};
}

// As a list whose rules count.
Acl counting_list(const NamePolicyConfig& config) {
    Acl acl{.name = Names::rows_name(config.name), .rules = {}};
    for (const NameRuleConfig& rule : config.rules) acl.rules.emplace_back().name = rule.name;
    return acl;
}

}  // namespace

Names::Names(GracePeriods& grace, RuleRows& rows, const Options& options)
    : grace_(grace), rows_(rows), workers_(options.workers), compiler_(options.state_directory) {}

std::shared_ptr<const LearnedAddresses> Names::learned_in(const std::string& vrf) {
    std::shared_ptr<LearnedAddresses>& learned = learned_[vrf];
    if (learned == nullptr) {
        auto made = LearnedAddresses::create(grace_);
        CHECK(made.has_value());  // address space: it takes memory as it fills
        learned = std::move(made).value();
        share_room();
    }
    return learned;
}

void Names::keep_vrfs(const std::set<std::string>& vrfs) {
    const std::size_t before = learned_.size();
    std::erase_if(learned_, [&](const auto& entry) {
        if (vrfs.contains(entry.first)) return false;
        learner_.forget(*entry.second);
        return true;
    });
    if (learned_.size() != before) share_room();
}

void Names::share_room() {
    if (learned_.empty()) return;
    const bool is_alone = learned_.size() == 1;
    const std::size_t shared = learned_.contains(kMicrosoftVrf) && !is_alone
                                   ? kLearnedAddressesMax / 2 / (learned_.size() - 1)
                                   : kLearnedAddressesMax / learned_.size();
    for (const auto& [vrf, learned] : learned_) {
        const bool has_half = vrf == kMicrosoftVrf && !is_alone;
        learned->limit_to(has_half ? kLearnedAddressesMax / 2 : shared);
    }
}

void Names::hear(std::string_view vrf, std::span<const std::uint8_t> packet, std::uint64_t now_s) {
    const auto learned = learned_.find(vrf);
    if (learned == learned_.end()) return;  // its policy went while the answer waited
    learner_.take(*learned->second, packet, now_s);
}

void Names::tick(std::uint64_t now_s) {
    for (const auto& [vrf, learned] : learned_) learned->expire(now_s);
}

// A set that was there keeps its bit. A new one takes a bit of which nothing that was learned says
// anything, as long as there are such.
Names::Bits Names::bits_for(const std::vector<NameSetConfig>& sets) const {
    Bits bits;
    NameSetBits taken = 0;
    for (const NameSetConfig& set : sets) {
        const auto known = bits_.find(set.name);
        if (known == bits_.end()) continue;
        bits.emplace(*known);
        taken |= NameSetBits{1} << known->second;
    }
    for (const NameSetConfig& set : sets) {
        if (bits.contains(set.name)) continue;
        auto bit = static_cast<unsigned>(std::countr_one(taken | used_bits_));
        if (bit >= kNameSetsMax) bit = static_cast<unsigned>(std::countr_one(taken));
        CHECK(bit < kNameSetsMax);  // a rule of load_config()
        bits.emplace(set.name, bit);
        taken |= NameSetBits{1} << bit;
    }
    return bits;
}

Result<std::shared_ptr<const CompiledNamePolicy>> Names::make_policy(const NamePolicyConfig& config,
                                                                     const Bits& bits,
                                                                     const SteerLeases& targets) {
    auto rows = rows_.lease(counting_list(config));
    if (!rows) return Unexpected(rows.error());
    auto made = std::make_shared<CompiledNamePolicy>();
    made->config = config;
    made->targets = targets;
    made->rows = std::move(rows).value();
    if (config.inspect) made->reading = reading_;
    made->policy.readers = made->reading == nullptr ? nullptr : &made->reading->readers;
    for (std::size_t i = 0; i < config.rules.size(); ++i) {
        const NameRuleConfig& rule = config.rules[i];
        NameRule& compiled = made->policy.rules.emplace_back();
        for (const std::string& set : rule.sets) {
            compiled.sets |= NameSetBits{1} << bits.find(set)->second;
        }
        compiled.outcome = outcome_of(rule.action, made->rows->rows()[i], targets);
    }
    return std::shared_ptr<const CompiledNamePolicy>(std::move(made));
}

Status Names::adopt(const PolicyConfig& config, const SteerLeases& targets) {
    Bits bits = bits_for(config.name_sets);
    Policies policies;
    for (const NamePolicyConfig& policy : config.name_policies) {
        auto made = make_policy(policy, bits, targets);
        if (!made) return Unexpected(made.error());
        policies.emplace(policy.name, std::move(made).value());
    }
    policies_ = std::move(policies);
    auto resolvers = std::make_shared<NameResolvers>();
    for (const IpAddress& resolver : config.resolvers) resolvers->add(resolver);
    resolvers_ = std::move(resolvers);
    learner_.set_resolvers({config.resolvers.begin(), config.resolvers.end()});
    adopt_sets(config.name_sets, std::move(bits));
    return ok();
}

void Names::adopt_sets(const std::vector<NameSetConfig>& sets, Bits bits) {
    auto wanted = std::make_shared<NameSets>();
    set_states_.clear();
    for (const NameSetConfig& set : sets) {
        const unsigned bit = bits.find(set.name)->second;
        if (wanted->size() <= bit) wanted->resize(bit + 1);
        NameSet& made = (*wanted)[bit] = set.set();
        set_states_[set.name] = {.names = made.members.size() + made.exceptions.size(),
                                 .payloads = made.payloads.size()};
    }
    // Nothing of a set that is gone may pass for one of another that has its bit now.
    NameSetBits fresh = 0;
    for (const auto& [name, bit] : bits) {
        if (!bits_.contains(name)) fresh |= NameSetBits{1} << bit;
    }
    if ((fresh & used_bits_) != 0) {
        for (const auto& [vrf, learned] : learned_) learned->forget_all();
        ++era_;
        used_bits_ = 0;
    }
    for (const auto& [name, bit] : bits) used_bits_ |= NameSetBits{1} << bit;
    bits_ = std::move(bits);
    if (*wanted != *wanted_ || error_ != std::nullopt) {
        wanted_ = std::move(wanted);
        error_.reset();
        compiler_.submit(wanted_);
    }
    if (is_current()) active_bits_ = bits_;
    judge_by_active();
}

// Until the wanted sets are ready, those before judge. What they say of a set that is gone must not
// pass for one that has its bit now.
void Names::judge_by_active() {
    NameSetBits still = 0;
    for (const auto& [name, bit] : active_bits_) {
        const auto now = bits_.find(name);
        if (now != bits_.end() && now->second == bit) still |= NameSetBits{1} << bit;
    }
    learner_.count_only(still);
    for (auto& [name, policy] : policies_) {
        auto next = std::make_shared<CompiledNamePolicy>(*policy);
        next->policy.read_sets = still;
        next->policy.era = era_;
        policy = std::move(next);
    }
}

bool Names::collect() {
    auto compiled = compiler_.take();
    if (compiled == nullptr || compiled->sets != wanted_) return false;
    if (compiled->error) {
        log_error("names: {}; the sets before stay", compiled->error->message);
        error_ = compiled->error;
        return false;
    }
    auto scratch = compiled->matcher->make_scratch();
    auto reading = std::make_shared<NameReading>();
    reading->names = compiled;
    reading->readers.matcher = compiled->matcher.get();
    std::vector<PatternScratch>& scratches = reading->readers.scratches;
    for (std::size_t i = 0; i < workers_ && scratch; ++i) {
        auto own = compiled->matcher->make_scratch();
        if (own) scratches.push_back(std::move(own).value());
    }
    if (!scratch || scratches.size() != workers_) {
        error_ = Error{ErrorCode::kUnavailable, "no memory to match names"};
        log_error("names: {}; the sets before stay", error_->message);
        return false;
    }
    active_bits_ = bits_;
    read_with(std::move(reading));
    learner_.set_matcher(compiled->matcher.get(), std::move(scratch).value());
    active_ = std::move(compiled);
    judge_by_active();
    log_info("names: {} sets with {} patterns are in force, {} in {:.3f} s", set_states_.size(),
             active_->matcher->patterns(), active_->was_kept ? "read back" : "compiled",
             active_->seconds);
    if (active_->not_kept) {
        log_warning("names: the patterns will be compiled again after a restart: {}",
                    active_->not_kept->message);
    }
    return true;
}

void Names::read_with(std::shared_ptr<NameReading> reading) {
    reading_ = std::move(reading);
    for (auto& [name, policy] : policies_) {
        if (!policy->config.inspect) continue;
        auto next = std::make_shared<CompiledNamePolicy>(*policy);
        next->reading = reading_;
        next->policy.readers = &reading_->readers;
        policy = std::move(next);
    }
}

void Names::police_with(const Policers& policers) {
    for (auto& [name, policy] : policies_) {
        auto next = std::make_shared<CompiledNamePolicy>(*policy);
        for (std::size_t i = 0; i < next->config.rules.size(); ++i) {
            const std::string& wanted = next->config.rules[i].police;
            if (wanted.empty()) continue;
            const auto policer_of = [&](Direction direction) {
                const auto found = policers.classes().find({wanted, direction});
                CHECK(found != policers.classes().end());  // a rule of load_config()
                return next->policers.emplace_back(found->second.policer).get();
            };
            next->policy.rules[i].police = {.in = policer_of(Direction::kIn),
                                            .out = policer_of(Direction::kOut)};
        }
        policy = std::move(next);
    }
}

std::shared_ptr<const CompiledNamePolicy> Names::policy(std::string_view name) const {
    const auto found = policies_.find(name);
    CHECK(found != policies_.end());
    return found->second;
}

void Names::describe(AclPacket& packet, std::string_view vrf) const {
    const auto learned = learned_.find(vrf);
    if (learned == learned_.end()) return;
    const bool goes_on = packet.protocol == static_cast<std::uint8_t>(IpProtocol::kTcp) &&
                         !TcpSegment::begins(packet.tcp_flags.value_or(0));
    const auto names_of = [&](const IpAddress& address) {
        return std::visit(
            [&](auto own) {
                LearnedSets sets;
                learned->second->table<decltype(own)>().lookup({&own, 1}, {&sets, 1});
                return goes_on ? sets.ever() : sets.now();
            },
            address);
    };
    packet.source_names = names_of(packet.source);
    packet.destination_names = names_of(packet.destination);
}

std::string Names::name_of(unsigned bit) const {
    const auto found = std::ranges::find(bits_, bit, &Bits::value_type::second);
    return found == bits_.end() ? std::string() : found->first;
}

}  // namespace causeway
