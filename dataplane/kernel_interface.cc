// SPDX-License-Identifier: Apache-2.0
#include "dataplane/kernel_interface.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace causeway {
namespace {

ifreq request_for(const std::string& interface) {
    ifreq request{};
    std::memcpy(request.ifr_name, interface.c_str(), interface.size());  // claim() saw it fit
    return request;
}

int control_interface(int fd, const std::string& interface, void* command) {
    ifreq request = request_for(interface);
    request.ifr_data = static_cast<char*>(command);
    return ::ioctl(fd, SIOCETHTOOL, &request);
}

Unexpected failed(const std::string& interface, std::string_view what, int error) {
    return {ErrorCode::kUnavailable,
            "interface " + interface + ": " + std::string(what) + ": " + std::strerror(error)};
}

// An ethtool command with a tail of variable length, zeroed.
template <class Command>
class Tailed {
  public:
    Tailed(std::uint32_t command, std::size_t tail_bytes)
        : words_((sizeof(Command) + tail_bytes + 7) / 8) {
        (*this)->cmd = command;
    }
    Command* operator->() { return reinterpret_cast<Command*>(words_.data()); }
    void* data() { return words_.data(); }

  private:
    std::vector<std::uint64_t> words_;
};

// The names of the device's features, in the order of their bits. Empty where it has none.
std::vector<std::string> feature_names(int fd, const std::string& interface) {
    Tailed<ethtool_sset_info> info(ETHTOOL_GSSET_INFO, sizeof(std::uint32_t));
    info->sset_mask = 1ULL << ETH_SS_FEATURES;
    if (control_interface(fd, interface, info.data()) < 0 || info->sset_mask == 0) return {};
    const std::size_t count = info->data[0];
    Tailed<ethtool_gstrings> strings(ETHTOOL_GSTRINGS, count * ETH_GSTRING_LEN);
    strings->string_set = ETH_SS_FEATURES;
    strings->len = static_cast<std::uint32_t>(count);
    if (control_interface(fd, interface, strings.data()) < 0) return {};
    std::vector<std::string> names(count);
    for (std::size_t i = 0; i < count; ++i) {
        const char* name = reinterpret_cast<const char*>(strings->data) + i * ETH_GSTRING_LEN;
        names[i].assign(name, ::strnlen(name, ETH_GSTRING_LEN));
    }
    return names;
}

// The features by which a device takes the outer tag out of a frame and hands it over beside it.
bool strips_tags(std::string_view feature) {
    return feature == "rx-vlan-hw-parse" || feature == "rx-vlan-stag-hw-parse";
}

}  // namespace

Result<KernelInterface> KernelInterface::claim(std::string name) {
    const int index = static_cast<int>(::if_nametoindex(name.c_str()));
    if (index == 0 || name.size() >= IFNAMSIZ) {
        return Unexpected(ErrorCode::kNotFound, "there is no interface " + name);
    }
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(name, "no socket", errno);

    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string text = "causeway/interface/" + std::to_string(index);
    static_assert(sizeof(address.sun_path) > 40, "a leading zero, the text, ten digits");
    std::memcpy(address.sun_path + 1, text.data(), text.size());
    const auto bytes = offsetof(sockaddr_un, sun_path) + 1 + text.size();
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(bytes)) <
        0) {
        const int error = errno;
        ::close(fd);
        if (error != EADDRINUSE) return failed(name, "cannot be claimed", error);
        return Unexpected(ErrorCode::kExists,
                          "interface " + name + " is another port's, here or in another causewayd");
    }
    return KernelInterface(std::move(name), index, fd);
}

KernelInterface::~KernelInterface() {
    if (claim_fd_ >= 0) ::close(claim_fd_);
}

Status KernelInterface::set_admin(AdminState state) {
    ifreq request = request_for(name_);
    if (::ioctl(claim_fd_, SIOCGIFFLAGS, &request) < 0) return failed(name_, "is gone", errno);
    const int flags =
        state == AdminState::kUp ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP;
    request.ifr_flags = static_cast<short>(flags);
    if (::ioctl(claim_fd_, SIOCSIFFLAGS, &request) < 0) {
        return failed(name_, state == AdminState::kUp ? "cannot be set up" : "cannot be set down",
                      errno);
    }
    return ok();
}

Status KernelInterface::set_mtu(unsigned bytes) {
    ifreq request = request_for(name_);
    request.ifr_mtu = static_cast<int>(bytes);
    if (::ioctl(claim_fd_, SIOCSIFMTU, &request) < 0) {
        return failed(name_, "refuses an MTU of " + std::to_string(bytes), errno);
    }
    return ok();
}

unsigned KernelInterface::receive_queues() const noexcept {
    ethtool_channels channels{};
    channels.cmd = ETHTOOL_GCHANNELS;
    if (control_interface(claim_fd_, name_, &channels) < 0) return 1;  // it has no such notion
    const unsigned count = channels.combined_count + channels.rx_count;
    return count == 0 ? 1 : count;
}

Status KernelInterface::keep_tags_in_frames() {
    const std::vector<std::string> names = feature_names(claim_fd_, name_);
    const std::size_t blocks = (names.size() + 31) / 32;
    Tailed<ethtool_sfeatures> set(ETHTOOL_SFEATURES, blocks * sizeof(ethtool_set_features_block));
    set->size = static_cast<std::uint32_t>(blocks);
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (strips_tags(names[i])) set->features[i / 32].valid |= 1U << (i % 32);
    }
    // What is fixed cannot be asked for, and the kernel says so by a bit of the answer. What counts
    // is the state afterwards.
    control_interface(claim_fd_, name_, set.data());

    Tailed<ethtool_gfeatures> now(ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block));
    now->size = static_cast<std::uint32_t>(blocks);
    if (names.empty() || control_interface(claim_fd_, name_, now.data()) < 0) return ok();
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (strips_tags(names[i]) && (now->features[i / 32].active >> (i % 32) & 1U) != 0) {
            return Unexpected(ErrorCode::kUnavailable,
                              "interface " + name_ + " takes tags out of frames (" + names[i] +
                                  ") and cannot be forbidden to");
        }
    }
    return ok();
}

}  // namespace causeway
