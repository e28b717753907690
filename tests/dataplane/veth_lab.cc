// SPDX-License-Identifier: Apache-2.0
#include "tests/dataplane/veth_lab.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/check.h"

namespace causeway {
namespace {

constexpr std::array<std::uint8_t, 4> kMark = {0xca, 0x05, 0xe3, 0xa7};
constexpr std::uint16_t kTestType = 0x88b5;  // IEEE 802 local experimental EtherType 1

void put16(Frame& frame, std::uint16_t value) {
    frame.push_back(static_cast<std::uint8_t>(value >> 8));
    frame.push_back(static_cast<std::uint8_t>(value));
}

}  // namespace

bool enter_private_namespace() {
    return ::geteuid() == 0 && ::unshare(CLONE_NEWNET) == 0;
}

bool run(const std::string& command) {
    if (std::system(command.c_str()) == 0) return true;
    std::fprintf(stderr, "failed: %s\n", command.c_str());
    return false;
}

bool make_veth_pair(const std::string& near, const std::string& far) {
    const auto prepare = [](const std::string& interface) {
        // No addresses, so that the kernel does not send frames of its own.
        return run("ip link set " + interface + " addrgenmode none") &&
               run("ethtool -K " + interface +
                   " txvlan off tx-vlan-stag-hw-insert off rxvlan off >/dev/null") &&
               run("ip link set " + interface + " mtu 1508 up");
    };
    return run("ip link add " + near + " type veth peer name " + far) && prepare(near) &&
           prepare(far);
}

Frame make_frame(std::span<const Tag> tags, std::uint32_t serial, std::size_t bytes) {
    Frame frame(6, 0xff);
    const std::array<std::uint8_t, 6> source = {0x02, 0, 0, 0, 0, 0x01};
    frame.insert(frame.end(), source.begin(), source.end());
    for (const Tag& tag : tags) {
        put16(frame, tag.tpid);
        put16(frame, tag.vid);
    }
    put16(frame, kTestType);
    frame.insert(frame.end(), kMark.begin(), kMark.end());
    put16(frame, static_cast<std::uint16_t>(serial >> 16));
    put16(frame, static_cast<std::uint16_t>(serial));
    if (frame.size() < bytes) frame.resize(bytes);
    return frame;
}

std::optional<std::uint32_t> serial_of(std::span<const std::uint8_t> frame) {
    for (std::size_t at = 14; at + 8 <= frame.size() && at <= 30; ++at) {
        if (std::memcmp(frame.data() + at, kMark.data(), kMark.size()) != 0) continue;
        std::uint32_t serial = 0;
        std::memcpy(&serial, frame.data() + at + kMark.size(), sizeof serial);
        return ::ntohl(serial);
    }
    return std::nullopt;
}

RawSocket::RawSocket(const std::string& interface)
    : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
    CHECK(fd_ >= 0 && address.sll_ifindex > 0);
    CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
}

RawSocket::~RawSocket() {
    ::close(fd_);
}

bool RawSocket::send(const Frame& frame) {
    return ::send(fd_, frame.data(), frame.size(), 0) == static_cast<ssize_t>(frame.size());
}

std::optional<Frame> RawSocket::receive() {
    Frame frame(4'096);
    for (;;) {
        sockaddr_ll from{};
        socklen_t from_bytes = sizeof from;
        const ssize_t bytes = ::recvfrom(fd_, frame.data(), frame.size(), 0,
                                         reinterpret_cast<sockaddr*>(&from), &from_bytes);
        if (bytes < 0) return std::nullopt;
        if (from.sll_pkttype == PACKET_OUTGOING) continue;
        frame.resize(static_cast<std::size_t>(bytes));
        return frame;
    }
}

}  // namespace causeway
