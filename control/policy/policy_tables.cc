// SPDX-License-Identifier: Apache-2.0
#include "control/policy/policy_tables.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <variant>

#include "base/check.h"
#include "base/text.h"
#include "control/log/log.h"
#include "control/router/plan.h"
#include "dataplane/ticks.h"

namespace causeway {
namespace {

// What a peering's list is until its own is built for the first time.
std::shared_ptr<const CompiledAcl> list_that_denies_all() {
    auto compiled = std::make_shared<CompiledAcl>();
    const RuleCounterId no_rule;
    auto list = AclList::build({.name = "nothing-passes", .rules = {}}, {}, {&no_rule, 1});
    CHECK(list.has_value());
    compiled->list = std::move(list).value();
    return compiled;
}

struct ChangedNames {
    std::set<std::string_view> prefix_sets;
    std::set<std::string_view> port_sets;
    std::set<std::string_view> targets;
    std::set<std::string_view> name_sets;
};

bool names_any(const Acl& acl, const ChangedNames& changed) {
    const auto any = [](const auto& names, const auto& sets) {
        return std::ranges::any_of(names, [&](const auto& name) { return sets.contains(name); });
    };
    return std::ranges::any_of(acl.rules, [&](const AclRule& rule) {
        return any(rule.source.sets, changed.prefix_sets) ||
               any(rule.destination.sets, changed.prefix_sets) ||
               any(rule.source_ports.sets, changed.port_sets) ||
               any(rule.destination_ports.sets, changed.port_sets) ||
               any(rule.source_names, changed.name_sets) ||
               any(rule.destination_names, changed.name_sets) ||
               changed.targets.contains(rule.action.steer);
    });
}

template <class Sets>
std::set<std::string_view> changed_names(const Sets& before, const Sets& after) {
    std::set<std::string_view> names;
    for (const auto& [name, members] : after) {
        const auto old = before.find(name);
        if (old == before.end() || old->second != members) names.insert(name);
    }
    return names;
}

// Whether two sources mean the same list.
bool are_alike(const AclSource& a, const Acl& acl, const AclSets& sets) {
    if (!(a.acl == acl)) return false;
    return a.sets.get() == &sets ||
           !names_any(acl, {.prefix_sets = changed_names(a.sets->prefixes, sets.prefixes),
                            .port_sets = changed_names(a.sets->ports, sets.ports),
                            .targets = changed_names(a.sets->targets, sets.targets),
                            .name_sets = changed_names(a.sets->names, sets.names)});
}

// With the groups of the targets, which stay theirs as long as a list has them, and the bits of
// the name sets.
std::shared_ptr<const AclSets> sets_of(const PolicyConfig& policy, const SteerLeases& targets,
                                       const Names::Bits& bits) {
    struct Held {
        AclSets sets;
        SteerLeases targets;
    };
    auto held = std::make_shared<Held>(Held{policy.sets(), targets});
    for (const auto& [name, lease] : targets) held->sets.targets[name] = *lease;
    for (const auto& [name, bit] : bits) held->sets.names[name] = NameSetBits{1} << bit;
    return {held, &held->sets};
}

std::string key_of(const CircuitConfig& circuit, const PeeringConfig& peering) {
    return circuit.name + '/' + std::string(to_string(peering.type));
}

IpSources sources_of(const std::vector<IpPrefix>& prefixes) {
    std::vector<Ipv4Prefix> ipv4;
    std::vector<Ipv6Prefix> ipv6;
    for (const IpPrefix& prefix : prefixes) {
        if (const auto* const own = std::get_if<Ipv4Prefix>(&prefix)) {
            ipv4.push_back(*own);
        } else {
            ipv6.push_back(std::get<Ipv6Prefix>(prefix));
        }
    }
    return {SourceSet<Ipv4Address>(ipv4), SourceSet<Ipv6Address>(ipv6)};
}

LinkPrefixes link_prefixes_of(const PeeringConfig& peering, Link link) {
    LinkPrefixes prefixes;
    if (const auto& leg = peering.leg<Ipv4Address>(link)) prefixes.ipv4 = leg->subnet;
    if (const auto& leg = peering.leg<Ipv6Address>(link)) prefixes.ipv6 = leg->subnet;
    return prefixes;
}

// Whether answers of the DNS matter to a peering.
bool asks_names(const PeeringPolicyConfig& policy, const CompiledAcl* in, const CompiledAcl* out) {
    const auto asks = [](const CompiledAcl* acl) {
        return acl != nullptr && acl->list->asks_names();
    };
    return !policy.name_policy.empty() || asks(in) || asks(out);
}

const AclList* list_of(const std::shared_ptr<const CompiledAcl>& compiled) {
    return compiled == nullptr ? nullptr : compiled->list.get();
}

}  // namespace

PolicyTables::PolicyTables(GracePeriods& grace, RuleRows::Read read_rows, const Options& options)
    : grace_(grace),
      rows_(std::move(read_rows)),
      names_(grace, rows_,
             {.workers = options.workers, .state_directory = options.state_directory}),
      nothing_passes_(list_that_denies_all()),
      policers_(options.ticks_per_second) {}

Status PolicyTables::adopt(const Config& config, const SteerLeases& targets) {
    struct New {
        std::shared_ptr<const AclSource> source;
        std::shared_ptr<const RuleRows::Lease> rows;  // null: it is built already
    };
    std::map<std::string, New> changed;
    const auto sets = sets_of(config.policy, targets, names_.bits_for(config.policy.name_sets));
    for (const Acl& acl : config.policy.acls) {
        const auto state = acls_.find(acl.name);
        if (state != acls_.end()) {
            const AclState& known = state->second;
            if (!known.error && are_alike(*known.wanted, acl, *sets)) continue;
            if (known.active != nullptr && are_alike(*known.active->source, acl, *sets)) {
                changed[acl.name] = {known.active->source, nullptr};
                continue;
            }
        }
        auto rows = rows_.lease(acl);
        if (!rows) return Unexpected(rows.error());
        changed[acl.name] = {std::make_shared<const AclSource>(AclSource{acl, sets}),
                             std::move(rows).value()};
    }
    if (const Status named = names_.adopt(config.policy, targets); !named) return named;
    std::erase_if(acls_, [&](const auto& state) {
        return std::ranges::find(config.policy.acls, state.first, &Acl::name) ==
               config.policy.acls.end();
    });
    for (auto& [name, next] : changed) {
        AclState& state = acls_[name];
        state.wanted = next.source;
        state.error.reset();
        state.findings.clear();
        if (next.rows != nullptr) compiler_.submit(std::move(next.source), std::move(next.rows));
    }
    circuits_ = config.circuits;
    dscp_maps_ = {
        {std::string(kMicrosoftDscpMapName), std::make_shared<const DscpMap>(kMicrosoftDscpMap)}};
    for (const DscpMapConfig& map : config.policy.dscp_maps) {
        dscp_maps_[map.name] = std::make_shared<const DscpMap>(map.map());
    }
    adopt_sources();
    policers_.adopt(circuits_, ticks_now());
    policers_.adopt(config.policy.policer_classes, ticks_now());
    names_.police_with(policers_);
    return ok();
}

// A peering whose prefixes are not validated has no sources, and nothing of it passes.
void PolicyTables::adopt_sources() {
    sources_.clear();
    for (const CircuitConfig& circuit : circuits_) {
        for (const PeeringConfig& peering : circuit.peerings) {
            const PeeringPolicyConfig& policy = peering.policy;
            if (policy.advertised_state != PrefixesState::kConfigured) continue;
            sources_[key_of(circuit, peering)] =
                std::make_shared<const IpSources>(sources_of(policy.advertised_prefixes));
        }
    }
}

bool PolicyTables::collect() {
    bool is_any_active = names_.collect();
    for (auto& built : compiler_.take()) {
        const std::string& name = built->source->acl.name;
        const auto found = acls_.find(name);
        if (found == acls_.end() || found->second.wanted != built->source) continue;
        AclState& state = found->second;
        if (built->error) {
            log_error("access list {}: {}; the one before it stays", name, built->error->message);
            state.error = built->error;
            continue;
        }
        log_info("access list {}: {} rules are in force, built in {:.3f} s", name,
                 built->source->acl.rules.size(), built->seconds);
        state.active = std::move(built);
        is_any_active = true;
    }
    for (AclReview& review : compiler_.take_reviews()) {
        const std::string& name = review.source->acl.name;
        const auto found = acls_.find(name);
        if (found == acls_.end() || found->second.wanted != review.source) continue;
        if (!review.findings.empty()) {
            log_warning("access list {}: {} rules change nothing: see `causeway show acl {}`", name,
                        review.findings.size(), name);
        }
        found->second.findings = std::move(review.findings);
    }
    return is_any_active;
}

PolicyTables::AclPtr PolicyTables::in_force(const std::string& wanted, const AclPtr* before) const {
    if (wanted.empty()) return nullptr;
    const auto state = acls_.find(wanted);
    CHECK(state != acls_.end());  // a rule of load_config()
    if (state->second.is_current()) return state->second.active;
    return before != nullptr ? *before : nothing_passes_;
}

const Policies* PolicyTables::make(const Attachments& attachments) {
    auto next = std::make_unique<Snapshot>();
    std::map<std::string, PeeringState> peerings;
    std::uint16_t last_id = 0;
    std::swap(peerings, peerings_);
    for (const CircuitConfig& circuit : circuits_) {
        for (const PeeringConfig& peering : circuit.peerings) {
            const std::string key = key_of(circuit, peering);
            const auto old = peerings.find(key);
            const PeeringState* const before = old == peerings.end() ? nullptr : &old->second;
            const PeeringPolicyConfig& policy = peering.policy;
            peerings_[key] = {
                .in = in_force(policy.acl_in, before != nullptr ? &before->in : nullptr),
                .out = in_force(policy.acl_out, before != nullptr ? &before->out : nullptr),
                .untranslated =
                    in_force(peering.nat ? peering.nat->untranslated_acl : std::string(),
                             before != nullptr ? &before->untranslated : nullptr)};
            add_peering(*next, circuit, peering, PeeringId(++last_id), attachments);
        }
    }
    names_.keep_vrfs(next->naming_vrfs);
    previous_ = std::exchange(current_, std::move(next));
    return current_->is_empty ? nullptr : &current_->policies;
}

void PolicyTables::add_peering(Snapshot& snapshot, const CircuitConfig& circuit,
                               const PeeringConfig& peering, PeeringId id,
                               const Attachments& attachments) {
    const std::string key = key_of(circuit, peering);
    const PeeringState& state = peerings_.find(key)->second;
    const auto sources = sources_.find(key);
    const auto dscp_map = dscp_maps_.find(peering.policy.dscp_map);
    std::vector<std::shared_ptr<const void>> kept{state.in, state.out, state.untranslated};
    if (sources != sources_.end()) kept.push_back(sources->second);
    if (dscp_map != dscp_maps_.end()) kept.push_back(dscp_map->second);
    const NamePolicy* names = nullptr;
    const NamePolicy* name_classes = nullptr;
    if (const std::string& name = peering.policy.name_policy; !name.empty()) {
        const auto policy = names_.policy(name);
        names = &policy->policy;
        if (names->has_classes()) name_classes = names;
        kept.push_back(policy);
    }
    std::shared_ptr<const NameResolvers> resolvers;
    std::shared_ptr<const LearnedAddresses> learned;
    if (asks_names(peering.policy, state.in.get(), state.out.get())) {
        kept.push_back(resolvers = names_.resolvers());
        kept.push_back(learned = names_.learned_in(peering.vrf));
        snapshot.naming_vrfs.insert(peering.vrf);
    }
    for (const Link link : {Link::kPrimary, Link::kSecondary}) {
        const auto attachment = attachments.by_name().find(attachment_name(circuit, peering, link));
        if (attachment == attachments.by_name().end()) continue;
        const auto police = [&](Direction direction) -> const PolicePlan* {
            const auto plan = policers_.plan_of(circuit, peering.type, link, direction);
            if (plan == nullptr) return nullptr;
            kept.push_back(plan);
            return &plan->plan;
        };
        AttachmentPolicy& policy = snapshot.policies.attachments[attachment->second.value()];
        policy = {.filter_in = list_of(state.in),
                  .filter_out = list_of(state.out),
                  .untranslated = list_of(state.untranslated),
                  .names = names,
                  .name_classes = name_classes,
                  .resolvers = resolvers.get(),
                  .learned = learned.get(),
                  .sources = sources == sources_.end() ? nullptr : sources->second.get(),
                  .dscp_map = dscp_map == dscp_maps_.end() ? nullptr : dscp_map->second.get(),
                  .police_in = police(Direction::kIn),
                  .police_out = police(Direction::kOut),
                  .peering = id,
                  .source_check = peering.policy.source_check,
                  .ip_options = peering.policy.ip_options,
                  .link_prefixes = link_prefixes_of(peering, link)};
        const bool has_any = policy.bits() != PolicyBits() || policy.untranslated != nullptr;
        snapshot.is_empty = snapshot.is_empty && !has_any;
    }
    std::ranges::move(kept, std::back_inserter(snapshot.kept));
}

void PolicyTables::replaced() {
    if (previous_ != nullptr) retired_.emplace_back(grace_.begin(), std::move(previous_));
    reclaim();
}

void PolicyTables::tick(std::uint64_t now_ns) {
    reclaim();
    names_.tick(now_ns / 1'000'000'000);
    policers_.tick(now_ns, ticks_now());
}

void PolicyTables::reclaim() {
    std::erase_if(retired_, [this](const auto& old) { return grace_.is_over(old.first); });
}

}  // namespace causeway
