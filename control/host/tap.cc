// SPDX-License-Identifier: Apache-2.0
#include "control/host/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <variant>

#include "base/check.h"

namespace causeway {
namespace {

constexpr int kLoopbackIndex = 1;  // the first interface of every namespace

Unexpected failed(const std::string& name, std::string_view what, int error) {
    return {ErrorCode::kUnavailable,
            "TAP " + name + ": " + std::string(what) + ": " + std::strerror(error)};
}

// In the namespace of the calling thread. No multiple queues: one thread reads and writes; no
// offloads: frames are whole and have their checksums.
Result<Descriptor> open_device(const std::string& name) {
    Descriptor fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (fd.get() < 0) return failed(name, "/dev/net/tun", errno);
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    CHECK(name.size() < sizeof request.ifr_name);
    std::memcpy(request.ifr_name, name.c_str(), name.size());
    if (::ioctl(fd.get(), TUNSETIFF, &request) < 0) {
        return failed(name, "cannot be made", errno);
    }
    return fd;
}

}  // namespace

// Its loopback interface is up afterwards: routing daemons talk to each other, and to us, over it.
Result<HostNamespace> HostNamespace::open(const std::string& name) {
    auto where = NetNamespace::open(name);
    if (!where) return Unexpected(where.error());
    const auto visit = NamespaceVisit::begin(*where);
    if (!visit) return Unexpected(visit.error());
    auto netlink = RtNetlink::open();
    if (!netlink) return Unexpected(netlink.error());
    if (const Status up = netlink->set_up(kLoopbackIndex, {}); !up) return Unexpected(up.error());
    return HostNamespace(std::move(where).value(), std::move(netlink).value());
}

Result<Tap> Tap::create(HostNamespace& where, const TapOptions& options) {
    const auto visit = NamespaceVisit::begin(where.where());
    if (!visit) return Unexpected(visit.error());
    auto fd = open_device(options.name);
    if (!fd) return Unexpected(fd.error());
    const auto index = static_cast<int>(::if_nametoindex(options.name.c_str()));
    if (index == 0) return failed(options.name, "is gone", errno);
    Tap tap(std::move(fd).value(), options.name, index, options.addresses);
    if (const Status status = tap.configure(where, options); !status) {
        return Unexpected(status.error().code,
                          "TAP " + options.name + ": " + status.error().message);
    }
    return tap;
}

Status Tap::configure(HostNamespace& where, const TapOptions& options) {
    set_carrier(Carrier::kOff);
    const bool has_ipv6 = std::ranges::any_of(options.addresses, [](const TapAddress& one) {
        return std::holds_alternative<Ipv6Address>(one.address);
    });
    const Status up = where.netlink().set_up(
        index_, {.mac = options.mac, .mtu = options.mtu, .plain_ipv6 = has_ipv6});
    if (!up) return up;
    return put_addresses(where);
}

Status Tap::put_addresses(HostNamespace& where) {
    for (const TapAddress& one : addresses_) {
        const Status put = where.netlink().put_address(index_, one.address, one.length);
        if (!put) return put;
    }
    return ok();
}

void Tap::set_carrier(Carrier carrier) {
    int on = carrier == Carrier::kOn ? 1 : 0;
    // Fails only where somebody has deleted the device, and then it has none.
    (void)::ioctl(fd_.get(), TUNSETCARRIER, &on);
}

Status Tap::set_mtu(HostNamespace& where, unsigned mtu) {
    const Status done = where.netlink().set_up(index_, {.mac = {}, .mtu = mtu});
    if (done) return ok();
    return Unexpected(done.error().code, "TAP " + name_ + ": MTU: " + done.error().message);
}

std::size_t Tap::read(std::span<std::uint8_t> room) noexcept {
    const ssize_t bytes = ::read(fd_.get(), room.data(), room.size());
    return bytes < 0 ? 0 : static_cast<std::size_t>(bytes);
}

bool Tap::write(std::span<const std::uint8_t> frame) noexcept {
    return ::write(fd_.get(), frame.data(), frame.size()) == static_cast<ssize_t>(frame.size());
}

}  // namespace causeway
