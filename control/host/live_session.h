// SPDX-License-Identifier: Apache-2.0
//
// Which of our kernel's packets prove a BGP session, as a function from bytes to a value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/punt_police.h"

namespace causeway {

// The session of a segment that the kernel sends only where a handshake is done (ACK, neither SYN
// nor RST) or where it begins one itself (SYN without ACK); `packet` begins with its IP header.
// Nothing of any other: a SYN with ACK or a RST answers whoever asks.
[[nodiscard]] std::optional<BgpSession> live_session(std::span<const std::uint8_t> packet) noexcept;

}  // namespace causeway
