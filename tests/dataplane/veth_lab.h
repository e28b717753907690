// SPDX-License-Identifier: Apache-2.0
//
// A network namespace of the test's own with veth pairs in it, and raw sockets to play the host at
// the far end and to overhear what the near end's kernel gets. Nothing here reaches the machine's
// own interfaces. Needs root: where a namespace cannot be made, enter_private_namespace() says so.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/types.h"

namespace causeway {

using Frame = std::vector<std::uint8_t>;

struct Tag {
    std::uint16_t tpid;
    std::uint16_t vid;
};

// Moves this process, before it has threads, into a new network namespace. False: not allowed.
[[nodiscard]] bool enter_private_namespace();

// Runs a command line; false, with the command on stderr, if it fails.
bool run(const std::string& command);

// A pair of interfaces, both up, that leave tags in frames. `near` carries a port, `far` the host.
bool make_veth_pair(const std::string& near, const std::string& far);

// A broadcast frame with these tags and a payload that tells it from every other.
[[nodiscard]] Frame make_frame(std::span<const Tag> tags, std::uint32_t serial,
                               std::size_t bytes = 64);
// The serial of such a frame, wherever the tags went; nothing for frames of other makes.
[[nodiscard]] std::optional<std::uint32_t> serial_of(std::span<const std::uint8_t> frame);

// An AF_PACKET socket on one interface.
class RawSocket {
  public:
    explicit RawSocket(const std::string& interface);
    RawSocket(const RawSocket&) = delete;
    RawSocket& operator=(const RawSocket&) = delete;
    ~RawSocket();

    [[nodiscard]] bool send(const Frame& frame);
    // The next frame that came in on the interface; nothing if none is there. Never waits.
    [[nodiscard]] std::optional<Frame> receive();

  private:
    int fd_;
};

}  // namespace causeway
