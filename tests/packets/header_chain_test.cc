// SPDX-License-Identifier: Apache-2.0
//
// Chains of IPv6 extension headers: no packet passes that hides layer 4 behind them, where a rule
// would not see it.
#include "tests/packets/packet_table.h"

namespace causeway::test {
namespace {

constexpr std::size_t kTagged = 22;  // bytes of layer 2, with two tags
constexpr std::size_t kSingle = 18;  // with one
constexpr std::size_t kHeader = 40;
constexpr std::uint8_t kEsp = 50;
constexpr std::uint8_t kNoNextHeader = 59;
constexpr std::uint8_t kSctp = 132;
constexpr std::uint16_t kMore = Ipv4Header::kMoreFragments;

FrameBuilder packet() {
    return frame().tags(10, 100).ipv6("2001:db8:1::10", "2001:db8:2::10");
}
FrameBuilder sent() {
    return frame()
        .to(mac_behind(kContosoCore))
        .from(kRouterMac)
        .tag(0x8100, 300)
        .ipv6("2001:db8:1::10", "2001:db8:2::10")
        .ttl(63);
}
FrameBuilder options(FrameBuilder builder, int headers) {
    for (; headers > 0; --headers) builder.extension(IpProtocol::kDestinationOptions);
    return builder;
}
FrameBuilder to_ssh(int headers) {
    return options(frame().tags(22, 100).ipv6("2001:db8:11::10", "2001:db8:2::10").tcp(4'000, 22),
                   headers);
}

// Of a frame whose only extension header stands first: what that says comes next.
Frame with_next(const FrameBuilder& builder, std::size_t layer2_bytes, std::uint8_t protocol) {
    Frame bytes = builder.bytes();
    bytes.at(layer2_bytes + kHeader) = protocol;
    return bytes;
}

const Outcome kBad = ends(Exit::kBadHeaderChain, kContosoPrimary);
Outcome passes(const Frame& frame) {
    return {.exit = Exit::kNone, .row = kContosoPrimary, .out = kContosoCore, .frame = frame};
}
Outcome passes(const FrameBuilder& builder) {
    return passes(builder.bytes());
}
Row of_one_option(const char* says, std::uint8_t protocol) {
    return {.says = says,
            .in = {kPrimaryPort, with_next(options(packet(), 1).payload(4), kTagged, protocol)},
            .out = passes(with_next(options(sent(), 1).payload(4), kSingle, protocol))};
}

const PacketTable kLengths(
    "HeaderChainLengths",
    {
        {"six extension headers", on(kPrimaryPort, options(packet().udp(1, 2), 6)),
         passes(options(sent().udp(1, 2), 6))},
        {"seven extension headers", on(kPrimaryPort, options(packet().udp(1, 2), 7)), kBad},
        {"of each place one, and one again",
         on(kPrimaryPort, packet()
                              .udp(1, 2)
                              .extension(IpProtocol::kHopByHopOptions)
                              .extension(IpProtocol::kDestinationOptions)
                              .extension(IpProtocol::kRouting)
                              .fragment(0, 0)
                              .extension(IpProtocol::kAuthentication, 24)
                              .extension(IpProtocol::kDestinationOptions)
                              .extension(IpProtocol::kDestinationOptions)),
         kBad},
        {"a rule sees behind six", on(kPrimaryPort, to_ssh(6)),
         ends(Exit::kAclProhibited, kGuarded)},
        {"nobody dodges it behind seven", on(kPrimaryPort, to_ssh(7)),
         ends(Exit::kBadHeaderChain, kGuarded)},
        {"seven extension headers to ourselves",
         on(kPrimaryPort,
            options(frame().tags(10, 100).ipv6("2001:db8:1::10", "2001:db8::2").udp(1, 2), 7)),
         kBad},
        {"seven extension headers, of a later fragment the last",
         on(kPrimaryPort, options(packet().udp(1, 2), 6).fragment(64, 0)), kBad},
        {"six extension headers, of a later fragment the last",
         on(kPrimaryPort, options(packet().udp(1, 2), 5).fragment(64, 0)),
         passes(options(sent().udp(1, 2), 5).fragment(64, 0))},
    });

const PacketTable kEnds(
    "HeaderChainEnds",
    {
        {"an extension header and nothing behind", on(kPrimaryPort, options(packet(), 1)),
         passes(options(sent(), 1))},
        of_one_option("no next header, whatever follows", kNoNextHeader),
        of_one_option("ESP, behind which nobody sees", kEsp),
        {"a whole packet with half a header of UDP",
         on(kPrimaryPort, options(packet().udp(1, 2), 1).payload_length(12)),
         passes(options(sent().udp(1, 2), 1).payload_length(12).cut_to(kSingle + kHeader + 12))},
        {"an extension header that is announced, and no byte of it",
         on(kPrimaryPort, options(packet(), 1).payload_length(0)), kBad},
        {"four bytes of an extension header",
         on(kPrimaryPort, options(packet(), 1).payload_length(4)), kBad},
        {"an extension header that ends behind its packet",
         on(kPrimaryPort,
            packet().extension(IpProtocol::kDestinationOptions, 24).udp(1, 2).payload_length(16)),
         kBad},
        {"authentication that ends behind its packet",
         on(kPrimaryPort,
            packet().extension(IpProtocol::kAuthentication, 24).udp(1, 2).payload_length(20)),
         kBad},
        {"four bytes of the header of a fragment",
         on(kPrimaryPort, packet().fragment(0, kMore).udp(1, 2).payload_length(4)), kBad},
    });

const PacketTable kFirstFragments(
    "HeaderChainFragments",
    {
        {"a first fragment with options and all of TCP's header",
         on(kPrimaryPort, options(packet().tcp(1, 2).payload(4).fragment(0, kMore), 1)),
         passes(options(sent().tcp(1, 2).payload(4).fragment(0, kMore), 1))},
        {"a first fragment that ends within its options",
         on(kPrimaryPort, packet()
                              .fragment(0, kMore)
                              .extension(IpProtocol::kDestinationOptions, 24)
                              .tcp(1, 2)
                              .payload_length(8 + 16)),
         kBad},
        {"a first fragment that ends with its options",
         on(kPrimaryPort, options(packet().udp(1, 2).fragment(0, kMore), 1).payload_length(8 + 8)),
         kBad},
        {"a first fragment that ends before layer 4",
         on(kPrimaryPort, packet().udp(1, 2).fragment(0, kMore).payload_length(8)), kBad},
        {"a first fragment that ends before ICMPv6",
         on(kPrimaryPort,
            packet().icmpv6(Icmpv6Type::kEchoRequest).fragment(0, kMore).payload_length(8)),
         kBad},
        {"a first fragment with two thirds of SCTP's header",
         Arrival{kPrimaryPort, with_next(packet().payload(8).fragment(0, kMore), kTagged, kSctp)},
         kBad},
        {"a first fragment with TCP's header in pieces behind options",
         on(kPrimaryPort,
            options(packet().tcp(1, 2).fragment(0, kMore), 1).payload_length(8 + 8 + 16)),
         kBad},
        {"a later fragment that could overwrite TCP's header, whatever it says that it is",
         on(kPrimaryPort, packet().udp(1, 2).fragment(8, 0)),
         ends(Exit::kBadFragment, kContosoPrimary)},
        {"the same where options stand before TCP",
         on(kPrimaryPort, packet().udp(1, 2).fragment(16, kMore)),
         ends(Exit::kBadFragment, kContosoPrimary)},
        {"a later fragment behind them", on(kPrimaryPort, packet().udp(1, 2).fragment(24, 0)),
         passes(sent().udp(1, 2).fragment(24, 0))},
        {"a later fragment has no headers, whatever it says",
         on(kPrimaryPort, packet()
                              .fragment(64, 0)
                              .extension(IpProtocol::kDestinationOptions, 24)
                              .payload_length(8 + 16)),
         passes(sent()
                    .fragment(64, 0)
                    .extension(IpProtocol::kDestinationOptions, 24)
                    .payload_length(8 + 16)
                    .cut_to(kSingle + kHeader + 8 + 16))},
    });

}  // namespace
}  // namespace causeway::test
