// SPDX-License-Identifier: Apache-2.0
#include "control/host/net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/check.h"

namespace causeway {
namespace {

constexpr const char* kFolder = "/run/netns";  // where ip-netns(8) keeps them
constexpr const char* kOurs = "/proc/thread-self/ns/net";

Unexpected failed(const std::string& what, int error) {
    return {ErrorCode::kUnavailable, what + ": " + std::strerror(error)};
}

Descriptor open_namespace(const char* path) {
    return Descriptor(::open(path, O_RDONLY | O_CLOEXEC));
}

// A thread that cannot go home would do all that follows in a customer's namespace.
void go_home(const Descriptor& home) {
    CHECK(::setns(home.get(), CLONE_NEWNET) == 0);
}

}  // namespace

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Result<NetNamespace> NetNamespace::open(const std::string& name) {
    const std::string path = std::string(kFolder) + '/' + name;
    Descriptor fd = open_namespace(path.c_str());
    if (fd.get() < 0 && errno == ENOENT) {
        return Unexpected(ErrorCode::kNotFound, "there is no network namespace " + name +
                                                    ": make it with `ip netns add " + name + "`");
    }
    if (fd.get() < 0) return failed("network namespace " + name, errno);
    return NetNamespace(std::move(fd));
}

Result<NamespaceVisit> NamespaceVisit::begin(const NetNamespace& where) {
    Descriptor home = open_namespace(kOurs);
    if (home.get() < 0) return failed("our own network namespace", errno);
    if (::setns(where.fd(), CLONE_NEWNET) != 0) return failed("entering a namespace", errno);
    return NamespaceVisit(std::move(home));
}

NamespaceVisit::~NamespaceVisit() {
    if (home_.get() >= 0) go_home(home_);
}

}  // namespace causeway
