// SPDX-License-Identifier: Apache-2.0
//
// SessionFile: the lines of all workers' sessions in a file on memory (tmpfs or hugetlbfs), so that
// they outlive the process. Only they: what else a NAT has, mappings, ports, indices and timers, is
// made again from them.
//
// Theory of operation
//   Workers write their lines as they would anyway; nobody flushes and nobody locks. What a killed
//   process has stored is in the file, in the order of its stores; a session whose version is odd
//   was being written or is free, and is not there. So the file is right at any moment.
//   A start makes a new file beside the old one, takes over the old one's sessions, and only then
//   gives it the old one's name: killed meanwhile, the next start finds the old one as it was. So
//   workers may be more or fewer than before, and tables of another size.
//   A damaged file is refused as a whole: each line carries a check of what never changes in it.
//
//   0         header
//   4,096     worker 0's lines, then worker 1's ...: line 0 has the clock, line i is session i
//
// Thread safety: the control thread's, before the workers start; lines are their workers'.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/file_mapping.h"
#include "base/result.h"
#include "nat/session_table.h"

namespace causeway {

class Translator;

// A file that this process holds open, and with it the right to what it is about.
class LockedFile {
  public:
    explicit LockedFile(int descriptor) noexcept : descriptor_(descriptor) {}
    LockedFile(LockedFile&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    LockedFile& operator=(LockedFile&& other) noexcept {
        std::swap(descriptor_, other.descriptor_);
        return *this;
    }
    ~LockedFile();
    [[nodiscard]] int descriptor() const noexcept { return descriptor_; }

  private:
    int descriptor_ = -1;
};

struct SessionFileShape {
    std::uint32_t workers = 0;
    std::uint32_t sessions_max = 0;  // of each
    friend bool operator==(const SessionFileShape&, const SessionFileShape&) = default;
};

// What an earlier process left.
class SavedSessions {
  public:
    // Nothing where there is no file. An error where it is not one of ours, of another version,
    // damaged, or, which alone is kExists, in use by another process; the message says which.
    [[nodiscard]] static Result<std::optional<SavedSessions>> open(const std::string& path);

    [[nodiscard]] const SessionFileShape& shape() const noexcept { return shape_; }
    // All lines of a worker; line 0 is the clock's.
    [[nodiscard]] std::span<const Session> lines(std::uint32_t worker) const noexcept;

  private:
    SavedSessions(LockedFile file, FileMapping memory, SessionFileShape shape) noexcept
        : file_(std::move(file)), memory_(std::move(memory)), shape_(shape) {}
    [[nodiscard]] Status check() const;

    LockedFile file_;
    FileMapping memory_;
    SessionFileShape shape_;
};

class SessionFile {
  public:
    // Beside `path`, and of the size it will always have.
    [[nodiscard]] static Result<SessionFile> create(const std::string& path,
                                                    const SessionFileShape& shape);
    SessionFile(SessionFile&&) noexcept = default;
    SessionFile& operator=(SessionFile&&) noexcept = default;
    ~SessionFile();  // without commit() nothing is left of it

    // Where the worker's SessionTable is to lie.
    [[nodiscard]] std::span<Session> lines(std::uint32_t worker) const noexcept;
    // From now on it is this file that the next start finds at `path`.
    [[nodiscard]] Status commit();

  private:
    SessionFile(LockedFile file, FileMapping memory, SessionFileShape shape,
                std::string path) noexcept
        : file_(std::move(file)),
          memory_(std::move(memory)),
          shape_(shape),
          path_(std::move(path)),
          beside_(path_ + ".new") {}

    LockedFile file_;
    FileMapping memory_;
    SessionFileShape shape_;
    std::string path_;
    std::string beside_;  // empty where there is nothing to remove
};

struct RestoredSessions {
    std::size_t restored = 0;
    std::size_t over = 0;  // their time was
    std::size_t lost = 0;  // their public address or port is no longer ours to give, or a table is
                           // full
};

// Gives each session to the worker that its packets will reach. Before the workers start; the
// pools' addresses must be there. The time between the two processes does not count.
[[nodiscard]] RestoredSessions restore_sessions(const SavedSessions& saved,
                                                std::span<Translator* const> workers,
                                                NatSeconds now);

}  // namespace causeway
