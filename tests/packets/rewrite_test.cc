// SPDX-License-Identifier: Apache-2.0
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

FrameBuilder packet() {
    return frame().ipv4("10.1.0.10", "10.2.0.10").udp(4'000, 53).payload(4);
}
FrameBuilder answer(AttachmentId out) {
    return frame()
        .to(mac_behind(out))
        .from(kRouterMac)
        .ipv4("10.2.0.10", "10.1.0.10")
        .tcp(443, 50'000)
        .ttl(63);
}

// The same one packet in and out, byte by byte as a capture shows it, so that not even the frame
// builder is believed.
const Frame kHandMadeIn{
    0x02, 0xca, 0x00, 0x00, 0x00, 0x01, 0x02, 0x00, 0x00, 0x00, 0x00, 0x11,  // to us, from them
    0x81, 0x00, 0x00, 0x0a, 0x81, 0x00, 0x00, 0x64, 0x08, 0x00,              // 10, 100, IPv4
    0x45, 0x00, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x00, 0x40, 0x11, 0x14, 0x87,  // TTL 64, UDP
    0x0a, 0x01, 0x00, 0x0a, 0x0a, 0x02, 0x00, 0x0a,                          // addresses
    0x0f, 0xa0, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00,                          // 4000 to 53
    0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0xaa, 0xbb, 0xcc, 0xdd,              // padding
};
const Frame kHandMadeOut{
    0x02, 0xbe, 0x00, 0x00, 0x00, 0x18, 0x02, 0xca, 0x00, 0x00, 0x00, 0x01,  // to them, from us
    0x81, 0x00, 0x01, 0x2c, 0x08, 0x00,                                      // 300, IPv4
    0x45, 0x00, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x00, 0x3f, 0x11, 0x15, 0x87,  // TTL 63
    0x0a, 0x01, 0x00, 0x0a, 0x0a, 0x02, 0x00, 0x0a,                          // addresses
    0x0f, 0xa0, 0x00, 0x35, 0x00, 0x08, 0x00, 0x00,                          // no padding
};

const PacketTable kRewrite(
    "Rewrite",
    {
        {"byte by byte", Arrival{kPrimaryPort, kHandMadeIn},
         Outcome{Exit::kNone, kContosoPrimary, kContosoCore, kHandMadeOut}},
        {"two tags in, one out", on(kPrimaryPort, packet().tags(10, 100)),
         leaves({kContosoPrimary, kContosoCore},
                packet().to(mac_behind(kContosoCore)).from(kRouterMac).tag(0x8100, 300).ttl(63))},
        {"one tag in, two out",
         on(kCorePort, frame().ipv4("10.2.0.10", "10.2.200.7").tcp(443, 50'000).tag(0x8100, 300)),
         leaves({kContosoCore, kContosoSecondary}, frame()
                                                       .to(mac_behind(kContosoSecondary))
                                                       .from(kRouterMac)
                                                       .tag(0x88a8, 10)
                                                       .tag(0x8100, 100)
                                                       .ipv4("10.2.0.10", "10.2.200.7")
                                                       .tcp(443, 50'000)
                                                       .ttl(63))},
        {"two tags in, one out, to a single-tagged customer",
         on(kCorePort, frame().ipv4("10.2.0.10", "10.1.0.10").tcp(443, 50'000).tags(500, 501)),
         leaves({kFabrikamCore, kFabrikam}, answer(kFabrikam).tag(0x8100, 30))},
        {"one tag in, two out, from a single-tagged customer",
         on(kPrimaryPort, frame().tag(0x8100, 30).ipv4("10.1.0.10", "10.9.0.9").udp(7, 8)),
         leaves({kFabrikam, kFabrikamCore}, frame()
                                                .to(mac_behind(kFabrikamCore))
                                                .from(kRouterMac)
                                                .tags(500, 501)
                                                .ipv4("10.1.0.10", "10.9.0.9")
                                                .udp(7, 8)
                                                .ttl(63))},
        {"priority bits of the tags are not carried on",
         on(kPrimaryPort, packet().tag(0x8100, 10, 5).tag(0x8100, 100, 5)),
         leaves({kContosoPrimary, kContosoCore},
                packet().to(mac_behind(kContosoCore)).from(kRouterMac).tag(0x8100, 300).ttl(63))},
        {"padding of a short frame is cut off", on(kPrimaryPort, packet().tags(10, 100).pad_to(64)),
         leaves({kContosoPrimary, kContosoCore},
                packet().to(mac_behind(kContosoCore)).from(kRouterMac).tag(0x8100, 300).ttl(63))},
    });

}  // namespace
}  // namespace causeway::test
