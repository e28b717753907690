// SPDX-License-Identifier: Apache-2.0
#include "control/host/rtnetlink.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <variant>
#include <vector>

#include "base/check.h"
#include "base/endian.h"
#include "base/headers.h"

namespace causeway {
namespace {

Unexpected failed(std::string_view what, int error) {
    return {ErrorCode::kUnavailable, std::string(what) + ": " + std::strerror(error)};
}

// A request under construction: header, body, attributes, some of which nest.
class Request {
  public:
    template <class Body>
    Request(std::uint16_t type, std::uint16_t flags, const Body& body) {
        const nlmsghdr header{
            .nlmsg_len = 0,
            .nlmsg_type = type,
            .nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags),
            .nlmsg_seq = 0,
            .nlmsg_pid = 0};
        append(&header, sizeof header);
        append(&body, sizeof body);
    }
    template <class Value>
    void attribute(std::uint16_t type, const Value& value) {
        const std::size_t at = begin(type);
        append(&value, sizeof value);
        end(at);
    }
    [[nodiscard]] std::size_t begin(std::uint16_t type) {
        const std::size_t at = bytes_.size();
        const rtattr header{.rta_len = 0, .rta_type = type};
        append(&header, sizeof header);
        return at;
    }
    void end(std::size_t at) {
        const auto size = static_cast<std::uint16_t>(bytes_.size() - at);
        std::memcpy(bytes_.data() + at + offsetof(rtattr, rta_len), &size, sizeof size);
        bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    }
    [[nodiscard]] std::span<const std::uint8_t> finish() {
        const auto size = static_cast<std::uint32_t>(bytes_.size());
        std::memcpy(bytes_.data(), &size, sizeof size);
        return bytes_;
    }

  private:
    void append(const void* data, std::size_t size) {
        const auto* const first = static_cast<const std::uint8_t*>(data);
        bytes_.insert(bytes_.end(), first, first + size);
    }

    std::vector<std::uint8_t> bytes_;
};

}  // namespace

Result<RtNetlink> RtNetlink::open() {
    Descriptor fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (fd.get() < 0) return failed("no netlink socket", errno);
    return RtNetlink(std::move(fd));
}

// rtnetlink does what it is asked before send() returns, so the answer is there.
Status RtNetlink::ask(std::span<const std::uint8_t> request, std::string_view what) {
    if (::send(fd_.get(), request.data(), request.size(), 0) < 0) return failed(what, errno);
    alignas(nlmsghdr) std::array<std::uint8_t, 1'024> answer;
    const ssize_t bytes = ::recv(fd_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    if (bytes < 0) return failed(what, errno);
    if (static_cast<std::size_t>(bytes) < NLMSG_LENGTH(sizeof(nlmsgerr))) {
        return failed(what, EPROTO);
    }
    nlmsgerr error;
    std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
    return error.error == 0 ? ok() : Status(failed(what, -error.error));
}

Status RtNetlink::set_up(int index, const LinkSettings& settings) {
    ifinfomsg info{};
    info.ifi_index = index;
    info.ifi_flags = IFF_UP;
    info.ifi_change = IFF_UP;
    Request request(RTM_NEWLINK, 0, info);
    if (settings.mac) request.attribute(IFLA_ADDRESS, *settings.mac);
    if (settings.mtu) request.attribute(IFLA_MTU, std::uint32_t{*settings.mtu});
    if (settings.plain_ipv6) {
        const std::size_t families = request.begin(IFLA_AF_SPEC);
        const std::size_t ipv6 = request.begin(AF_INET6);
        request.attribute(IFLA_INET6_ADDR_GEN_MODE, std::uint8_t{IN6_ADDR_GEN_MODE_NONE});
        request.end(ipv6);
        request.end(families);
    }
    return ask(request.finish(), "cannot be set up");
}

Status RtNetlink::put_address(int index, const IpAddress& address, int length) {
    const auto* const ipv4 = std::get_if<Ipv4Address>(&address);
    ifaddrmsg body{};
    body.ifa_family = ipv4 != nullptr ? AF_INET : AF_INET6;
    body.ifa_prefixlen = static_cast<std::uint8_t>(length);
    body.ifa_flags = ipv4 != nullptr ? 0 : IFA_F_NODAD;
    body.ifa_index = static_cast<std::uint32_t>(index);
    Request request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, body);
    if (ipv4 != nullptr) {
        request.attribute(IFA_LOCAL, Be32(ipv4->value()));
        request.attribute(IFA_ADDRESS, Be32(ipv4->value()));
    } else {
        request.attribute(IFA_LOCAL, WireIpv6Address(std::get<Ipv6Address>(address)));
    }
    return ask(request.finish(), ipv4 != nullptr
                                     ? "cannot have its address"
                                     : "cannot have its IPv6 address (is disable_ipv6 set there?)");
}

Status RtNetlink::set_group(int index, std::uint32_t group) {
    ifinfomsg info{};
    info.ifi_index = index;
    Request request(RTM_SETLINK, 0, info);
    request.attribute(IFLA_GROUP, group);
    return ask(request.finish(), "cannot be put into a group");
}

Status RtNetlink::delete_group(std::uint32_t group) {
    Request request(RTM_DELLINK, 0, ifinfomsg{});
    request.attribute(IFLA_GROUP, group);
    return ask(request.finish(), "cannot be deleted");
}

}  // namespace causeway
