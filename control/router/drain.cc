// SPDX-License-Identifier: Apache-2.0
//
// How attractive each link is: drained by an operator, left by its core, or as usual.
//
// A link that drains is emptied first and taken down after. Its next hops go on standby, so each
// flow of ours that has another way takes that, at once and without loss; what still arrives is
// forwarded. The customer's flows follow when its router has heard that the other link is better,
// which FRR says (control/frr/frr_teller.h). When nobody uses the link any more, or time is up, it
// is closed, and BFD tells the customer's router so.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "control/log/log.h"
#include "control/router/router.h"

namespace causeway {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kQuiet = kSecond;  // so long nobody may have used it

// What is ours in an attachment's traffic, not its customer's.
constexpr std::array kOwnBusiness{Exit::kArp, Exit::kNeighbourDiscovery, Exit::kBfd, Exit::kLocal};

std::string_view word(Appeal appeal) {
    switch (appeal) {
        case Appeal::kNormal:
            return "as usual";
        case Appeal::kPrepended:
            return "worse than the other link";
        case Appeal::kWithdrawn:
            return "not at all";
    }
    return "";
}

}  // namespace

Result<std::vector<const PlannedAttachment*>> Router::meant(const LinkTarget& target) {
    std::string circuit;
    if (target.circuit) {
        const auto wanted = this->circuit(*target.circuit);
        if (!wanted) return Unexpected(wanted.error());
        circuit = wanted.value().name;
    }
    std::vector<const PlannedAttachment*> attachments;
    for (const auto& [name, planned] : installed_.attachments) {
        if (planned.link != target.link) continue;
        if (circuit.empty() || planned.circuit == circuit) attachments.push_back(&planned);
    }
    if (attachments.empty())
        return Unexpected(ErrorCode::kNotFound, "no circuit has such a link", "link");
    return attachments;
}

Result<AdminOutcome> Router::drain(const LinkTarget& target, std::uint64_t seconds) {
    const auto attachments = meant(target);
    if (!attachments) return Unexpected(attachments.error());
    AdminOutcome outcome;
    const std::uint64_t now = now_ns();
    for (const PlannedAttachment* planned : *attachments) {
        if (drained_.contains(planned->name)) continue;
        const Attachment* attachment = attachments_.find(planned->name);
        CHECK(attachment != nullptr);
        const bool is_new = !drains_.contains(planned->name);
        drains_[planned->name] = {.give_up_ns = now + seconds * kSecond,
                                  .quiet_since_ns = now,
                                  .transit = transit_of(attachment->id)};
        if (!is_new) continue;
        ++drain_edits_;
        update_attachment_state(*planned);
        outcome.changed.push_back(planned->name);
    }
    log_info("{} attachment(s) drain", outcome.changed.size());
    update_appeals();
    return outcome;
}

Result<AdminOutcome> Router::undrain(const LinkTarget& target) {
    const auto attachments = meant(target);
    if (!attachments) return Unexpected(attachments.error());
    AdminOutcome outcome;
    for (const PlannedAttachment* planned : *attachments) {
        const bool was_down = drained_.erase(planned->name) != 0;
        const bool was_draining = drains_.erase(planned->name) != 0;
        if (!was_down && !was_draining) continue;
        ++drain_edits_;
        if (was_down) overrides_.erase(planned->name);
        update_attachment_state(*planned);
        outcome.changed.push_back(planned->name);
    }
    publish();
    log_info("{} attachment(s) drain no more", outcome.changed.size());
    update_appeals();
    return outcome;
}

DrainState Router::drain_state(const std::string& attachment) const {
    if (drains_.contains(attachment)) return DrainState::kDraining;
    return drained_.contains(attachment) ? DrainState::kDrained : DrainState::kNone;
}

std::uint64_t Router::transit_of(AttachmentId attachment) const {
    const RowTotals totals = totals_of(attachment);
    std::uint64_t packets = totals.rx_packets + totals.tx_packets - totals.injected;
    for (const Exit exit : kOwnBusiness) packets -= totals.exits[static_cast<std::size_t>(exit)];
    return packets;
}

void Router::tick_drains() {
    const std::uint64_t now = now_ns();
    bool has_closed_any = false;
    for (auto at = drains_.begin(); at != drains_.end();) {
        const auto planned = installed_.attachments.find(at->first);
        if (planned == installed_.attachments.end()) {  // a configuration has removed it
            ++drain_edits_;
            at = drains_.erase(at);
            continue;
        }
        Drain& drain = at->second;
        const std::uint64_t transit = transit_of(attachments_.find(at->first)->id);
        if (std::exchange(drain.transit, transit) != transit) drain.quiet_since_ns = now;
        const bool is_quiet = now - drain.quiet_since_ns >= kQuiet;
        if (!is_quiet && now < drain.give_up_ns) {
            ++at;
            continue;
        }
        log_info("{}: drained{}", at->first, is_quiet ? "" : ", though still used: time is up");
        overrides_[at->first] = AdminStatus::kDown;
        drained_.insert(at->first);
        ++drain_edits_;
        at = drains_.erase(at);
        update_attachment_state(planned->second);
        has_closed_any = true;
    }
    if (has_closed_any) publish();
}

Appeal Router::appeal(std::string_view attachment) const {
    const auto found = appeals_.find(attachment);
    return found == appeals_.end() ? Appeal::kNormal : found->second;
}

// A core attachment is alive while it is usable and one of the neighbours that routes name there
// answers, if any is named.
bool Router::is_core_alive(const Attachment& core) const {
    if (!core.is_usable()) return false;
    bool is_any_named = false;
    const auto& table = neighbours_->all();
    for (auto at = table.lower_bound({core.id, IpAddress()});
         at != table.end() && at->first.attachment == core.id; ++at) {
        if (at->second.users == 0) continue;
        is_any_named = true;
        if (next_hops_->info(at->second.next_hop).state == NextHopState::kForwarding) return true;
    }
    return !is_any_named;
}

std::map<VrfId, bool> Router::cores() const {
    std::map<VrfId, bool> alive;
    for (const auto& [name, id] : attachments_.by_name()) {
        const Attachment* attachment = attachments_.find(id);
        if (attachment == nullptr || attachment->link) continue;
        bool& any = alive[attachment->vrf];
        any = any || is_core_alive(*attachment);
    }
    return alive;
}

// A VRF without any core attachment has its core elsewhere, of which nothing is known here.
void Router::update_appeals() {
    const std::pair state{neighbours_->changes(), drain_edits_};
    if (std::exchange(appeals_seen_, state) == state) return;
    const std::map<VrfId, bool> alive = cores();
    LinkAppeals appeals;
    for (const auto& [name, id] : attachments_.by_name()) {
        const Attachment* attachment = attachments_.find(id);
        if (attachment == nullptr || !attachment->link) continue;
        const auto core = alive.find(attachment->vrf);
        if (core != alive.end() && !core->second) {
            appeals.emplace(name, Appeal::kWithdrawn);
        } else if (drain_state(name) != DrainState::kNone) {
            appeals.emplace(name, Appeal::kPrepended);
        }
    }
    const auto before = std::exchange(appeals_, std::move(appeals));
    for (const auto& [name, id] : attachments_.by_name()) {
        const auto was = before.find(name);
        const Appeal now = appeal(name);
        if ((was == before.end() ? Appeal::kNormal : was->second) == now) continue;
        log_info("{}: the customer is to use it {}", name, word(now));
    }
    if (before != appeals_) frr_->set_appeals(appeals_);
}

}  // namespace causeway
