// SPDX-License-Identifier: Apache-2.0
#include "control/links/link_monitor.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>

namespace causeway {
namespace {

constexpr std::size_t kMessageMax = 32'768;   // the kernel's datagrams are no longer
constexpr int kReceiveBufferBytes = 1 << 20;  // a burst of some thousand changes

Unexpected failed(std::string_view what, int error) {
    return {ErrorCode::kUnavailable,
            "link monitor: " + std::string(what) + ": " + std::strerror(error)};
}

CarrierState state_of(const ifinfomsg& info) {
    constexpr unsigned kAlive = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
    return (info.ifi_flags & kAlive) == kAlive ? CarrierState::kRunning : CarrierState::kDown;
}

// The payload of a message as T; null if it is too short for one.
template <class T>
const T* payload_of(const nlmsghdr& header) {
    if (header.nlmsg_len < NLMSG_LENGTH(sizeof(T))) return nullptr;
    return static_cast<const T*>(NLMSG_DATA(&header));
}

std::string_view name_of(const nlmsghdr& header, const ifinfomsg& info) {
    auto bytes = static_cast<unsigned>(header.nlmsg_len - NLMSG_LENGTH(sizeof(ifinfomsg)));
    for (const rtattr* attribute = IFLA_RTA(&info); RTA_OK(attribute, bytes);
         attribute = RTA_NEXT(attribute, bytes)) {
        if (attribute->rta_type != IFLA_IFNAME) continue;
        const auto* const text = static_cast<const char*>(RTA_DATA(attribute));
        return {text, ::strnlen(text, RTA_PAYLOAD(attribute))};
    }
    return {};
}

}  // namespace

Result<LinkMonitor> LinkMonitor::open() {
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return failed("no netlink socket", errno);
    LinkMonitor monitor(fd);
    // Without the privilege for more, the usual size and a requery now and then must do.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        return failed("cannot subscribe to changes", errno);
    }
    if (Status status = monitor.request_dump(); !status) return Unexpected(status.error());
    return monitor;
}

LinkMonitor::~LinkMonitor() {
    if (fd_ >= 0) ::close(fd_);
}

Status LinkMonitor::request_dump() {
    if (dump_ != Dump::kNone) {
        dump_ = Dump::kUnderWayStale;  // the kernel runs one dump a socket
        return ok();
    }
    struct {
        nlmsghdr header;
        ifinfomsg info;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_GETLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    if (::send(fd_, &request, sizeof request, 0) < 0) return failed("cannot ask", errno);
    dump_ = Dump::kUnderWay;
    ++generation_;
    return ok();
}

Status LinkMonitor::drain(const Callback& changed) {
    alignas(nlmsghdr) std::array<std::uint8_t, kMessageMax> buffer;
    for (;;) {
        sockaddr_nl sender{};
        socklen_t sender_bytes = sizeof sender;
        const ssize_t bytes = ::recvfrom(fd_, buffer.data(), buffer.size(), MSG_TRUNC,
                                         reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
        if (bytes < 0) {
            if (errno == EAGAIN) return ok();
            if (errno == EINTR) continue;
            if (errno != ENOBUFS) return failed("cannot read", errno);
            if (Status status = request_dump(); !status) return status;
            continue;
        }
        if (sender.nl_pid != 0) continue;  // not the kernel: any process may write to us
        if (static_cast<std::size_t>(bytes) > buffer.size()) {
            if (Status status = request_dump(); !status) return status;
            continue;
        }
        const auto message = std::span(buffer).first(static_cast<std::size_t>(bytes));
        if (Status status = read_message(message, changed); !status) return status;
    }
}

Status LinkMonitor::read_message(std::span<const std::uint8_t> bytes, const Callback& changed) {
    auto rest = static_cast<unsigned>(bytes.size());
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data());
         NLMSG_OK(header, rest); header = NLMSG_NEXT(header, rest)) {
        // Interfaces came or went during the dump: it may have missed one.
        if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) dump_ = Dump::kUnderWayStale;
        if (header->nlmsg_type == NLMSG_DONE) {
            if (Status status = finish_dump(changed); !status) return status;
        } else if (header->nlmsg_type == NLMSG_ERROR) {
            const auto* const error = payload_of<nlmsgerr>(*header);
            if (error == nullptr || error->error != 0) {
                return failed("the kernel refuses", error == nullptr ? EPROTO : -error->error);
            }
        } else if (header->nlmsg_type == RTM_NEWLINK || header->nlmsg_type == RTM_DELLINK) {
            const auto* const info = payload_of<ifinfomsg>(*header);
            // A bridge reports its ports under its own family; they have not changed by that.
            if (info == nullptr || info->ifi_family != AF_UNSPEC) continue;
            if (header->nlmsg_type == RTM_NEWLINK) {
                note(info->ifi_index, name_of(*header, *info), state_of(*info), changed);
            } else {
                forget(info->ifi_index, changed);
            }
        }
    }
    return ok();
}

Status LinkMonitor::finish_dump(const Callback& changed) {
    const bool is_stale = std::exchange(dump_, Dump::kNone) == Dump::kUnderWayStale;
    if (is_stale) return request_dump();
    for (auto link = links_.begin(); link != links_.end();) {
        const auto next = std::next(link);
        if (link->second.generation != generation_) forget(link->first, changed);
        link = next;
    }
    return ok();
}

void LinkMonitor::note(int index, std::string_view name, CarrierState state,
                       const Callback& changed) {
    auto [found, is_new] = links_.try_emplace(index);
    Link& link = found->second;
    link.generation = generation_;
    const bool is_renamed = !is_new && link.name != name;
    if (is_renamed) changed({index, link.name, CarrierState::kGone});
    if (!is_new && !is_renamed && link.state == state) return;
    link.name = name;
    link.state = state;
    changed({index, link.name, state});
}

void LinkMonitor::forget(int index, const Callback& changed) {
    const auto found = links_.find(index);
    if (found == links_.end()) return;
    const Link link = std::move(found->second);
    links_.erase(found);
    changed({index, link.name, CarrierState::kGone});
}

}  // namespace causeway
