// SPDX-License-Identifier: Apache-2.0
//
// ListenSocket: a listening Unix stream socket at a path of the file system, there for as long as
// the object is.
//
// It is bound under a name of its own and renamed into place, so the path never names a socket
// that does not listen yet or has not its mode yet. A socket that somebody still answers on is
// never replaced; one that a dead process left behind is.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace causeway {

class ListenSocket {
  public:
    // Makes the parent directory where it is missing. Mode 0666: roles come from peer credentials.
    [[nodiscard]] static Result<ListenSocket> create(const std::string& path);
    ~ListenSocket();  // removes the path, unless it names another's socket by now
    ListenSocket(ListenSocket&& other) noexcept;
    ListenSocket& operator=(ListenSocket&&) = delete;

    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  private:
    ListenSocket(int descriptor, std::string path)
        : descriptor_(descriptor), path_(std::move(path)) {}

    int descriptor_;  // non-blocking; -1: moved from
    std::string path_;
    dev_t device_ = 0;  // with inode_: which file at path_ is ours
    ino_t inode_ = 0;
};

}  // namespace causeway
