// SPDX-License-Identifier: Apache-2.0
//
// Config: what an operator wrote, checked. A value of this type has passed every rule that can be
// checked without the machine, so nothing behind it asks again. docs/configuration.md explains each
// field to the operator; load_config() holds the rules.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/types.h"
#include "control/config/nat.h"
#include "control/config/policy_config.h"
#include "dataplane/punt_class.h"

namespace causeway {

struct DaemonConfig {
    std::string socket = "/run/causeway/causeway.sock";
    std::string bfdd_socket;  // of FRR's bfdd (--dplaneaddr unix:PATH); empty: it is not asked
    std::string state_directory = "/var/lib/causeway";  // for what a restart finds again
    std::string admin_group;  // members may change things; root always may
    unsigned control_core = 0;
    std::vector<unsigned> worker_cores = {1};
    bool hugepages = false;     // false: --no-huge
    unsigned memory_mib = 512;  // packet buffers and tables inside DPDK's memory
    unsigned packet_buffers = 32'768;
    std::vector<std::string> eal_args;  // appended as they are
    // Of each family: in all VRFs together, and in any one of them. May change while we run.
    unsigned routes_max = kRoutesMax;
    unsigned routes_per_vrf_max = kRoutesPerVrfMax;
    friend bool operator==(const DaemonConfig&, const DaemonConfig&) = default;
};

struct PortConfig {
    std::string name;
    std::string
        device;  // PCI address, af_xdp:IFACE, af_packet:IFACE, tap:NAME, or a DPDK device string
    PortRole role = PortRole::kEdge;
    Tpid outer_tpid = Tpid::kDot1q;
    Tpid inner_tpid = Tpid::kDot1q;
    unsigned mtu = 1'500;  // bytes of layer 3
    unsigned rx_descriptors = 1'024;
    unsigned tx_descriptors = 1'024;
    std::optional<std::uint64_t> speed_bps;  // none: nobody has said
    bool enabled = true;
    friend bool operator==(const PortConfig&, const PortConfig&) = default;
};

// The road from an attachment to our own kernel, where BGP and BFD run.
struct ControlPlaneConfig {
    bool taps = false;                      // every attachment has one
    std::string namespace_prefix = "vrf-";  // of the network namespace of a VRF's TAPs
    PuntLimits punts = kUsualPuntLimits;
    friend bool operator==(const ControlPlaneConfig&, const ControlPlaneConfig&) = default;
};

enum class CircuitStatus : std::uint8_t { kDisabled, kEnabled };
enum class ProviderState : std::uint8_t { kNotProvisioned, kProvisioning, kProvisioned };

// Where one leg of a circuit arrives: a port and the S-tag it has there.
struct CircuitLink {
    std::string port;
    std::optional<VlanId> s_tag;  // none: 802.1Q only, the C-tag alone tells the peering
    bool enabled = true;
    friend bool operator==(const CircuitLink&, const CircuitLink&) = default;
};

// One leg of one peering in one family: a /30 or a /126, of which the first usable address is the
// customer's and the second ours. A /126 has no broadcast address, but its zero is the routers'
// anycast address (RFC 4291 2.6.1), so both families count alike.
template <class Address>
struct PeeringLeg {
    Prefix<Address> subnet;
    [[nodiscard]] Address customer() const { return Address(subnet.first().value() + 1); }
    [[nodiscard]] Address ours() const { return Address(subnet.first().value() + 2); }
    friend bool operator==(const PeeringLeg&, const PeeringLeg&) = default;
};

// How BFD (RFC 5880, 5881) watches the links of a peering. The slower end of each direction wins.
struct BfdConfig {
    bool enabled = true;
    unsigned min_tx_ms = 300;  // between packets of ours, milliseconds
    unsigned min_rx_ms = 300;  // between the customer's, at least
    unsigned multiplier = 3;   // so many packets missing, and the link is down
    friend bool operator==(const BfdConfig&, const BfdConfig&) = default;
};

// What FRR is told of the sessions of a peering (control/frr).
struct PeeringBgpConfig {
    std::string password;       // of TCP MD5 (RFC 2385); empty: none, or the file's
    std::string password_file;  // whose first line is the password; read by who writes FRR's files
    unsigned keepalive_seconds = 60;
    unsigned hold_seconds = 180;
    // Of each link. Above it the session ends, and is tried again after so many minutes.
    unsigned prefixes_max = 4'000;
    unsigned ipv6_prefixes_max = 100;
    unsigned restart_minutes = 1;
    unsigned length_max = 32;  // longer prefixes are refused
    unsigned ipv6_length_max = 128;
    bool bfd = false;  // FRR's bfdd watches the neighbour, and bgpd follows it
    // What the customer is told. Nothing: of a private peering, all that its VRF leads to on the
    // cloud side; of a Microsoft peering, no prefix.
    std::optional<std::vector<IpPrefix>> advertise;
    friend bool operator==(const PeeringBgpConfig&, const PeeringBgpConfig&) = default;
};

struct PeeringConfig {
    PeeringType type = PeeringType::kPrivate;
    bool enabled = true;
    VlanId c_tag = *VlanId::from(1);
    std::optional<PeeringLeg<Ipv4Address>> primary;
    std::optional<PeeringLeg<Ipv4Address>> secondary;
    std::optional<PeeringLeg<Ipv6Address>> ipv6_primary;  // beside the others, or neither
    std::optional<PeeringLeg<Ipv6Address>> ipv6_secondary;
    std::uint32_t peer_asn = 0;
    unsigned mtu = 1'500;
    BfdConfig bfd;
    std::vector<IpPrefix> prefixes;  // behind the customer: reached over both links at once
    PeeringPolicyConfig policy;
    std::optional<NatConfig> nat;  // of a Microsoft peering
    PeeringBgpConfig bgp;
    std::string tap_namespace;  // these three, where empty: see tap_places.h
    std::string primary_tap;
    std::string secondary_tap;
    std::string vrf;  // derived: the circuit's name, or "microsoft"

    template <class Address>
    [[nodiscard]] const std::optional<PeeringLeg<Address>>& leg(Link link) const noexcept {
        if constexpr (std::same_as<Address, Ipv4Address>) {
            return link == Link::kPrimary ? primary : secondary;
        } else {
            return link == Link::kPrimary ? ipv6_primary : ipv6_secondary;
        }
    }
    friend bool operator==(const PeeringConfig&, const PeeringConfig&) = default;
};

struct CircuitConfig {
    std::string service_key;  // GUID, lower case
    std::string name;
    std::uint64_t bandwidth_bps = 0;
    CircuitStatus status = CircuitStatus::kEnabled;
    ProviderState provider_state = ProviderState::kNotProvisioned;
    std::optional<CircuitLink> primary;
    std::optional<CircuitLink> secondary;
    PolicingConfig policing;
    std::vector<PeeringConfig> peerings;

    [[nodiscard]] bool forwards() const noexcept {
        return status == CircuitStatus::kEnabled && provider_state == ProviderState::kProvisioned;
    }
    friend bool operator==(const CircuitConfig&, const CircuitConfig&) = default;
};

// An address of ours, and the network it lies in: 10.2.0.1/24.
template <class Address>
struct InterfaceAddress {
    Address address;
    Prefix<Address> subnet;
    friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

// The cloud side: a tagged interface of a core port in one VRF.
struct CoreAttachmentConfig {
    std::string name;
    std::string port;
    std::string vrf;
    std::optional<VlanId> outer;  // QinQ where both are given
    VlanId vlan = *VlanId::from(1);
    InterfaceAddress<Ipv4Address> ipv4;
    std::optional<InterfaceAddress<Ipv6Address>> ipv6;
    unsigned mtu = 1'400;
    bool enabled = true;
    std::string tap_namespace;  // these two, where empty: see tap_places.h
    std::string tap;
    friend bool operator==(const CoreAttachmentConfig&, const CoreAttachmentConfig&) = default;
};

enum class RouteAction : std::uint8_t { kForward, kBlackhole, kUnreachable, kProhibit };

struct RouteConfig {
    std::string vrf;
    IpPrefix prefix;
    RouteAction action = RouteAction::kForward;
    // Of the prefix's family, and all of them recursive or none; empty unless kForward.
    std::vector<RouteNextHop> via;
    friend bool operator==(const RouteConfig&, const RouteConfig&) = default;
};

// A table of the kernel, whose routes zebra tells as those of a VRF.
struct FpmTable {
    std::uint32_t table = 0;
    std::string vrf;
    friend bool operator==(const FpmTable&, const FpmTable&) = default;
};

// Where a zebra connects to tell its routes.
struct FpmConfig {
    std::string name;
    IpAddress address = Ipv4Address(0x7f'00'00'01);
    unsigned port = 2'620;
    std::string network_namespace;  // in which it listens; empty: the daemon's own
    unsigned restart_seconds = 120;
    std::vector<FpmTable> tables;
    friend bool operator==(const FpmConfig&, const FpmConfig&) = default;
};

// FRR's BGP, as we configure it.
struct BgpConfig {
    std::uint32_t local_asn = 12'076;
    unsigned drain_prepends = 8;     // of our own number, on a link that is drained
    unsigned restart_seconds = 120;  // of graceful restart (RFC 4724)
    // Has FRR's sockets, in a folder for each namespace; empty: causewayd does not speak to FRR.
    std::string frr_runtime = "/run/frr";
    friend bool operator==(const BgpConfig&, const BgpConfig&) = default;
};

struct Config {
    DaemonConfig daemon;
    ControlPlaneConfig control_plane;
    std::optional<BgpConfig> bgp;  // nothing: no FRR
    std::vector<PortConfig> ports;
    std::vector<CircuitConfig> circuits;
    std::vector<CoreAttachmentConfig> core_attachments;
    std::vector<RouteConfig> routes;
    PolicyConfig policy;
    NatLimits nat;
    std::vector<FpmConfig> fpm;
    // Every VRF that the above speaks of: "microsoft" and one per circuit with a private peering,
    // sorted.
    std::vector<std::string> vrfs;
    friend bool operator==(const Config&, const Config&) = default;
};

inline constexpr std::string_view kMicrosoftVrf = "microsoft";

// One thing wrong with a document: where, what, and in whose words.
struct ConfigError {
    unsigned line = 0;    // 1-based; 0 where the document as a whole is at fault
    unsigned column = 0;  // 1-based
    std::string path;     // "circuits[1].peerings[0].c-tag"
    std::string
        message;  // "C-tag 100 under S-tag 10 on port edge-primary is taken by circuit contoso"
};

// Either a Config or all that is wrong, in the order of the document. Never both, never neither.
struct LoadedConfig {
    std::optional<Config> config;
    std::vector<ConfigError> errors;
    std::vector<ConfigError> warnings;  // what is right, but hardly meant
};

// Parses and validates one YAML document. Never throws; any text is fine as input.
[[nodiscard]] LoadedConfig load_config(std::string_view yaml);

// "FILE:LINE:COLUMN: PATH: message", as compilers print it; without what the error does not have.
[[nodiscard]] std::string format_error(std::string_view file, const ConfigError& error);

// The canonical document of a configuration: load_config(write_config(c)) gives c again.
[[nodiscard]] std::string write_config(const Config& config);
// Without what not everybody who may read a configuration may know: passwords of BGP sessions.
[[nodiscard]] Config without_secrets(Config config);

}  // namespace causeway
