// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <fstream>
#include <numeric>

#include "base/check.h"
#include "control/router/router.h"
#include "control/version.h"

namespace causeway {
namespace {

std::string cpu_model() {
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        const std::string_view key = "model name";
        if (!line.starts_with(key)) continue;
        const std::size_t value = line.find(": ");
        if (value != std::string::npos) return line.substr(value + 2);
    }
    return "unknown";
}

template <class RibT>
LimitUse route_limit(std::string_view name, const RibT& rib) {
    return {name, rib.route_count(), rib.limits().routes_max, rib.refusals().table_full};
}

// Of the VRF that has most.
template <class RibT, class Vrfs>
LimitUse vrf_route_limit(std::string_view name, const RibT& rib, const Vrfs& vrfs) {
    std::size_t most = 0;
    for (const auto& vrf : vrfs) {
        const auto counts = rib.counts(vrf.second);
        CHECK(counts.has_value());
        most = std::max(most, std::accumulate(counts->begin(), counts->end(), std::size_t{0}));
    }
    return {name, most, rib.limits().routes_per_vrf_max, rib.refusals().vrf_full};
}

}  // namespace

DaemonStatus Router::status() {
    DaemonStatus status{
        .version = std::string(kVersion),
        .uptime_seconds = (now_ns() - started_ns_) / 1'000'000'000,
        .cpu = cpu_model(),
        .tsc_hz = forwarder_->tsc_hz(),
        .kernels = {{.function = "fib lookup", .variant = fib_->kernel_name()},
                    {.function = "ipv6 fib lookup", .variant = fib6_->kernel_name()}},
        .circuits = config_.circuits.size(),
        .attachments = attachments_.size(),
        .routes = ribs_->route_count(),
        .acl_log_skipped = policy_log_.unwritten(),
        .workers = {},
        .limits = {}};
    for (const auto& [name, id] : attachments_.by_name()) {
        status.attachments_up += attachments_.find(id)->is_usable() ? 1 : 0;
    }
    for (const auto& worker : forwarder_->workers()) {
        status.acl_log_skipped += worker->acl_log().lost();
        std::uint64_t packets = 0;
        std::uint64_t punts_lost = 0;
        for (const Port& port : forwarder_->ports()) {
            packets +=
                worker->counters().traffic(AttachmentId(port.id().value())).rx_packets.read();
        }
        for (const auto& [name, id] : attachments_.by_name()) {
            punts_lost += worker->counters().exits(id, Exit::kPuntFull);
        }
        status.workers.push_back({.id = worker->id(),
                                  .core = forwarder_->worker_cores()[worker->id().value()],
                                  .turns = worker->turns(),
                                  .busy_turns = worker->turns() - worker->idle_turns(),
                                  .packets = packets,
                                  .handed_over = worker->handed_over(),
                                  .punts_lost = punts_lost});
    }
    const NextHops::Usage next_hops = next_hops_->usage();
    const Fib4::Usage fib = fib_->usage();
    status.limits = {
        {"attachments", attachments_.size(), kAttachmentsMax - kPortsMax},
        {"circuits", config_.circuits.size(), kCircuitsMax},
        {"vrfs", vrfs_.size(), kVrfsMax},
        route_limit("routes", *rib_),
        vrf_route_limit("routes-per-vrf", *rib_, vrfs_),
        route_limit("ipv6-routes", *rib6_),
        vrf_route_limit("ipv6-routes-per-vrf", *rib6_, vrfs_),
        {"next-hops", next_hops.next_hops, kNextHopsMax},
        {"groups", next_hops.groups, kGroupsMax},
        {"adjacencies", next_hops.adjacencies, kAdjacenciesMax},
        {"fib-blocks", fib.blocks, kFibBlocksMax},
        {"fib-bytes", fib.level1_bytes, kFibLevel1BytesMax, rib_->refusals().fib_full},
        {"ipv6-fib-bytes", fib6_->usage().node_bytes, kFib6BytesMax, rib6_->refusals().fib_full},
    };
    return status;
}

}  // namespace causeway
