// SPDX-License-Identifier: Apache-2.0
#include "control/links/link_messages.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

namespace causeway {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr int kErrnoMax = 4'095;  // as the kernel's MAX_ERRNO

// The macros of linux/netlink.h step over padding whether it is there or not, and then go on
// without an end; the kernel always pads, but that is for it to say.
Bytes behind(Bytes bytes, std::size_t padded) {
    return bytes.subspan(std::min(padded, bytes.size()));
}

template <class T>
std::optional<T> read(Bytes bytes) {
    if (bytes.size() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
}

CarrierState state_of(const ifinfomsg& info) {
    constexpr unsigned kAlive = IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
    return (info.ifi_flags & kAlive) == kAlive ? CarrierState::kRunning : CarrierState::kDown;
}

std::string_view name_in(Bytes attributes) {
    while (const auto header = read<rtattr>(attributes)) {
        if (header->rta_len < sizeof *header || header->rta_len > attributes.size()) break;
        const Bytes value = attributes.first(header->rta_len).subspan(sizeof *header);
        if (header->rta_type == IFLA_IFNAME) {
            const auto end = std::ranges::find(value, std::uint8_t{0});
            return {reinterpret_cast<const char*>(value.data()),
                    static_cast<std::size_t>(end - value.begin())};
        }
        attributes = behind(attributes, RTA_ALIGN(header->rta_len));
    }
    return {};
}

LinkNews link_news(const nlmsghdr& header, Bytes payload) {
    LinkNews news;
    const auto info = read<ifinfomsg>(payload);
    // A bridge reports its ports under its own family; they have not changed by that.
    if (!info || info->ifi_family != AF_UNSPEC) return news;
    news.kind = LinkNews::Kind::kLink;
    news.index = info->ifi_index;
    news.state = CarrierState::kGone;
    if (header.nlmsg_type == RTM_DELLINK) return news;
    news.state = state_of(*info);
    news.name = name_in(behind(payload, NLMSG_ALIGN(sizeof *info)));
    return news;
}

LinkNews news_of(const nlmsghdr& header, Bytes payload) {
    switch (header.nlmsg_type) {
        case NLMSG_DONE: {
            const int status = read<int>(payload).value_or(0);  // of the dump that ends here
            if (status >= 0 || status < -kErrnoMax) return {.kind = LinkNews::Kind::kDumpEnds};
            return {.kind = LinkNews::Kind::kRefused, .error = -status};
        }
        case NLMSG_ERROR: {
            const auto answer = read<nlmsgerr>(payload);
            if (answer && answer->error == 0) return {};  // an acknowledgement
            const bool is_errno = answer && answer->error < 0 && answer->error >= -kErrnoMax;
            return {.kind = LinkNews::Kind::kRefused, .error = is_errno ? -answer->error : EPROTO};
        }
        case RTM_NEWLINK:
        case RTM_DELLINK:
            return link_news(header, payload);
        default:
            return {};
    }
}

}  // namespace

std::vector<LinkNews> read_link_messages(Bytes datagram) {
    std::vector<LinkNews> all;
    while (const auto header = read<nlmsghdr>(datagram)) {
        if (header->nlmsg_len < sizeof *header || header->nlmsg_len > datagram.size()) break;
        all.push_back(news_of(*header, datagram.first(header->nlmsg_len).subspan(NLMSG_HDRLEN)));
        all.back().is_dump_interrupted = (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        datagram = behind(datagram, NLMSG_ALIGN(std::size_t{header->nlmsg_len}));
    }
    return all;
}

}  // namespace causeway
