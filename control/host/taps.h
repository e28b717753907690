// SPDX-License-Identifier: Apache-2.0
//
// Taps: the TAPs of all attachments that have one, as one HostStack.
//
// Thread safety: control thread only.
//
// Cost: nothing a turn for a TAP that is silent (epoll), whatever their number; a system call for
// each frame, either way. A TAP takes one descriptor, a namespace with TAPs two.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/result.h"
#include "base/types.h"
#include "control/api/event_loop.h"
#include "control/host/host_stack.h"
#include "control/host/tap.h"
#include "control/router/attachments.h"
#include "control/router/plan.h"
#include "control/slow_path/transmitter.h"

namespace causeway {

class Taps final : public HostStack {
  public:
    // What to do with a frame that the kernel sends on an attachment.
    using FrameCallback = std::function<void(Packet frame, AttachmentId out)>;

    Taps(EventLoop& loop, Transmitter& transmitter, FrameCallback callback)
        : loop_(loop), transmitter_(transmitter), callback_(std::move(callback)) {}
    ~Taps() override;

    // Makes the attachment's TAP, or sees to it that the one there is has the attachment's MTU and
    // carrier. One with another name or in another namespace is replaced.
    // The addresses of a new one are told several times: zebra of FRR 8.4 hears of interfaces and
    // of addresses by two roads, and forgets an address that comes before its interface.
    Status put(const Attachment& attachment, const TapPlace& place);
    // Likewise, where it has one.
    void follow(const Attachment& attachment);
    // Nothing comes from its TAP any more, which has no carrier. It goes with delete_removed(): all
    // of a namespace at once, for that takes the kernel, and us, as long as one, some 20 ms; of one
    // namespace there, and of another in each of the next turns.
    void remove(AttachmentId attachment);
    void delete_removed();

    [[nodiscard]] bool has(AttachmentId attachment) const noexcept override {
        return rows_[attachment.value()] != nullptr;
    }
    // Of the attachment's TAP; empty where it has none.
    [[nodiscard]] std::string_view name_of(AttachmentId attachment) const noexcept {
        const auto& row = rows_[attachment.value()];
        return row == nullptr ? std::string_view() : std::string_view(row->place.name);
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

  private:
    // Frames of one TAP in one turn; the others have their turn, too, and what is left waits in the
    // kernel.
    static constexpr unsigned kFramesPerTurn = 16;

    struct Row {
        TapPlace place;
        std::shared_ptr<HostNamespace> where;
        Tap tap;
        unsigned mtu;
        Carrier carrier = Carrier::kOff;
    };

    bool deliver(AttachmentId attachment, Packet frame) override;
    [[nodiscard]] Result<std::shared_ptr<HostNamespace>> open_namespace(const std::string& name);
    void readable(AttachmentId attachment, EventLoop::Events events);
    void delete_removed_of(HostNamespace& where);
    void tell_addresses();
    void wait_to_tell();

    EventLoop& loop_;
    Transmitter& transmitter_;
    FrameCallback callback_;
    std::vector<std::unique_ptr<Row>> rows_ = std::vector<std::unique_ptr<Row>>(kAttachmentsMax);
    std::size_t size_ = 0;
    std::vector<std::unique_ptr<Row>> removed_;
    EventLoop::TimerId removal_timer_ = 0;  // 0: none
    std::multimap<EventLoop::Clock::time_point, AttachmentId> to_tell_;
    EventLoop::TimerId tell_timer_ = 0;
    // Open as long as a TAP is in them.
    std::map<std::string, std::weak_ptr<HostNamespace>> namespaces_;
};

}  // namespace causeway
