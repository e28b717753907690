// SPDX-License-Identifier: Apache-2.0
//
// FRR's distributed BFD protocol, version 1 (bfdd/bfddp_packet.h of FRR 8.4): messages as values,
// to bytes and back. bfdd decides which sessions there are; we run them and tell it their states.
//
//   0        8        16                31
//  +--------+--------+-----------------+
//  | version| zero   | type            |   all big-endian
//  +--------+--------+-----------------+
//  | id              | length          |   id: of a question and its answer; length: of all this
//  +-----------------+-----------------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/types.h"
#include "control/bfd/engine.h"
#include "control/bfddp/bfddp_counters.h"
#include "dataplane/bfd/control_packet.h"
#include "dataplane/bfd/session.h"

namespace causeway {

// How bfdd names a session, `lid`; which is not the discriminator on the wire, for that is ours.
using BfddpSessionId = Id<struct BfddpSessionTag, std::uint32_t>;

enum class BfddpPath : std::uint8_t { kOneHop, kSeveralHops };
enum class BfddpAdmin : std::uint8_t { kUp, kShutdown };

// Echoes, demand mode, C bit and passive role are asked for by flags, too; a session does without.
struct BfddpSession {
    BfddpSessionId id;
    IpAddress local;
    IpAddress remote;  // of the same family
    std::string interface;
    BfdParameters parameters;
    BfddpPath path = BfddpPath::kOneHop;
    BfddpAdmin admin = BfddpAdmin::kUp;
    friend bool operator==(const BfddpSession&, const BfddpSession&) = default;
};

enum class BfddpEchoKind : std::uint8_t { kRequest, kReply };
struct BfddpEcho {
    BfddpEchoKind kind = BfddpEchoKind::kRequest;
    std::uint16_t message_id = 0;
    std::uint64_t data_plane_time = 0;
    std::uint64_t bfdd_time = 0;
    friend bool operator==(const BfddpEcho&, const BfddpEcho&) = default;
};

struct BfddpAdd {  // or change
    BfddpSession session;
    friend bool operator==(const BfddpAdd&, const BfddpAdd&) = default;
};
struct BfddpDelete {
    BfddpSession session;
    friend bool operator==(const BfddpDelete&, const BfddpDelete&) = default;
};

// How a session is. `state` is ours; the rest is the neighbour's.
struct BfddpState {
    BfddpSessionId id;
    BfdState state = BfdState::kDown;
    BfdDiscriminator remote;
    BfdDiagnostic remote_diagnostic = BfdDiagnostic::kNone;
    BfdParameters remote_parameters;
    friend bool operator==(const BfddpState&, const BfddpState&) = default;
};

struct BfddpCountersRequest {
    std::uint16_t message_id = 0;
    BfddpSessionId id;
    friend bool operator==(const BfddpCountersRequest&, const BfddpCountersRequest&) = default;
};

struct BfddpTraffic {
    std::uint16_t message_id = 0;  // of the request
    BfddpSessionId id;
    BfdTraffic control;  // of echoes there is none
    friend bool operator==(const BfddpTraffic&, const BfddpTraffic&) = default;
};

using BfddpMessage =
    std::variant<BfddpEcho, BfddpAdd, BfddpDelete, BfddpState, BfddpCountersRequest, BfddpTraffic>;

inline constexpr std::size_t kBfddpHeaderBytes = 8;
inline constexpr std::size_t kBfddpInterfaceBytesMax = 63;  // and a zero
inline constexpr std::size_t kBfddpMessageBytesMax = 1'024;

// Appends. REQUIRES: a name of an interface of no more bytes than that, and without zeros.
void write_bfddp(const BfddpMessage& message, std::vector<std::uint8_t>& bytes);

// Parts a stream into messages, however it was split.
class BfddpReader {
  public:
    void append(std::span<const std::uint8_t> bytes);
    // The next message, or what is wrong with it; after an event whose verdict is kClosed nothing
    // follows. Nothing: more bytes are needed.
    [[nodiscard]] std::optional<std::variant<BfddpMessage, BfddpEvent>> next();

  private:
    std::vector<std::uint8_t> bytes_;
    std::size_t begin_ = 0;
    bool is_lost_ = false;
};

}  // namespace causeway
