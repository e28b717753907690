// SPDX-License-Identifier: Apache-2.0
#include "nat/session_file.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/mapping.h"
#include "nat/translator.h"

namespace causeway {
namespace {

constexpr std::size_t kLinesAt = 4'096;
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::array<char, 8> kMagic{'C', 'W', 'N', 'A', 'T', 'S', 'E', 'S'};

struct Header {
    std::array<char, 8> magic{};
    std::uint32_t version = 0;
    std::uint32_t line_bytes = 0;
    std::uint32_t workers = 0;
    std::uint32_t sessions_max = 0;
    std::uint64_t check = 0;

    [[nodiscard]] std::uint64_t right_check() const noexcept {
        return keyed_hash(std::uint64_t{version} << 32 | line_bytes,
                          std::uint64_t{workers} << 32 | sessions_max, {});
    }
};
static_assert(sizeof(Header) == 32 && sizeof(Header) <= kLinesAt);

std::size_t bytes_of(const SessionFileShape& shape) noexcept {
    return kLinesAt +
           std::size_t{shape.workers} * (std::size_t{shape.sessions_max} + 1) * sizeof(Session);
}

std::size_t line_of(const SessionFileShape& shape, std::uint32_t worker) noexcept {
    return std::size_t{worker} * (std::size_t{shape.sessions_max} + 1);
}

Unexpected refused(const std::string& path, const std::string& why) {
    return Unexpected(ErrorCode::kUnavailable, path + ": " + why);
}
Unexpected in_use(const std::string& path) {
    return Unexpected(ErrorCode::kExists, path + ": another process keeps its sessions there");
}
Unexpected system_refused(const std::string& path, const char* what) {
    return refused(path, std::string(what) + ": " + std::strerror(errno));
}

// The unit in which the file's system gives memory, or zero where a write could wait for a disk.
std::size_t page_bytes(int descriptor) noexcept {
    struct statfs status {};
    if (::fstatfs(descriptor, &status) != 0) return 0;
    if (status.f_type == TMPFS_MAGIC || status.f_type == RAMFS_MAGIC) return kPageBytes;
    if (status.f_type == HUGETLBFS_MAGIC) return static_cast<std::size_t>(status.f_bsize);
    return 0;
}

// Nothing where the line is as a worker left it; else what is wrong with it.
const char* fault_of(const Session& session) noexcept {
    if (session.check != session.right_check()) return "its check does not match";
    const auto protocol = static_cast<std::size_t>(session.inside.rest >> 32 & 0xffU);
    if (protocol >= kNatProtocols) return "there is no such protocol";
    if (session.state >= kNatStates) return "there is no such state";
    if (session.inside.rest >> 48 == 0) return "it has no pool";
    // One flow has one remote end and one protocol, from wherever it is looked at, and a key has
    // nothing else in it.
    const FlowKey& inside = session.inside;
    const FlowKey& outside = session.outside;
    const bool agree =
        inside ==
            FlowKey::inside(inside.pool(), inside.protocol(), inside.own(), inside.remote()) &&
        outside == FlowKey::outside(inside.protocol(), outside.own(), inside.remote());
    return agree ? nullptr : "its two sides disagree";
}

}  // namespace

LockedFile::~LockedFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<std::optional<SavedSessions>> SavedSessions::open(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT) return std::optional<SavedSessions>();
    if (descriptor < 0) return system_refused(path, "cannot be opened");
    LockedFile file(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return in_use(path);
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) return system_refused(path, "cannot be read");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (!S_ISREG(status.st_mode) || size < kLinesAt) return refused(path, "no session file");
    auto memory = FileMapping::create(descriptor, size, FileAccess::kRead);
    if (!memory) return refused(path, memory.error().message);

    Header header;
    std::memcpy(&header, memory->data(), sizeof header);
    if (header.magic != kMagic) return refused(path, "no session file");
    if (header.version != kFormatVersion || header.line_bytes != sizeof(Session)) {
        return refused(path, "its format is version " + std::to_string(header.version) +
                                 ", and this program writes version " +
                                 std::to_string(kFormatVersion));
    }
    const SessionFileShape shape{header.workers, header.sessions_max};
    if (header.check != header.right_check()) return refused(path, "its header is damaged");
    if (shape.workers > kWorkersMax || bytes_of(shape) > size) return refused(path, "it is cut");
    SavedSessions saved(std::move(file), std::move(memory).value(), shape);
    if (const Status sound = saved.check(); !sound) return refused(path, sound.error().message);
    return std::optional(std::move(saved));
}

std::span<const Session> SavedSessions::lines(std::uint32_t worker) const noexcept {
    const auto* const first = reinterpret_cast<const Session*>(memory_.data() + kLinesAt);
    return {first + line_of(shape_, worker), std::size_t{shape_.sessions_max} + 1};
}

Status SavedSessions::check() const {
    for (std::uint32_t worker = 0; worker < shape_.workers; ++worker) {
        const std::span<const Session> sessions = lines(worker);
        for (std::size_t i = 1; i < sessions.size(); ++i) {
            if (sessions[i].is_free()) continue;
            const char* const fault = fault_of(sessions[i]);
            if (fault == nullptr) continue;
            return Unexpected(ErrorCode::kInvalid, "session " + std::to_string(i) + " of worker " +
                                                       std::to_string(worker) +
                                                       " is damaged: " + fault);
        }
    }
    return ok();
}

Result<SessionFile> SessionFile::create(const std::string& path, const SessionFileShape& shape) {
    const std::string beside = path + ".new";
    const int descriptor = ::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) return system_refused(beside, "cannot be made");
    LockedFile file(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) return in_use(path);
    const std::size_t page = page_bytes(descriptor);
    if (page == 0) {
        ::unlink(beside.c_str());
        return refused(path, "not on tmpfs or hugetlbfs: packets would wait for a disk");
    }
    const std::size_t bytes = (bytes_of(shape) + page - 1) / page * page;
    // All of it now: memory that is missing later would kill the process.
    const auto length = static_cast<off_t>(bytes);
    if (::ftruncate(descriptor, 0) != 0 || ::ftruncate(descriptor, length) != 0 ||
        ::fallocate(descriptor, 0, 0, length) != 0) {
        const auto failed = system_refused(path, "no room for its sessions");
        ::unlink(beside.c_str());
        return failed;
    }
    auto memory = FileMapping::create(descriptor, bytes, FileAccess::kReadWrite);
    if (!memory) {
        ::unlink(beside.c_str());
        return refused(path, memory.error().message);
    }
    Header header{.magic = kMagic,
                  .version = kFormatVersion,
                  .line_bytes = sizeof(Session),
                  .workers = shape.workers,
                  .sessions_max = shape.sessions_max};
    header.check = header.right_check();
    std::memcpy(memory->data(), &header, sizeof header);
    return SessionFile(std::move(file), std::move(memory).value(), shape, path);
}

SessionFile::~SessionFile() {
    if (!beside_.empty()) ::unlink(beside_.c_str());
}

std::span<Session> SessionFile::lines(std::uint32_t worker) const noexcept {
    auto* const first = reinterpret_cast<Session*>(memory_.data() + kLinesAt);
    return {first + line_of(shape_, worker), std::size_t{shape_.sessions_max} + 1};
}

Status SessionFile::commit() {
    if (::rename(beside_.c_str(), path_.c_str()) != 0) {
        return system_refused(path_, "cannot be replaced");
    }
    beside_.clear();
    return ok();
}

RestoredSessions restore_sessions(const SavedSessions& saved, std::span<Translator* const> workers,
                                  NatSeconds now) {
    RestoredSessions counts;
    for (std::uint32_t worker = 0; worker < saved.shape().workers; ++worker) {
        const std::span<const Session> lines = saved.lines(worker);
        const NatSeconds then = lines.front().deadline;
        for (const Session& session : lines.subspan(1)) {
            if (session.is_free()) continue;
            if (session.deadline <= then) {
                ++counts.over;
                continue;
            }
            const std::size_t owner = workers.front()->owner_of(session.inside).value();
            const bool is_back =
                owner < workers.size() && workers[owner]->restore(session, then, now);
            ++(is_back ? counts.restored : counts.lost);
        }
    }
    return counts;
}

}  // namespace causeway
