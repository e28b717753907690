// SPDX-License-Identifier: Apache-2.0
#include "control/links/link_monitor.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <span>

namespace causeway {
namespace {

constexpr std::size_t kMessageMax = 32'768;   // the kernel's datagrams are no longer
constexpr int kReceiveBufferBytes = 1 << 20;  // a burst of some thousand changes

Unexpected failed(std::string_view what, int error) {
    return {ErrorCode::kUnavailable,
            "link monitor: " + std::string(what) + ": " + std::strerror(error)};
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
        const auto datagram = std::span(buffer).first(static_cast<std::size_t>(bytes));
        for (const LinkNews& news : read_link_messages(datagram)) {
            if (Status status = hear(news, changed); !status) return status;
        }
    }
}

Status LinkMonitor::hear(const LinkNews& news, const Callback& changed) {
    if (news.is_dump_interrupted) dump_ = Dump::kUnderWayStale;
    switch (news.kind) {
        case LinkNews::Kind::kLink:
            if (news.state == CarrierState::kGone) {
                forget(news.index, changed);
            } else {
                note(news.index, news.name, news.state, changed);
            }
            return ok();
        case LinkNews::Kind::kDumpEnds:
            return finish_dump(changed);
        case LinkNews::Kind::kRefused:
            return failed("the kernel refuses", news.error);
        case LinkNews::Kind::kOther:
            break;
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
