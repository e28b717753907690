// SPDX-License-Identifier: Apache-2.0
//
// BfddHost: the sessions that FRR's bfdd asks for (control/bfddp/session_map.h) are those that the
// configuration has: bfdd is told how they are, and bgpd hears of it. Which sessions there are and
// how fast they are is the configuration's alone, so bfdd's parameters do not count, and neither
// does its giving one up.
//
// Thread safety: control thread only.
#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "control/bfddp/session_map.h"
#include "control/router/attachments.h"
#include "control/router/bfd_watch.h"

namespace causeway {

class BfddHost final : public BfdHost {
  public:
    // What the kernel calls an attachment's interface; empty: it has none.
    using InterfaceOf = std::function<std::string_view(AttachmentId)>;

    // Both must outlive this.
    BfddHost(const Attachments& attachments, const BfdWatch& watch, InterfaceOf interface_of)
        : attachments_(attachments), watch_(watch), interface_of_(std::move(interface_of)) {}

    // The session of the attachment with these two addresses. kNotFound: none has them, or BFD is
    // off there. kInvalid: several have them, and the interface is none of theirs.
    [[nodiscard]] Result<BfdDiscriminator> open(const BfddpSession& session) override;
    [[nodiscard]] Result<BfdDiscriminator> update(BfdDiscriminator,
                                                  const BfddpSession& session) override {
        return open(session);  // a configuration may have replaced it
    }
    void close(BfdDiscriminator) override {}
    [[nodiscard]] BfddpState state(BfdDiscriminator ours) const override;
    [[nodiscard]] BfdTraffic traffic(BfdDiscriminator ours) const override;

  private:
    const Attachments& attachments_;
    const BfdWatch& watch_;
    InterfaceOf interface_of_;
};

}  // namespace causeway
