// SPDX-License-Identifier: Apache-2.0
#include "control/config/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "control/config/legs.h"
#include "control/config/policy_rules.h"
#include "control/config/tap_places.h"
#include "control/config/values.h"
#include "control/config/words.h"

namespace causeway {
namespace {

class Rules {
  public:
    Rules(const Config& config, ConfigErrors& errors)
        : config_(config), errors_(errors), legs_(legs_of(config, errors)) {}

    void check() {
        check_cores();
        check_route_limits();
        check_ports();
        check_circuits();
        check_core_attachments();
        check_legs();
        check_tags();
        check_taps();
        check_limits();
        check_network_rules(config_, legs_, errors_);
        check_recursion_rules(config_, errors_);
        check_policy_rules(config_, legs_, errors_);
        check_nat_rules(config_, legs_, errors_);
    }

  private:
    void check_cores();
    void check_route_limits();
    void check_ports();
    void check_circuits();
    void check_peering_types(const CircuitConfig& circuit, const std::string& path);
    void check_links(const CircuitConfig& circuit, const std::string& path);
    void check_core_attachments();
    void check_legs();
    template <class Address>
    void check_subnet(const LegView& view, const std::string& why);
    void check_tags();
    void check_taps();
    void check_limits();

    void check_port_reference(const std::string& path, const std::string& name, PortRole role);
    void check_mtu(const std::string& owner_path, unsigned mtu, const std::string& port);
    void check_ipv6_mtu(const std::string& owner_path, unsigned mtu);
    [[nodiscard]] bool is_any_bad(std::initializer_list<std::string> paths) const {
        return std::ranges::any_of(paths, [&](const auto& path) { return errors_.is_bad(path); });
    }
    [[nodiscard]] const PortConfig* find_port(const std::string& name) const;

    const Config& config_;
    ConfigErrors& errors_;
    std::vector<LegView> legs_;
    std::map<std::string, std::size_t> ports_;  // by name; the first of equal names
};

void Rules::check_cores() {
    const DaemonConfig& daemon = config_.daemon;
    const std::string list_path = "daemon.worker-cores";
    if (daemon.worker_cores.empty() && !errors_.is_bad(list_path)) {
        errors_.add(list_path, "is empty: give at least one core");
    }
    std::map<unsigned, std::size_t> seen;
    for (std::size_t i = 0; i < daemon.worker_cores.size(); ++i) {
        const std::string path = element(list_path, i);
        const unsigned core = daemon.worker_cores[i];
        if (errors_.is_bad(path)) continue;
        if (core == daemon.control_core && !errors_.is_bad("daemon.control-core")) {
            errors_.add(path, fmt::format("core {} is the control core: a worker needs a core of "
                                          "its own",
                                          core));
        } else if (!seen.try_emplace(core, i).second) {
            errors_.add(path,
                        fmt::format("core {} is listed twice: one worker runs on a core", core));
        }
    }
}

void Rules::check_route_limits() {
    const DaemonConfig& daemon = config_.daemon;
    const std::string path = "daemon.routes-per-vrf-max";
    if (is_any_bad({path, "daemon.routes-max"})) return;
    if (daemon.routes_per_vrf_max <= daemon.routes_max) return;
    errors_.add(path, fmt::format("{} is above routes-max, which is {}: a VRF cannot have more "
                                  "routes than all together",
                                  daemon.routes_per_vrf_max, daemon.routes_max));
}

void Rules::check_ports() {
    Claims<std::string> devices;
    for (std::size_t i = 0; i < config_.ports.size(); ++i) {
        const PortConfig& port = config_.ports[i];
        const std::string path = element("ports", i);
        if (errors_.is_bad(path)) continue;
        const auto [first, is_new] = ports_.try_emplace(port.name, i);
        const std::string name_path = member(path, "name");
        if (!is_new && !errors_.is_bad(name_path)) {
            errors_.add(
                name_path,
                fmt::format("port {} exists already (line {}): choose another name", port.name,
                            errors_.line_of(element("ports", first->second) + ".name")));
        }
        const std::string device_path = member(path, "device");
        if (errors_.is_bad(device_path)) continue;
        if (const auto* taken = devices.take(device_identity(port.device), device_path)) {
            errors_.add(device_path,
                        fmt::format("device {} is opened by another port already (line {}): a "
                                    "device is one port",
                                    port.device, errors_.line_of(taken->path)));
        }
    }
}

const PortConfig* Rules::find_port(const std::string& name) const {
    const auto found = ports_.find(name);
    return found == ports_.end() ? nullptr : &config_.ports[found->second];
}

void Rules::check_port_reference(const std::string& path, const std::string& name, PortRole role) {
    if (!errors_.is_given(path) || errors_.is_bad(path) || errors_.is_bad("ports")) return;
    const auto found = ports_.find(name);
    if (found == ports_.end()) {
        std::vector<std::string_view> names;
        for (const auto& [known, index] : ports_) names.push_back(known);
        errors_.add(path, fmt::format("there is no port \"{}\"{}", quotable(name),
                                      suggestion(name, names)));
        return;
    }
    const PortConfig& port = config_.ports[found->second];
    if (port.role == role || errors_.is_bad(element("ports", found->second) + ".role")) return;
    errors_.add(path, role == PortRole::kEdge
                          ? fmt::format("{} is a core port: a circuit's link arrives on a port of "
                                        "role edge",
                                        name)
                          : fmt::format("{} is an edge port: a core attachment needs a port of "
                                        "role core",
                                        name));
}

void Rules::check_circuits() {
    Claims<std::string> keys;
    Claims<std::string> names;
    for (std::size_t i = 0; i < config_.circuits.size(); ++i) {
        const CircuitConfig& circuit = config_.circuits[i];
        const std::string path = element("circuits", i);
        const std::string key_path = member(path, "service-key");
        const std::string name_path = member(path, "name");
        if (errors_.is_bad(path)) continue;
        if (!errors_.is_bad(key_path)) {
            if (const auto* taken = keys.take(circuit.service_key, key_path, circuit.name)) {
                errors_.add(key_path, fmt::format("service key {} is circuit {}'s already (line "
                                                  "{}): each circuit has its own",
                                                  circuit.service_key, quotable(taken->who),
                                                  errors_.line_of(taken->path)));
            }
        }
        if (!errors_.is_bad(name_path)) {
            if (circuit.name == kMicrosoftVrf) {
                errors_.add(name_path,
                            "\"microsoft\" is the VRF that all Microsoft peerings share: choose "
                            "another name");
            } else if (const auto* taken = names.take(circuit.name, name_path)) {
                errors_.add(name_path,
                            fmt::format("circuit {} exists already (line {}): choose another name",
                                        circuit.name, errors_.line_of(taken->path)));
            }
        }
        check_links(circuit, path);
        check_peering_types(circuit, path);
    }
}

void Rules::check_links(const CircuitConfig& circuit, const std::string& path) {
    const std::string primary = member(path, "primary");
    const std::string secondary = member(path, "secondary");
    if (circuit.primary) {
        check_port_reference(member(primary, "port"), circuit.primary->port, PortRole::kEdge);
    }
    if (circuit.secondary) {
        check_port_reference(member(secondary, "port"), circuit.secondary->port, PortRole::kEdge);
    }
    if (!circuit.primary && !circuit.secondary && !circuit.peerings.empty()) {
        errors_.add(path, "has peerings but no link: add \"primary\" and \"secondary\"");
    }
}

void Rules::check_peering_types(const CircuitConfig& circuit, const std::string& path) {
    Claims<PeeringType> types;
    for (std::size_t j = 0; j < circuit.peerings.size(); ++j) {
        const PeeringType type = circuit.peerings[j].type;
        const std::string type_path = element(member(path, "peerings"), j) + ".type";
        if (errors_.is_bad(type_path)) continue;
        const auto* taken = types.take(type, type_path);
        if (taken == nullptr) continue;
        errors_.add(type_path, fmt::format("the circuit has a {} peering already (line {}): it can "
                                           "have one of each type",
                                           to_string(type), errors_.line_of(taken->path)));
    }
}

void Rules::check_core_attachments() {
    Claims<std::string> names;
    for (std::size_t i = 0; i < config_.core_attachments.size(); ++i) {
        const CoreAttachmentConfig& core = config_.core_attachments[i];
        const std::string path = element("core-attachments", i);
        if (errors_.is_bad(path)) continue;
        const std::string name_path = member(path, "name");
        if (!errors_.is_bad(name_path)) {
            if (const auto* taken = names.take(core.name, name_path)) {
                errors_.add(name_path, fmt::format("core attachment {} exists already (line {}): "
                                                   "choose another name",
                                                   core.name, errors_.line_of(taken->path)));
            }
        }
        check_port_reference(member(path, "port"), core.port, PortRole::kCore);
        check_mtu(path, core.mtu, core.port);
        if (core.ipv6) check_ipv6_mtu(path, core.mtu);
    }
}

void Rules::check_mtu(const std::string& owner_path, unsigned mtu, const std::string& port_name) {
    const PortConfig* port = find_port(port_name);
    const std::string path = member(owner_path, "mtu");
    if (port == nullptr || mtu <= port->mtu || errors_.is_bad(path)) return;
    const auto index = static_cast<std::size_t>(port - config_.ports.data());
    if (errors_.is_bad(element("ports", index) + ".mtu")) return;
    errors_.add(path, fmt::format("MTU {} is above port {}'s {}: lower it, or raise the port's",
                                  mtu, port->name, port->mtu));
}

// RFC 8200 5: no link of IPv6 may have less.
void Rules::check_ipv6_mtu(const std::string& owner_path, unsigned mtu) {
    constexpr unsigned kMin = 1'280;
    const std::string path = member(owner_path, "mtu");
    if (mtu >= kMin || errors_.is_bad(path)) return;
    errors_.add(path, fmt::format("MTU {} is below {}, which IPv6 needs: raise it", mtu, kMin));
}

// A peering has a subnet exactly where its circuit has a link: of IPv4, and of IPv6 where it has
// that at all.
void Rules::check_legs() {
    for (const LegView& view : legs_) {
        if (errors_.is_bad(view.peering_path) || errors_.is_bad(view.circuit_path)) continue;
        check_subnet<Ipv4Address>(
            view, "the circuit has a " + std::string(to_string(view.which)) + " link");
        if (view.peering->ipv6_primary || view.peering->ipv6_secondary) {
            check_subnet<Ipv6Address>(view, "the other link has IPv6");
            check_ipv6_mtu(view.peering_path, view.peering->mtu);
        }
        if (view.link != nullptr) check_mtu(view.peering_path, view.peering->mtu, view.link->port);
    }
}

// `why` says what makes a subnet that is missing necessary.
template <class Address>
void Rules::check_subnet(const LegView& view, const std::string& why) {
    const auto& [leg, path] = view.subnet<Address>();
    if (errors_.is_bad(path)) return;
    const std::string_view name = to_string(view.which);
    if (view.link != nullptr && leg == nullptr) {
        errors_.add(path,
                    fmt::format("is missing: {}, so add a /{} for it (or a /{} as \"{}\" for both "
                                "links)",
                                why, kLinkSubnetLength<Address>, kBothSubnetLength<Address>,
                                FamilyWords<Address>::kBothKey));
    } else if (view.link == nullptr && leg != nullptr) {
        errors_.add(path, fmt::format("is for a {} link, which the circuit does not have: add "
                                      "\"{}\" to the circuit, or give only the other link's /{}",
                                      name, name, kLinkSubnetLength<Address>));
    }
}

using TagKey = std::tuple<std::string, unsigned, unsigned>;  // port, outer tag or 0, inner tag

std::string tags_text(unsigned outer, unsigned inner) {
    return outer == 0 ? fmt::format("tag {}", inner)
                      : fmt::format("C-tag {} under S-tag {}", inner, outer);
}

unsigned outer_tag(const std::optional<VlanId>& tag) {
    return tag ? tag->value() : 0U;
}

// Two attachments of one port may differ in the number of tags or in one of them, else a frame
// could not tell them apart.
void Rules::check_tags() {
    Claims<TagKey> claims;
    const auto claim = [&](const TagKey& key, const std::string& path, const std::string& who) {
        const auto* taken = claims.take(key, path, who);
        if (taken == nullptr) return;
        const auto& [port, outer, inner] = key;
        errors_.add(path, fmt::format("{} on port {} is taken by {} (line {}): choose another tag",
                                      tags_text(outer, inner), quotable(port), quotable(taken->who),
                                      errors_.line_of(taken->path)));
    };
    for (const LegView& view : legs_) {
        const std::string path = member(view.peering_path, "c-tag");
        if (view.link == nullptr ||
            is_any_bad({view.peering_path, path, view.link_path, view.link_path + ".port",
                        view.link_path + ".s-tag"})) {
            continue;
        }
        claim({view.link->port, outer_tag(view.link->s_tag), view.peering->c_tag.value()}, path,
              view.who);
    }
    for (std::size_t i = 0; i < config_.core_attachments.size(); ++i) {
        const CoreAttachmentConfig& core = config_.core_attachments[i];
        const std::string path = element("core-attachments", i);
        if (is_any_bad({path, path + ".vlan", path + ".outer", path + ".port"})) continue;
        claim({core.port, outer_tag(core.outer), core.vlan.value()}, path + ".vlan",
              "core attachment " + core.name);
    }
}

// Two TAPs of one network namespace have different names, given or derived.
void Rules::check_taps() {
    Claims<TapPlace> claims;
    const auto claim = [&](const std::optional<TapPlace>& place, const std::string& owner_path,
                           std::string_view key, const std::string& who) {
        const std::string key_path = member(owner_path, key);
        if (!place || is_any_bad({owner_path, key_path, owner_path + ".tap-namespace"})) return;
        const std::string& path = errors_.is_given(key_path) ? key_path : owner_path;
        const auto* taken = claims.take(*place, path, who);
        if (taken == nullptr) return;
        errors_.add(path, fmt::format("TAP {} in network namespace {} is that of {} (line {}): "
                                      "give \"{}\" another name",
                                      place->name, place->network_namespace, quotable(taken->who),
                                      errors_.line_of(taken->path), key));
    };
    for (const LegView& view : legs_) {
        if (view.link == nullptr || is_any_bad({view.circuit_path + ".name"})) continue;
        const bool is_primary = view.which == Link::kPrimary;
        claim(tap_of(config_.control_plane, *view.circuit, *view.peering, view.which),
              view.peering_path, is_primary ? "primary-tap" : "secondary-tap", view.who);
    }
    for (std::size_t i = 0; i < config_.core_attachments.size(); ++i) {
        const CoreAttachmentConfig& core = config_.core_attachments[i];
        const std::string path = element("core-attachments", i);
        if (is_any_bad({path + ".name", path + ".vrf"})) continue;
        claim(tap_of(config_.control_plane, core), path, "tap", "core attachment " + core.name);
    }
}

void Rules::check_limits() {
    const auto legs = std::ranges::count_if(legs_, [](const LegView& view) {
        return view.link != nullptr && view.ipv4.leg != nullptr;
    });
    const std::size_t attachments =
        static_cast<std::size_t>(legs) + config_.core_attachments.size();
    if (attachments > kAttachmentsMax - kPortsMax) {
        errors_.add("circuits", fmt::format("links of peerings and core attachments are {} "
                                            "together: at most {} are possible",
                                            attachments, kAttachmentsMax - kPortsMax));
    }
    std::set<std::string_view> vrfs{kMicrosoftVrf};
    for (const LegView& view : legs_) vrfs.insert(view.peering->vrf);
    if (vrfs.size() > kVrfsMax) {
        errors_.add("circuits", fmt::format("the private peerings and \"microsoft\" make {} VRFs: "
                                            "at most {} are possible",
                                            vrfs.size(), kVrfsMax));
    }
}

}  // namespace

void check_config_rules(const Config& config, ConfigErrors& errors) {
    Rules(config, errors).check();
}

}  // namespace causeway
