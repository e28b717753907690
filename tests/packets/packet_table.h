// SPDX-License-Identifier: Apache-2.0
//
// PacketTable: what one feature does to packets, as a table one can read aloud. Each row is a test
// of its own: a frame goes in; the exact frame that must come out, or the Exit it must end by,
// stands beside it. After every row each packet is accounted, and the slow twin has agreed.
//
//   const PacketTable kTable("ttl", {
//       {"the last hop's packet expires", on(kPrimaryPort, frame()...), ends(Exit::kTtlExpired,
//                                                                            kContosoPrimary)},
//   });
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "dataplane/exit.h"
#include "tests/packets/world.h"
#include "tests/support/frame_builder.h"

namespace causeway::test {

struct Arrival {
    PortId port;
    Frame frame;
};
[[nodiscard]] Arrival on(PortId port, const FrameBuilder& frame);

// Where a packet came in and went out, or where its Exit is counted.
struct Outcome {
    Exit exit = Exit::kNone;
    AttachmentId row;
    AttachmentId out;
    Frame frame;
};
struct Passage {
    AttachmentId in;
    AttachmentId out;
};
[[nodiscard]] Outcome leaves(Passage passage, const FrameBuilder& frame);
[[nodiscard]] Outcome ends(Exit exit, AttachmentId row);

// What was so before the frame came.
enum class Given : std::uint8_t {
    kNothing,
    kTransmitRingsFull,
    kPuntRingFull,
    kPeeringRateExceeded,  // of kFabrikam
    kCircuitRateExceeded,
    kPuntRateExceeded,
};

struct Row {
    std::string says;
    Arrival in;
    Outcome out;
    Given given = Given::kNothing;
};

class PacketTable {
  public:
    // Registers a test a row.
    PacketTable(const char* feature, std::vector<Row> rows);

    // The rows of all tables of this program.
    [[nodiscard]] static const std::vector<Row>& all();
};

}  // namespace causeway::test
