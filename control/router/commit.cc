// SPDX-License-Identifier: Apache-2.0
//
// From a configuration to what the workers read. A commit never stops a worker: routes and next
// hops change in place, everything else is published as one new set of tables.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "control/config/fpm_section.h"
#include "control/log/log.h"
#include "control/router/router.h"
#include "control/slow_path/ip_family.h"

namespace causeway {
namespace {

RouteLimits limits_of(const Config& config) {
    return {.routes_max = config.daemon.routes_max,
            .routes_per_vrf_max = config.daemon.routes_per_vrf_max};
}

// Who may speak BGP and BFD there: the peer, or where none is configured any host of the subnet.
PuntParties parties_of(const Attachment& attachment) {
    PuntParties parties;
    parties.ipv4 = {attachment.address,
                    attachment.peer ? host_prefix(*attachment.peer) : attachment.subnet};
    if (attachment.ipv6) {
        const auto& [ours, subnet, peer] = *attachment.ipv6;
        parties.ipv6 = {ours, peer ? host_prefix(*peer) : subnet};
    }
    return parties;
}

}  // namespace

// All of the configuration, or all of the one before it: where a maximum stops us half way, the old
// plan is installed again, whose resources it had before.
Status Router::commit(const Config& config) {
    if (const Status adopted = adopt_policy(config); !adopted) return adopted;
    const Plan before = plan_of(config_);
    ribs_->set_limits(limits_of(config));
    const Plan plan = plan_of(config);
    Status status = install(plan);
    if (status) status = nat_->install(plan, config.nat);
    if (status) status = feeds_->configure(fpm_listeners_of(config), vrfs_);
    if (!status) {
        ribs_->set_limits(limits_of(config_));
        Status restored = install(before);
        if (restored) restored = nat_->install(before, config_.nat);
        if (!restored) log_error("cannot restore: {}", restored.error().message);
        const Status policy_restored = adopt_policy(config_);
        if (!policy_restored) log_error("cannot restore: {}", policy_restored.error().message);
        if (restored) CHECK(feeds_->configure(fpm_listeners_of(config_), vrfs_).has_value());
        publish();
        taps_->delete_removed();
        return status;
    }
    installed_.nats = plan.nats;
    const bool has_new_limits =
        config.daemon.routes_max != config_.daemon.routes_max ||
        config.daemon.routes_per_vrf_max != config_.daemon.routes_per_vrf_max;
    config_ = config;
    frr_->configure(config);
    punt_police_.set_limits(config.control_plane.punts);
    if (has_new_limits) feeds_->limits_changed();
    publish();
    taps_->delete_removed();
    if (bfdd_) bfdd_->host_changed();
    return ok();
}

Status Router::adopt_policy(const Config& config) {
    auto leases = targets_->lease(config.policy.steer_targets);
    if (!leases) return Unexpected(leases.error());
    return policy_->adopt(config, std::move(leases).value());
}

// In an order in which each thing finds what it stands on: what goes, from the top; then what
// comes, from the bottom.
Status Router::install(const Plan& plan) {
    std::erase_if(installed_.routes, [&](const auto& route) {
        const bool goes = !plan.routes.contains(route.first);
        if (goes) remove_route(route.first);
        return goes;
    });
    std::erase_if(installed_.attachments, [&](const auto& attachment) {
        const auto next = plan.attachments.find(attachment.first);
        const bool goes =
            next == plan.attachments.end() || !next->second.is_same_place(attachment.second);
        if (goes) remove_attachment(attachment.first);
        return goes;
    });

    for (const std::string& vrf : plan.vrfs) {
        if (const auto id = open_vrf(vrf); !id) return Unexpected(id.error());
    }
    for (const auto& [name, planned] : plan.attachments) {
        const bool is_new = installed_.attachments.insert_or_assign(name, planned).second;
        if (!is_new) {
            update_attachment_state(planned);
        } else if (const Status status = install_attachment(planned); !status) {
            return status;
        }
        install_inside(planned);
        if (const Status status = install_tap(planned); !status) return status;
    }
    if (const Status status = install_routes(plan); !status) return status;
    const auto find_vrf = [this](const std::string& name) { return vrfs_.find(name)->second; };
    if (const Status status = targets_->resolve(plan, find_vrf, now_ns()); !status) return status;
    std::erase_if(vrfs_, [&](const auto& vrf) {
        const bool goes = std::ranges::find(plan.vrfs, vrf.first) == plan.vrfs.end();
        if (goes) close_vrf(vrf.second);
        return goes;
    });
    installed_.vrfs = plan.vrfs;
    feeds_->attachments_came();
    routes_->settle();
    return ok();
}

void Router::install_inside(const PlannedAttachment& planned) {
    Attachment* attachment = attachments_.find(planned.name);
    CHECK(attachment != nullptr);
    attachment->inside = planned.inside;
    attachment->inside_vrf.reset();
    if (!planned.inside_vrf.empty())
        attachment->inside_vrf = vrfs_.find(planned.inside_vrf)->second;
}

void Router::close_vrf(VrfId vrf) {
    routes_->remove_fed(vrf);
    feeds_->vrf_closing(vrf);
    CHECK(ribs_->destroy_vrf(vrf).has_value());
    closing_vrfs_.push_back(vrf);
}

Result<VrfId> Router::open_vrf(const std::string& name) {
    if (const auto found = vrfs_.find(name); found != vrfs_.end()) return found->second;
    std::vector<bool> taken(kVrfsMax);
    for (const auto& [other, id] : vrfs_) taken[id.value()] = true;
    for (const VrfId id : closing_vrfs_) taken[id.value()] = true;
    std::erase_if(resting_vrfs_,
                  [this](const auto& vrf) { return quiescence_.is_over(vrf.first); });
    for (const auto& [token, id] : resting_vrfs_) taken[id.value()] = true;
    const auto free = std::ranges::find(taken, false);
    if (free == taken.end()) {
        return Unexpected(ErrorCode::kFull,
                          "there are already " + std::to_string(kVrfsMax) + " VRFs");
    }
    const VrfId id(static_cast<std::uint16_t>(free - taken.begin()));
    if (const Status status = ribs_->create_vrf(id); !status) return Unexpected(status.error());
    vrfs_.emplace(name, id);
    return id;
}

Exit Router::closed_now(const PlannedAttachment& planned) const {
    if (planned.closed != Exit::kNone) return planned.closed;
    const auto said = overrides_.find(planned.name);
    const bool up = said == overrides_.end() ? planned.enabled : said->second == AdminStatus::kUp;
    return up ? Exit::kNone : Exit::kAdminDown;
}

Status Router::install_attachment(const PlannedAttachment& planned) {
    const auto id = attachments_.id_of(planned.name);
    if (!id) return Unexpected(id.error());
    const Port* port = find_port(planned.port);
    CHECK(port != nullptr);  // a rule of load_config(), and ports do not change while we run
    const auto port_config = std::ranges::find(config_.ports, planned.port, &PortConfig::name);
    CHECK(port_config != config_.ports.end());
    const VrfId vrf = vrfs_.find(planned.vrf)->second;
    attachments_.put({.id = *id,
                      .name = planned.name,
                      .port = port->id(),
                      .outer = planned.outer,
                      .inner = planned.inner,
                      .outer_tpid = port_config->outer_tpid,
                      .inner_tpid = port_config->inner_tpid,
                      .vrf = vrf,
                      .vrf_name = planned.vrf,
                      .address = planned.ipv4.address,
                      .subnet = planned.ipv4.subnet,
                      .ipv6 = planned.ipv6,
                      .mac = port->mac(),
                      .mtu = planned.mtu,
                      .peer = planned.ipv4.peer,
                      .circuit = planned.circuit,
                      .link = planned.link,
                      .closed = closed_now(planned),
                      .is_port_up = port_states_[port->id().value()].has_link,
                      .is_draining = drains_.contains(planned.name),
                      .bfd = planned.bfd});
    lease_row(*id, port->id());
    const Attachment& attachment = *attachments_.find(*id);
    punt_police_.begin(*id, parties_of(attachment));
    if (const Status status = install_interface(attachment, planned.ipv4); !status) return status;
    if (planned.ipv6) {
        const Status status = install_interface(attachment, *planned.ipv6);
        if (!status) return status;
    }
    bfd_->update(attachment);
    return ok();
}

Status Router::install_tap(const PlannedAttachment& planned) {
    const Attachment& attachment = *attachments_.find(planned.name);
    if (planned.tap) return taps_->put(attachment, *planned.tap);
    taps_->remove(attachment.id);
    return ok();
}

template <class Address>
Status Router::install_interface(const Attachment& attachment,
                                 const IpInterface<Address>& interface) {
    const struct {
        IpPrefix prefix;
        AdjacencyKind kind;
    } connected[] = {{interface.subnet, AdjacencyKind::kUnresolved},
                     {host_prefix(interface.address), AdjacencyKind::kLocal}};
    for (const auto& route : connected) {
        const Status status = ribs_->add(attachment.vrf, route.prefix, RouteSource::kConnected,
                                         special_group(route.kind));
        if (!status) return status;
    }
    if (!interface.peer) return ok();
    const auto peer = neighbours_->acquire({attachment.id, *interface.peer}, now_ns());
    return peer ? ok() : Status(Unexpected(peer.error()));
}

template <class Address>
void Router::remove_interface(const Attachment& attachment, const IpInterface<Address>& interface) {
    (void)ribs_->remove(attachment.vrf, interface.subnet, RouteSource::kConnected);
    (void)ribs_->remove(attachment.vrf, host_prefix(interface.address), RouteSource::kConnected);
}

void Router::lease_row(AttachmentId row, PortId port) {
    const RowTotals now = totals_of(row);
    if (const auto old = leases_.find(row); old != leases_.end()) {
        const RowTotals counted = since(now, old->second.baseline);
        RowTotals& settled = settled_[old->second.port.value()];
        settled.rx_packets += counted.rx_packets;
        settled.rx_bytes += counted.rx_bytes;
    }
    leases_[row] = {.port = port, .baseline = now};
    forwarder_->peaks().of(row).rx.clear();
    forwarder_->peaks().of(row).tx.clear();
}

void Router::remove_attachment(const std::string& name) {
    Attachment* attachment = attachments_.find(name);
    if (attachment == nullptr) return;
    const AttachmentId id = attachment->id;
    taps_->remove(id);
    bfd_->forget(id);
    targets_->remove_over(id);
    routes_->remove_over(*attachment);
    feeds_->attachment_leaving(*attachment);
    neighbours_->attachment_removed(id);
    remove_interface<Ipv4Address>(*attachment, {attachment->address, attachment->subnet, {}});
    if (attachment->ipv6) remove_interface(*attachment, *attachment->ipv6);
    attachments_.remove(id);
}

// They are checked when all of them are in: what leads back to itself is known then.
Status Router::install_routes(const Plan& plan) {
    for (const auto& [place, route] : plan.routes) {
        const VrfId vrf = vrfs_.find(place.vrf)->second;
        const Status status = routes_->put(vrf, place.prefix, route, now_ns());
        if (!status) return status;
        installed_.routes.insert_or_assign(place, route);
    }
    for (const auto& [place, route] : plan.routes) {
        const Status status = routes_->check(vrfs_.find(place.vrf)->second, place.prefix);
        if (!status) return status;
    }
    return ok();
}

void Router::remove_route(const RoutePlace& place) {
    const auto vrf = vrfs_.find(place.vrf);
    if (vrf != vrfs_.end()) routes_->remove(vrf->second, place.prefix);
}

void Router::update_attachment_state(const PlannedAttachment& planned) {
    Attachment* attachment = attachments_.find(planned.name);
    CHECK(attachment != nullptr);
    const Exit closed = closed_now(planned);
    const bool drains = drains_.contains(planned.name);
    const bool is_same = attachment->closed == closed && attachment->mtu == planned.mtu &&
                         attachment->is_draining == drains;
    if (is_same && attachment->bfd == planned.bfd) return;
    attachment->closed = closed;
    attachment->mtu = planned.mtu;
    attachment->is_draining = drains;
    attachment->bfd = planned.bfd;
    bfd_->update(*attachment);
    if (!is_same) neighbours_->attachment_changed(attachment->id, now_ns());
    taps_->follow(*attachment);
}

void Router::publish() {
    auto tables = std::make_unique<Tables>();
    tables->policies = policy_->make(attachments_);
    std::vector<AttachmentTable::Row> rows;
    for (const auto& [name, id] : attachments_.by_name()) {
        const Attachment* attachment = attachments_.find(id);
        if (attachment == nullptr) continue;
        rows.push_back(
            {.key = {attachment->port, attachment->outer, attachment->inner}, .attachment = id});
        PolicyBits policy = attachment->ipv6 ? PolicyBits() : kLacksIpv6;
        if (attachment->bfd) policy |= kRunsBfd;
        if (tables->policies != nullptr) policy |= tables->policies->of(id).bits();
        if (!installed_.nats.empty() && attachment->vrf_name == kMicrosoftVrf) {
            policy |= kTranslates;
        }
        tables->attachments[id.value()] = {
            .vrf = attachment->vrf, .closed = attachment->closed, .policy = policy};
    }
    auto by_tag = AttachmentTable::build(rows);
    CHECK(by_tag.has_value());  // colliding tags are refused by load_config()
    tables->attachments_by_tag = std::move(by_tag).value();
    for (const Port& port : forwarder_->ports()) {
        const PortConfig& config = config_.ports[port.id().value()];
        tables->ports[port.id().value()] =
            FramePattern({.outer = config.outer_tpid, .inner = config.inner_tpid}, port.mac());
    }
    tables->fib4 = fib_.get();
    tables->fib6 = fib6_.get();
    tables->next_hops = next_hops_.get();
    tables->nat = nat_->tables(
        {.vrf = [this](const std::string& name) { return vrfs_.find(name)->second; },
         .attachment = [this](const std::string& name) { return attachments_.find(name)->id; }});
    tables_.publish(std::move(tables));
    policy_->replaced();
    for (const VrfId id : closing_vrfs_) resting_vrfs_.emplace_back(quiescence_.begin(), id);
    closing_vrfs_.clear();
    feed_tag_filters();
}

// The frames of closed attachments come to us too: we count why they are dropped.
void Router::feed_tag_filters() {
    for (Port& port : forwarder_->ports()) {
        TagFilter* filter = port.tag_filter();
        if (filter == nullptr) continue;
        std::vector<TagPair> tags;
        for (const auto& [name, id] : attachments_.by_name()) {
            const Attachment* attachment = attachments_.find(id);
            if (attachment == nullptr || attachment->port != port.id()) continue;
            tags.push_back({.outer = *VlanId::from(attachment->outer),
                            .inner = VlanId::from(attachment->inner)});
        }
        if (const Status status = filter->set(tags); !status) {
            log_error("port {}: tag filter: {}", port.name(), status.error().message);
        }
        const Status heard = filter->set_bfd_neighbours(bfd_->neighbours_on(port.id()));
        if (!heard) log_error("port {}: {}", port.name(), heard.error().message);
    }
}

}  // namespace causeway
