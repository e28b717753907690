// SPDX-License-Identifier: Apache-2.0
#include "dataplane/device_spec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace causeway {
namespace {

struct Accepted {
    std::string_view text;
    DeviceSpec spec;
};

class AcceptedDevice : public testing::TestWithParam<Accepted> {};

TEST_P(AcceptedDevice, IsWhatItSays) {
    const Result<DeviceSpec> spec = parse_device_spec(GetParam().text);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(*spec, GetParam().spec);
}

using enum DeviceKind;
INSTANTIATE_TEST_SUITE_P(
    Forms, AcceptedDevice,
    testing::Values(
        Accepted{"0000:3b:00.0", {kPci, "0000:3b:00.0", "", ""}},
        Accepted{"3b:00.1", {kPci, "0000:3b:00.1", "", ""}},
        Accepted{"0001:AF:1f.7", {kPci, "0001:af:1f.7", "", ""}},
        Accepted{"3b:00.0,dv_flow_en=0", {kPci, "0000:3b:00.0", "dv_flow_en=0", ""}},
        Accepted{"af_xdp:eth1", {kAfXdp, "", "", "eth1"}},
        Accepted{"af_xdp:enp59s0f0np0", {kAfXdp, "", "", "enp59s0f0np0"}},  // 12 of 15 letters
        Accepted{"af_packet:veth-a.7", {kAfPacket, "", "", "veth-a.7"}},
        Accepted{"tap:customer0", {kTap, "", "", "customer0"}},
        Accepted{"net_ring0", {kVirtual, "net_ring0", "", ""}},
        Accepted{"net_null0,size=64,copy=1", {kVirtual, "net_null0", "size=64,copy=1", ""}},
        Accepted{"net_pcap0,rx_pcap=/tmp/a.pcap,infinite_rx=1",
                 {kVirtual, "net_pcap0", "rx_pcap=/tmp/a.pcap,infinite_rx=1", ""}}));

struct Refused {
    std::string_view text;
    std::string_view reason;  // a part of the message
};

class RefusedDevice : public testing::TestWithParam<Refused> {};

TEST_P(RefusedDevice, SaysWhy) {
    const Result<DeviceSpec> spec = parse_device_spec(GetParam().text);
    ASSERT_FALSE(spec);
    EXPECT_EQ(spec.error().code, ErrorCode::kInvalid);
    EXPECT_NE(spec.error().message.find(GetParam().reason), std::string::npos)
        << spec.error().message;
    EXPECT_TRUE(spec.error().message.starts_with("device \"")) << spec.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Faults, RefusedDevice,
    testing::Values(
        Refused{"", "there must be one"}, Refused{"eth0", "neither a PCI address"},
        Refused{"3b:00", "neither a PCI address"}, Refused{"3b:00.8", "neither a PCI address"},
        Refused{"3b:20.0", "neither a PCI address"},  // a bus has 32 devices
        Refused{"3g:00.0", "neither a PCI address"}, Refused{"af_xdp", "neither a PCI address"},
        Refused{"af_xdp:", "no name"}, Refused{"tap:sixteen-letters-", "at most 15"},
        Refused{"af_xdp:eth0,a=b", "none of / : , ="},
        Refused{"af_packet:../eth0", "none of / : , ="}, Refused{"tap:..", "no interface can have"},
        Refused{"tap:a b", "no blank"}, Refused{"net_", "neither a PCI address"},
        Refused{"net_ring-0", "neither a PCI address"}, Refused{"net_null0,size= 64", "blanks"},
        Refused{"net_null0,\n--vdev", "blanks"}));

TEST(DeviceSpec, RefusesATextWithoutEnd) {
    EXPECT_FALSE(parse_device_spec("net_null0," + std::string(2'000, 'a')));
    EXPECT_FALSE(parse_device_spec("net_" + std::string(60, 'a')));
}

TEST(EalDevice, NamesTheDriverAndItsArguments) {
    const auto device = [](std::string_view text) {
        return eal_device(parse_device_spec(text).value(), PortId(3),
                          {.program = "/x/tag_filter.bpf.o", .queues = 2});
    };
    EXPECT_EQ(device("3b:00.0,a=b"), (EalDevice{"pci", "0000:3b:00.0", "a=b"}));
    EXPECT_EQ(device("net_null0,size=64"), (EalDevice{"vdev", "net_null0", "size=64"}));
    EXPECT_EQ(device("tap:t0"), (EalDevice{"vdev", "net_tap3", "iface=t0"}));
    EXPECT_EQ(device("af_packet:eth1"), (EalDevice{"vdev", "net_af_packet3", "iface=eth1"}));
    EXPECT_EQ(device("af_xdp:eth1"),
              (EalDevice{"vdev", "net_af_xdp3",
                         "iface=eth1,start_queue=0,queue_count=2,busy_budget=0,"
                         "xdp_prog=/x/tag_filter.bpf.o"}));
}

// Random texts of the alphabet that devices are made of: whatever is accepted says itself again.
TEST(DeviceSpec, RoundTripsWhateverItAccepts) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    constexpr std::string_view kStarts[] = {
        "", "net_", "af_xdp:", "af_packet:", "tap:", "3b:", "0000:", "0000:3b:00.", "net_null0,"};
    constexpr std::string_view kLetters = "0123456789abcdefAFxyz_:.,=-/ \n";
    unsigned accepted = 0;
    for (int i = 0; i < 200'000; ++i) {
        std::string text(kStarts[random() % std::size(kStarts)]);
        for (auto length = random() % 10; length > 0; --length) {
            text += kLetters[random() % kLetters.size()];
        }
        const Result<DeviceSpec> spec = parse_device_spec(text);
        if (!spec) continue;
        ++accepted;
        const Result<DeviceSpec> again = parse_device_spec(to_string(*spec));
        ASSERT_TRUE(again) << text;
        ASSERT_EQ(*again, *spec) << text;
    }
    EXPECT_GT(accepted, 10'000U);
}

}  // namespace
}  // namespace causeway
