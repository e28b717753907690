// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a frame that our kernel sends on the TAP of an attachment. Each is counted once;
// what leaves bears the attachment's tags and is otherwise what the kernel said; and what the
// kernel is answered is addressed to it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/headers.h"
#include "control/host/host_frames.h"
#include "tests/support/control_bed.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {
namespace {

constexpr std::size_t kFrameBytesMax = 1'514;
constexpr std::size_t kTagBytes = 8;

class CheckingHost final : public HostStack {
  public:
    [[nodiscard]] bool has(AttachmentId attachment) const noexcept override {
        return attachment == kEdge;
    }

  private:
    bool deliver(AttachmentId attachment, Packet frame) override {
        EthernetHeader header;
        CHECK(attachment == kEdge && frame.bytes().size() > sizeof header);
        std::memcpy(&header, frame.bytes().data(), sizeof header);
        CHECK(header.destination == kRouterMac && header.source == kNeighbourMac);
        return true;
    }
};

class Kernel {
  public:
    Kernel() {
        bed_.attach_edge_and_core();
        bed_.slow_path.attach(host_);
        bed_.neighbours.learn({kEdge, ip("192.168.0.1")}, kNeighbourMac, bed_.now_ns);
        frames_.on_session([this](AttachmentId out, const BgpSession&) {
            CHECK(out == kEdge);
            is_session_ = true;
        });
    }

    void send(std::span<const std::uint8_t> bytes) {
        auto packet = Packet::make(bed_.transmitter.pool());
        CHECK(packet && packet->resize(bytes.size()));
        std::ranges::copy(bytes, packet->bytes().begin());
        const std::uint64_t before = counted();
        const std::uint64_t left_before = bed_.count(SlowEvent::kHostSent);
        is_session_ = false;
        bed_.now_ns += kMillisecond;
        frames_.take(std::move(*packet), *bed_.attachments.find(kEdge), bed_.now_ns);
        CHECK(counted() == before + 1);
        const bool leaves = bed_.count(SlowEvent::kHostSent) != left_before;
        CHECK(leaves || !is_session_);
        bool has_left = false;
        for (const FakeTransmitter::Sent& sent : bed_.transmitter.take()) {
            CHECK(sent.out == kEdge);
            has_left = has_left || is_tagged(sent.frame, bytes);
        }
        CHECK(has_left == leaves);
    }

  private:
    static constexpr std::array kOutcomes{SlowEvent::kHostIgnored,  SlowEvent::kHostClosed,
                                          SlowEvent::kHostSent,     SlowEvent::kInjectFull,
                                          SlowEvent::kHostAnswered, SlowEvent::kHostWaits,
                                          SlowEvent::kHostFull,     SlowEvent::kNoBuffer};

    [[nodiscard]] std::uint64_t counted() const {
        return std::accumulate(
            kOutcomes.begin(), kOutcomes.end(), std::uint64_t{0},
            [this](std::uint64_t sum, SlowEvent event) { return sum + bed_.count(event); });
    }
    // The frame with two tags behind the addresses, of which the source is ours.
    static bool is_tagged(const Frame& sent, std::span<const std::uint8_t> frame) {
        constexpr std::size_t kAddresses = 12;
        constexpr std::size_t kDestination = 6;
        return sent.size() == frame.size() + kTagBytes &&
               std::equal(frame.begin(), frame.begin() + kDestination, sent.begin()) &&
               std::equal(frame.begin() + kAddresses, frame.end(),
                          sent.begin() + kAddresses + kTagBytes);
    }

    CheckingHost host_;
    ControlBed bed_;
    HostFrames frames_{host_, bed_.neighbours, bed_.transmitter, bed_.counters};
    bool is_session_ = false;
};

}  // namespace
}  // namespace causeway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway::test;
    static Kernel kernel;
    if (size <= kFrameBytesMax) kernel.send({data, size});
    return 0;
}
