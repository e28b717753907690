// SPDX-License-Identifier: Apache-2.0
//
// NetNamespace: a network namespace that has a name, as ip-netns(8) knows them, and how a thread
// does something inside one. What a thread opens there (a socket, a TAP) stays there when the
// thread has left.
//
// Thread safety: a visit changes the namespace of the calling thread only.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace causeway {

// A file descriptor, closed with its owner.
class Descriptor {
  public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Descriptor();
    [[nodiscard]] int get() const noexcept { return fd_; }

  private:
    int fd_;
};

class NetNamespace {
  public:
    // kNotFound where there is none. We make none ourselves: a daemon that has mounts of its own,
    // as under systemd or `ip netns exec`, would make one that nobody else finds.
    [[nodiscard]] static Result<NetNamespace> open(const std::string& name);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }

  private:
    explicit NetNamespace(Descriptor fd) noexcept : fd_(std::move(fd)) {}

    Descriptor fd_;
};

// While it lives, its thread is in the namespace.
class NamespaceVisit {
  public:
    [[nodiscard]] static Result<NamespaceVisit> begin(const NetNamespace& where);
    NamespaceVisit(NamespaceVisit&&) noexcept = default;
    NamespaceVisit& operator=(NamespaceVisit&&) = delete;
    ~NamespaceVisit();

  private:
    explicit NamespaceVisit(Descriptor home) noexcept : home_(std::move(home)) {}

    Descriptor home_;
};

}  // namespace causeway
