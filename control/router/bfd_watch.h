// SPDX-License-Identifier: Apache-2.0
//
// BfdWatch: which BFD sessions there are, and what they make of the next hops. Each attachment that
// asks for BFD has a session with each of its peers, one a family (RFC 5881 3).
//
// Thread safety: control thread only; the sessions themselves run on a thread of their own.
//
// A session that was up and fails takes the next hop of its family down. So it does the other
// family's where that has no session that says otherwise: a link that is dead is dead for both.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/types.h"
#include "control/bfd/runner.h"
#include "control/router/attachments.h"
#include "control/slow_path/neighbours.h"
#include "dataplane/tag_filter.h"

namespace causeway {

class BfdWatch final : public NeighbourWatcher {
  public:
    using Changed = std::function<void(const BfdSessionStatus&)>;

    // All must outlive this, and the neighbours forget it.
    BfdWatch(BfdRunner& runner, const Attachments& attachments, Neighbours& neighbours);
    ~BfdWatch() override;
    BfdWatch(const BfdWatch&) = delete;
    BfdWatch& operator=(const BfdWatch&) = delete;

    // Begins, changes and ends the attachment's sessions as it is now. One that an operator has
    // closed says so to its neighbour.
    void update(const Attachment& attachment);
    // The attachment is about to be removed.
    void forget(AttachmentId attachment);
    void mac_learned(const NeighbourKey& key, const MacAddress& mac) override;

    // Takes the changes that there are: next hops first, then whoever wants to know.
    void follow(const Changed& changed);

    // Those on a port that the attachments are open to, for its tag filter.
    [[nodiscard]] std::vector<BfdNeighbour> neighbours_on(PortId port) const;
    // Of the attachment's session with a peer.
    [[nodiscard]] std::optional<BfdDiscriminator> find(const NeighbourKey& key) const;
    [[nodiscard]] BfdVerdict verdict(const NeighbourKey& key) const;
    [[nodiscard]] BfdRunner& runner() const noexcept { return runner_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

  private:
    struct Session {
        BfdDiscriminator id;
        BfdParameters parameters;
        bool is_shut = false;
        BfdVerdict verdict = BfdVerdict::kNone;
    };
    using Sessions = std::map<NeighbourKey, Session>;

    void update_peer(const Attachment& attachment, const IpAddress& local, const IpAddress& peer);
    Sessions::iterator end(Sessions::iterator session);
    // Of all the peers of an attachment.
    void set_paths(const Attachment& attachment);

    BfdRunner& runner_;
    const Attachments& attachments_;
    Neighbours& neighbours_;
    Sessions sessions_;
    std::uint64_t refused_ = 0;  // sessions for which there was no room
};

}  // namespace causeway
