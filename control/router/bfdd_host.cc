// SPDX-License-Identifier: Apache-2.0
#include "control/router/bfdd_host.h"

#include <optional>
#include <vector>

#include "base/text.h"

namespace causeway {
namespace {

template <class Address>
bool is_between(const IpAddress& ours, const std::optional<Address>& peer,
                const BfddpSession& session) {
    return peer && session.local == ours && session.remote == IpAddress(*peer);
}

bool is_of(const Attachment& attachment, const BfddpSession& session) {
    if (is_between(attachment.address, attachment.peer, session)) return true;
    return attachment.ipv6 && is_between(attachment.ipv6->address, attachment.ipv6->peer, session);
}

std::optional<BfdSessionStatus> status_of(const BfdWatch& watch, BfdDiscriminator id) {
    return watch.runner().ask([id](BfdEngine& engine, auto) { return engine.status(id); });
}

}  // namespace

Result<BfdDiscriminator> BfddHost::open(const BfddpSession& session) {
    const auto is_named = [&](const std::string& name, AttachmentId id) {
        return !session.interface.empty() &&
               (name == session.interface || interface_of_(id) == session.interface);
    };
    std::vector<AttachmentId> found;
    for (const auto& [name, id] : attachments_.by_name()) {
        const Attachment* attachment = attachments_.find(id);
        if (attachment == nullptr || !is_of(*attachment, session)) continue;
        if (is_named(name, id)) {
            found = {id};
            break;
        }
        found.push_back(id);
    }
    const std::string who = to_string(session.local) + " and " + to_string(session.remote);
    if (found.empty()) return Unexpected(ErrorCode::kNotFound, "no link is between " + who);
    if (found.size() > 1)
        return Unexpected(ErrorCode::kInvalid, "several links are between " + who);
    const auto ours = watch_.find({found.front(), session.remote});
    if (!ours) return Unexpected(ErrorCode::kNotFound, "BFD is off between " + who);
    return *ours;
}

// A session that a new configuration has ended is down as far as bfdd is concerned.
BfddpState BfddHost::state(BfdDiscriminator ours) const {
    const auto status = status_of(watch_, ours);
    if (!status) return {};
    return {.id = {},
            .state = status->state,
            .remote = status->remote,
            .remote_diagnostic = status->remote_diagnostic,
            .remote_parameters = status->remote_parameters};
}

BfdTraffic BfddHost::traffic(BfdDiscriminator ours) const {
    const auto status = status_of(watch_, ours);
    return status ? status->traffic : BfdTraffic();
}

}  // namespace causeway
