// SPDX-License-Identifier: Apache-2.0
#include <yaml-cpp/emitter.h>
#include <yaml-cpp/emittermanip.h>

#include <string>

#include "base/text.h"
#include "control/config/config.h"
#include "control/config/nat_reader.h"
#include "control/config/policy_writer.h"
#include "control/config/values.h"

namespace causeway {
namespace {

template <class Address>
std::string interface_text(const InterfaceAddress<Address>& address) {
    return to_string(address.address) + '/' + std::to_string(address.subnet.length());
}

// Writes mappings of a document; every field, also where it has its default, so that a saved
// configuration means the same when a default changes.
class ConfigWriter {
  public:
    [[nodiscard]] std::string write(const Config& config) {
        out_ << YAML::BeginMap;
        out_ << YAML::Key << "daemon" << YAML::Value;
        write(config.daemon);
        out_ << YAML::Key << "control-plane" << YAML::Value;
        write(config.control_plane);
        if (config.bgp) write(*config.bgp);
        list("ports", config.ports);
        list("circuits", config.circuits);
        list("core-attachments", config.core_attachments);
        list("routes", config.routes);
        write_policy(out_, config.policy);
        if (config.nat != NatLimits()) write(config.nat);
        list("fpm", config.fpm);
        out_ << YAML::EndMap << YAML::Newline;
        return {out_.c_str(), out_.size()};
    }

  private:
    void field(std::string_view key, const std::string& value) {
        out_ << YAML::Key << std::string(key) << YAML::Value << value;
    }
    void field(std::string_view key, std::string_view value) { field(key, std::string(value)); }
    void field(std::string_view key, unsigned value) { field(key, std::to_string(value)); }
    void field(std::string_view key, VlanId value) { field(key, unsigned{value.value()}); }
    void optional_field(std::string_view key, const std::string& value) {
        if (!value.empty()) field(key, value);
    }
    void flag(const char* key, bool value) { field(key, kFlags.name(value)); }

    template <class T>
    void list(const char* key, const std::vector<T>& items) {
        if (items.empty()) return;
        out_ << YAML::Key << key << YAML::Value << YAML::BeginSeq;
        for (const T& item : items) write(item);
        out_ << YAML::EndSeq;
    }
    template <class T, class Text>
    void values(const char* key, const std::vector<T>& items, const Text& text) {
        out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginSeq;
        for (const T& item : items) out_ << text(item);
        out_ << YAML::EndSeq;
    }

    template <class Address>
    void legs(const std::optional<PeeringLeg<Address>>& primary,
              const std::optional<PeeringLeg<Address>>& secondary) {
        using Words = FamilyWords<Address>;
        if (primary) field(Words::kPrimaryKey, to_string(primary->subnet));
        if (secondary) field(Words::kSecondaryKey, to_string(secondary->subnet));
    }

    void write(const DaemonConfig& daemon);
    void write(const ControlPlaneConfig& control_plane);
    void write(const PuntRates& rates);
    void write(const BgpConfig& bgp);
    void write(const PeeringBgpConfig& bgp);
    void write(const PortConfig& port);
    void write(const CircuitConfig& circuit);
    void write(const PeeringConfig& peering);
    void write(const NatConfig& nat);
    void write(const NatTimers& timers);
    void write(const NatStaticConfig& mapping);
    void write(const NatUntranslated& packets);
    void write(const NatLimits& limits);
    void write(const NatLogConfig& log);
    void write(const BfdConfig& bfd);
    void write(const CoreAttachmentConfig& core);
    void write(const RouteConfig& route);
    void write(const FpmConfig& fpm);
    void write(const FpmTable& table);
    void link(const char* key, const std::optional<CircuitLink>& link);

    YAML::Emitter out_;
};

void ConfigWriter::write(const DaemonConfig& daemon) {
    out_ << YAML::BeginMap;
    field("socket", daemon.socket);
    if (!daemon.bfdd_socket.empty()) field("bfdd-socket", daemon.bfdd_socket);
    field("state-directory", daemon.state_directory);
    if (!daemon.admin_group.empty()) field("admin-group", daemon.admin_group);
    field("control-core", daemon.control_core);
    values("worker-cores", daemon.worker_cores, [](unsigned core) { return std::to_string(core); });
    flag("hugepages", daemon.hugepages);
    field("memory-mib", daemon.memory_mib);
    field("packet-buffers", daemon.packet_buffers);
    values("eal-args", daemon.eal_args, [](const std::string& argument) { return argument; });
    field("routes-max", daemon.routes_max);
    field("routes-per-vrf-max", daemon.routes_per_vrf_max);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const ControlPlaneConfig& control_plane) {
    out_ << YAML::BeginMap;
    flag("taps", control_plane.taps);
    field("namespace-prefix", control_plane.namespace_prefix);
    out_ << YAML::Key << "punts" << YAML::Value << YAML::BeginMap;
    for (const PuntClassInfo& info : kPuntClasses) {
        out_ << YAML::Key << std::string(info.name) << YAML::Value;
        write(control_plane.punts[static_cast<std::size_t>(info.punt_class)]);
    }
    out_ << YAML::EndMap << YAML::EndMap;
}

void ConfigWriter::write(const PuntRates& rates) {
    out_ << YAML::Flow << YAML::BeginMap;
    field("rate", rates.attachment.per_second);
    field("burst", rates.attachment.burst);
    field("total-rate", rates.total.per_second);
    field("total-burst", rates.total.burst);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const PortConfig& port) {
    out_ << YAML::BeginMap;
    field("name", port.name);
    field("device", port.device);
    field("role", kPortRoles.name(port.role));
    field("outer-tpid", kTpids.name(port.outer_tpid));
    field("inner-tpid", kTpids.name(port.inner_tpid));
    field("mtu", port.mtu);
    field("rx-descriptors", port.rx_descriptors);
    field("tx-descriptors", port.tx_descriptors);
    if (port.speed_bps) field("speed", bandwidth_text(*port.speed_bps));
    flag("enabled", port.enabled);
    out_ << YAML::EndMap;
}

void ConfigWriter::link(const char* key, const std::optional<CircuitLink>& link) {
    if (!link) return;
    out_ << YAML::Key << key << YAML::Value << YAML::Flow << YAML::BeginMap;
    field("port", link->port);
    if (link->s_tag) field("s-tag", *link->s_tag);
    flag("enabled", link->enabled);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const CircuitConfig& circuit) {
    out_ << YAML::BeginMap;
    field("service-key", circuit.service_key);
    field("name", circuit.name);
    field("bandwidth", bandwidth_text(circuit.bandwidth_bps));
    field("status", kCircuitStatuses.name(circuit.status));
    field("provider-state", kProviderStates.name(circuit.provider_state));
    link("primary", circuit.primary);
    link("secondary", circuit.secondary);
    write_policing(out_, circuit.policing);
    list("peerings", circuit.peerings);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const PeeringConfig& peering) {
    out_ << YAML::BeginMap;
    field("type", to_string(peering.type));
    flag("enabled", peering.enabled);
    field("c-tag", peering.c_tag);
    legs(peering.primary, peering.secondary);
    legs(peering.ipv6_primary, peering.ipv6_secondary);
    field("peer-asn", peering.peer_asn);
    field("mtu", peering.mtu);
    write(peering.bfd);
    values("prefixes", peering.prefixes, [](const IpPrefix& prefix) { return to_string(prefix); });
    write_peering_policy(out_, peering.policy);
    if (peering.nat) {
        out_ << YAML::Key << "nat" << YAML::Value;
        write(*peering.nat);
    }
    optional_field("tap-namespace", peering.tap_namespace);
    optional_field("primary-tap", peering.primary_tap);
    optional_field("secondary-tap", peering.secondary_tap);
    write(peering.bgp);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const BgpConfig& bgp) {
    out_ << YAML::Key << "bgp" << YAML::Value << YAML::BeginMap;
    field("local-asn", bgp.local_asn);
    field("drain-prepends", bgp.drain_prepends);
    field("restart-seconds", bgp.restart_seconds);
    field("frr-runtime", bgp.frr_runtime);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const PeeringBgpConfig& bgp) {
    out_ << YAML::Key << "bgp" << YAML::Value << YAML::BeginMap;
    optional_field("password", bgp.password);
    optional_field("password-file", bgp.password_file);
    field("keepalive-seconds", bgp.keepalive_seconds);
    field("hold-seconds", bgp.hold_seconds);
    field("prefixes-max", bgp.prefixes_max);
    field("ipv6-prefixes-max", bgp.ipv6_prefixes_max);
    field("restart-minutes", bgp.restart_minutes);
    field("length-max", bgp.length_max);
    field("ipv6-length-max", bgp.ipv6_length_max);
    flag("bfd", bgp.bfd);
    if (bgp.advertise) {
        values("advertise", *bgp.advertise,
               [](const IpPrefix& prefix) { return to_string(prefix); });
    }
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const NatConfig& nat) {
    const auto prefix_text = [](const Ipv4Prefix& prefix) { return to_string(prefix); };
    const auto pool = [&](const char* key, const std::vector<Ipv4Prefix>& prefixes) {
        if (!prefixes.empty()) values(key, prefixes, prefix_text);
    };
    out_ << YAML::BeginMap;
    values("inside", nat.inside, prefix_text);
    pool("pool", nat.pool);
    pool("primary-pool", nat.primary_pool);
    pool("secondary-pool", nat.secondary_pool);
    field("block-ports", nat.settings.block_ports);
    field("host-blocks", nat.settings.host_blocks_max);
    field("host-sessions", nat.settings.host_sessions_max);
    field("filtering", kNatFilterings.name(nat.settings.filtering));
    field("pairing", kNatPairings.name(nat.settings.pairing));
    field("parity", kNatParities.name(nat.settings.parity));
    field("refresh", kNatRefreshes.name(nat.settings.refresh));
    field("alarm-percent", nat.alarm_percent);
    write(nat.settings.timers);
    list("static", nat.statics);
    list("untranslated", nat.untranslated);
    if (!nat.untranslated_acl.empty()) field("untranslated-acl", nat.untranslated_acl);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const NatTimers& timers) {
    out_ << YAML::Key << "timers" << YAML::Value << YAML::BeginMap;
    field("tcp-established", timers.tcp_established);
    field("tcp-opening", timers.tcp_opening);
    field("tcp-closing", timers.tcp_closing);
    field("udp", timers.udp);
    field("icmp", timers.icmp);
    field("fragment", timers.fragment);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const NatStaticConfig& mapping) {
    const auto text = [&](const Endpoint& end) {
        const std::string address = to_string(end.address);
        return mapping.protocol ? address + ':' + std::to_string(end.port) : address;
    };
    out_ << YAML::Flow << YAML::BeginMap;
    if (mapping.protocol) field("protocol", kNatProtocolWords.name(*mapping.protocol));
    field("inside", text(mapping.inside));
    field("outside", text(mapping.outside));
    if (mapping.link) field("link", to_string(*mapping.link));
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const NatUntranslated& packets) {
    out_ << YAML::Flow << YAML::BeginMap;
    field("source", to_string(packets.source));
    field("destination", to_string(packets.destination));
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const NatLimits& limits) {
    out_ << YAML::Key << "nat" << YAML::Value << YAML::BeginMap;
    field("sessions", limits.sessions);
    field("mappings", limits.mappings);
    field("hosts", limits.hosts);
    field("alarm-percent", limits.alarm_percent);
    if (!limits.session_file.empty()) field("session-file", limits.session_file);
    if (limits.log) write(*limits.log);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const NatLogConfig& log) {
    out_ << YAML::Key << "log" << YAML::Value << YAML::BeginMap;
    field("events", kNatLoggings.name(log.events));
    if (!log.file.empty()) field("file", log.file);
    field("file-mib", log.file_mib);
    if (log.collector) {
        field("collector",
              to_string(log.collector->address) + ':' + std::to_string(log.collector->port));
    }
    field("observation-domain", log.observation_domain);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const BfdConfig& bfd) {
    out_ << YAML::Key << "bfd" << YAML::Value << YAML::Flow << YAML::BeginMap;
    flag("enabled", bfd.enabled);
    field("min-tx-ms", bfd.min_tx_ms);
    field("min-rx-ms", bfd.min_rx_ms);
    field("multiplier", bfd.multiplier);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const CoreAttachmentConfig& core) {
    out_ << YAML::BeginMap;
    field("name", core.name);
    field("port", core.port);
    field("vrf", core.vrf);
    if (core.outer) field("outer", *core.outer);
    field("vlan", core.vlan);
    field("address", interface_text(core.ipv4));
    if (core.ipv6) field("ipv6-address", interface_text(*core.ipv6));
    field("mtu", core.mtu);
    flag("enabled", core.enabled);
    optional_field("tap-namespace", core.tap_namespace);
    optional_field("tap", core.tap);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const RouteConfig& route) {
    out_ << YAML::BeginMap;
    field("vrf", route.vrf);
    field("prefix", to_string(route.prefix));
    if (route.action == RouteAction::kForward) {
        write_next_hops(out_, "via", route.via);
    } else {
        field("action", kRouteActions.name(route.action));
    }
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const FpmConfig& fpm) {
    out_ << YAML::BeginMap;
    field("name", fpm.name);
    field("address", to_string(fpm.address));
    field("port", fpm.port);
    if (!fpm.network_namespace.empty()) field("namespace", fpm.network_namespace);
    field("restart-seconds", fpm.restart_seconds);
    list("tables", fpm.tables);
    out_ << YAML::EndMap;
}

void ConfigWriter::write(const FpmTable& table) {
    out_ << YAML::Flow << YAML::BeginMap;
    field("table", table.table);
    field("vrf", table.vrf);
    out_ << YAML::EndMap;
}

}  // namespace

std::string write_config(const Config& config) {
    return ConfigWriter().write(config);
}

Config without_secrets(Config config) {
    for (CircuitConfig& circuit : config.circuits) {
        for (PeeringConfig& peering : circuit.peerings) peering.bgp.password.clear();
    }
    return config;
}

}  // namespace causeway
