// SPDX-License-Identifier: Apache-2.0
#include "control/config/policy_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "control/config/policy_values.h"
#include "control/config/words.h"

namespace causeway {
namespace {

constexpr std::uint64_t kLayer2BytesMax = 22;  // addresses, two tags, EtherType

class PolicyRules {
  public:
    PolicyRules(const Config& config, const std::vector<LegView>& legs, ConfigErrors& errors)
        : config_(config), legs_(legs), errors_(errors) {}

    void check() {
        for (const LegView& view : legs_) {
            if (view.which != Link::kPrimary || errors_.is_bad(view.peering_path)) continue;
            const PeeringPolicyConfig& policy = view.peering->policy;
            check_acl(member(view.peering_path, "acl-in"), policy.acl_in);
            check_acl(member(view.peering_path, "acl-out"), policy.acl_out);
            check_does_not_steer(member(view.peering_path, "acl-out"), policy.acl_out);
            check_name_policy(member(view.peering_path, "name-policy"), policy.name_policy);
            if (view.peering->nat) {
                check_untranslated(member(member(view.peering_path, "nat"), "untranslated-acl"),
                                   view.peering->nat->untranslated_acl);
            }
            check_dscp_map(member(view.peering_path, "dscp-map"), policy.dscp_map);
            check_sources(*view.peering, view.peering_path);
        }
        for (const LegView& view : legs_) check_bandwidth(view);
        check_classes();
        for (std::size_t i = 0; i < config_.circuits.size(); ++i) {
            const CircuitConfig& circuit = config_.circuits[i];
            check_port_speed(circuit, circuit.primary, element("circuits", i));
            check_port_speed(circuit, circuit.secondary, element("circuits", i));
        }
    }

  private:
    void check_dscp_map(const std::string& path, const std::string& name) {
        if (name.empty() || name == kMicrosoftDscpMapName) return;
        if (errors_.is_bad(path) || errors_.is_bad("dscp-maps")) return;
        std::vector<std::string_view> names{kMicrosoftDscpMapName, "none"};
        for (const DscpMapConfig& map : config_.policy.dscp_maps) names.push_back(map.name);
        if (std::ranges::find(names, name) != names.end()) return;
        errors_.add(path, fmt::format("there is no DSCP map \"{}\"{}", quotable(name),
                                      suggestion(name, names)));
    }

    void check_sources(const PeeringConfig& peering, const std::string& peering_path) {
        if (peering.type == PeeringType::kMicrosoft || errors_.is_bad(peering_path + ".type")) {
            return;
        }
        const std::string check_path = member(peering_path, "source-check");
        if (peering.policy.source_check == SourceCheck::kAdvertised) {
            errors_.add(check_path,
                        "only a Microsoft peering advertises public prefixes: choose "
                        "off, strict or loose");
        }
        for (const std::string_view key :
             {"advertised-public-prefixes", "advertised-public-prefixes-state"}) {
            const std::string path = member(peering_path, key);
            if (!errors_.is_given(path) || errors_.is_bad(path)) continue;
            errors_.add(path, "only a Microsoft peering advertises public prefixes: leave it out");
        }
    }

    // A peering has at most what the circuit has, and a burst lets the largest frame pass.
    void check_bandwidth(const LegView& view) {
        if (errors_.is_bad(view.peering_path) || errors_.is_bad(view.circuit_path)) return;
        const CircuitConfig& circuit = *view.circuit;
        const auto& peering_bps = view.peering->policy.bandwidth_bps;
        const std::string path = member(view.peering_path, "bandwidth");
        const bool is_bad =
            errors_.is_bad(path) || errors_.is_bad(member(view.circuit_path, "bandwidth"));
        if (is_bad) return;
        if (peering_bps && *peering_bps > circuit.bandwidth_bps) {
            if (view.which == Link::kPrimary) {
                errors_.add(path, fmt::format("{} is above the circuit's {}: a peering shares what "
                                              "the circuit has",
                                              bandwidth_text(*peering_bps),
                                              bandwidth_text(circuit.bandwidth_bps)));
            }
            return;
        }
        check_burst(view, peering_bps.value_or(circuit.bandwidth_bps));
    }

    void check_burst(const LegView& view, std::uint64_t bits_per_second) {
        const PolicingConfig& policing = view.circuit->policing;
        const std::string path = member(view.circuit_path, "policing.burst");
        if (!policing.enabled || view.link == nullptr || errors_.is_bad(path)) return;
        const auto port = std::ranges::find(config_.ports, view.link->port, &PortConfig::name);
        if (port == config_.ports.end()) return;
        const std::uint64_t frame = port->mtu + kLayer2BytesMax;
        const std::uint64_t share = policing.expedited_percent == 0
                                        ? bits_per_second
                                        : bits_per_second * policing.expedited_percent / 100;
        const std::uint64_t bytes =
            std::min(policing.burst.bytes_at(bits_per_second), policing.burst.bytes_at(share));
        if (bytes >= frame) return;
        errors_.add(path, fmt::format("{} is {} bytes at {}: less than the largest frame of port "
                                      "{}, {} bytes, which would never pass",
                                      to_string(policing.burst), bytes,
                                      bandwidth_text(std::max<std::uint64_t>(1, share)), port->name,
                                      frame));
    }

    // Its packets may come in by any port.
    void check_classes() {
        const auto largest = std::ranges::max_element(config_.ports, {}, &PortConfig::mtu);
        if (largest == config_.ports.end()) return;
        const std::uint64_t frame = largest->mtu + kLayer2BytesMax;
        for (std::size_t i = 0; i < config_.policy.policer_classes.size(); ++i) {
            const PolicerClassConfig& some = config_.policy.policer_classes[i];
            const std::string path = element("policer-classes", i);
            if (errors_.is_bad(path) || errors_.is_bad(member(path, "burst"))) continue;
            if (errors_.is_bad(member(path, "bandwidth"))) continue;
            const std::optional<std::uint64_t> speed = speed_of_edge();
            if (speed && some.bandwidth_bps > *speed) {
                errors_.add(
                    member(path, "bandwidth"),
                    fmt::format("{} is beyond all edge ports, whose speeds are {} together",
                                bandwidth_text(some.bandwidth_bps), bandwidth_text(*speed)));
                continue;
            }
            const std::uint64_t bytes = some.burst.bytes_at(some.bandwidth_bps);
            if (bytes >= frame) continue;
            errors_.add(
                path, fmt::format("a burst of {} is {} bytes at {}: less than the largest "
                                  "frame of port {}, {} bytes, which would never pass",
                                  to_string(some.burst), bytes, bandwidth_text(some.bandwidth_bps),
                                  largest->name, frame));
        }
    }

    // Of all ports together by which customers come; nothing where one's is not known.
    [[nodiscard]] std::optional<std::uint64_t> speed_of_edge() const {
        std::optional<std::uint64_t> speed;
        for (const PortConfig& port : config_.ports) {
            if (port.role != PortRole::kEdge) continue;
            if (!port.speed_bps) return std::nullopt;
            speed = speed.value_or(0) + *port.speed_bps;
        }
        return speed;
    }

    void check_port_speed(const CircuitConfig& circuit, const std::optional<CircuitLink>& link,
                          const std::string& circuit_path) {
        const std::string path = member(circuit_path, "bandwidth");
        if (!link || errors_.is_bad(circuit_path) || errors_.is_bad(path)) return;
        const auto port = std::ranges::find(config_.ports, link->port, &PortConfig::name);
        if (port == config_.ports.end() || !port->speed_bps) return;
        if (circuit.bandwidth_bps <= *port->speed_bps) return;
        errors_.add(path, fmt::format("{} is beyond port {}, whose speed is {}",
                                      bandwidth_text(circuit.bandwidth_bps), port->name,
                                      bandwidth_text(*port->speed_bps)));
    }

    // What leaves has had its route.
    void check_does_not_steer(const std::string& path, const std::string& name) {
        if (name.empty() || errors_.is_bad(path) || errors_.is_bad("acls")) return;
        const auto acl = std::ranges::find(config_.policy.acls, name, &Acl::name);
        if (acl == config_.policy.acls.end()) return;
        const auto rule = std::ranges::find_if(
            acl->rules, [](const AclRule& some) { return !some.action.steer.empty(); });
        if (rule == acl->rules.end()) return;
        errors_.add(path, fmt::format("rule {} of access list {} steers, which is for what comes "
                                      "in: use the list as acl-in only",
                                      rule->name, name));
    }

    void check_name_policy(const std::string& path, const std::string& name) {
        if (name.empty() || errors_.is_bad(path) || errors_.is_bad("name-policies")) return;
        std::vector<std::string_view> names;
        for (const NamePolicyConfig& policy : config_.policy.name_policies) {
            names.push_back(policy.name);
        }
        if (std::ranges::find(names, name) != names.end()) return;
        errors_.add(path, fmt::format("there is no name policy \"{}\"{}", quotable(name),
                                      suggestion(name, names)));
    }

    void check_acl(const std::string& path, const std::string& name) {
        if (name.empty() || errors_.is_bad(path) || errors_.is_bad("acls")) return;
        const std::vector<Acl>& acls = config_.policy.acls;
        if (std::ranges::find(acls, name, &Acl::name) != acls.end()) return;
        std::vector<std::string_view> names;
        for (const Acl& acl : acls) names.push_back(acl.name);
        errors_.add(path, fmt::format("there is no access list \"{}\"{}", quotable(name),
                                      suggestion(name, names)));
    }

    // It is asked a question, and nothing is done to a packet because of the answer.
    void check_untranslated(const std::string& path, const std::string& name) {
        check_acl(path, name);
        const std::vector<Acl>& acls = config_.policy.acls;
        const auto acl = std::ranges::find(acls, name, &Acl::name);
        if (acl == acls.end() || errors_.is_bad(path) || errors_.is_bad("acls")) return;
        const auto does_more = [](const AclAction& action) {
            return action.log_one_in != 0 || action.mark_dscp || !action.steer.empty();
        };
        const auto named = std::ranges::find_if(acl->rules, asks_names);
        if (named != acl->rules.end()) {
            errors_.add(path, fmt::format("rule {} of \"{}\" asks for names, which change: a list "
                                          "of what is not translated says what is always so",
                                          quotable(named->name), quotable(name)));
            return;
        }
        const auto rule = std::ranges::find_if(acl->rules, does_more, &AclRule::action);
        if (rule == acl->rules.end() && !does_more(acl->otherwise)) return;
        errors_.add(path, fmt::format("rule {} of \"{}\" logs, marks or steers: a list of what is "
                                      "not translated can only permit and deny",
                                      rule == acl->rules.end() ? "otherwise" : quotable(rule->name),
                                      quotable(name)));
    }

    const Config& config_;
    const std::vector<LegView>& legs_;
    ConfigErrors& errors_;
};

}  // namespace

void check_policy_rules(const Config& config, const std::vector<LegView>& legs,
                        ConfigErrors& errors) {
    PolicyRules(config, legs, errors).check();
}

}  // namespace causeway
