// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as the file in which an earlier process has left its sessions, once as they come and
// once with a header and checks that are right, or little would get past those. What is taken over
// is counted; its packets are translated both ways, under the address and port that it had; and
// all of it ends.
//
//   input: the header (32 bytes), then the lines, which the target puts where the file has them
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "nat/keyed_hash.h"
#include "nat/session_file.h"
#include "tests/nat/nat_workers.h"

namespace causeway::test {
namespace {

using Input = std::span<const std::uint8_t>;

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kLinesAt = 4'096;
constexpr std::size_t kLinesMax = 64;
constexpr std::uint32_t kSessionsMax = 128;
constexpr NatSeconds kLongest = 8'000;  // more than any timer: TCP's of 2 h 4 min (RFC 5382 REQ-5)

// A file that is nowhere but in memory.
class MemoryFile {
  public:
    MemoryFile() : descriptor_(::memfd_create("sessions", MFD_CLOEXEC)) { CHECK(descriptor_ >= 0); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;
    ~MemoryFile() { ::close(descriptor_); }

    void write(const Bytes& bytes) const {
        CHECK(::ftruncate(descriptor_, 0) == 0);
        const auto size = static_cast<ssize_t>(bytes.size());
        CHECK(::pwrite(descriptor_, bytes.data(), bytes.size(), 0) == size);
    }
    [[nodiscard]] std::string path() const {
        return "/proc/self/fd/" + std::to_string(descriptor_);
    }

  private:
    int descriptor_;
};

// Made once: what an input left is gone when it is over.
struct World {
    MemoryFile file;
    NatWorkers nat{NatPoolSettings{.block_ports = 64, .host_blocks_max = 2, .host_sessions_max = 8},
                   2, kSessionsMax};
};

Bytes as_it_comes(Input input) {
    const Input header = input.first(std::min(input.size(), kHeaderBytes));
    const Input lines = input.subspan(header.size());
    Bytes bytes(kLinesAt + lines.size());
    std::ranges::copy(header, bytes.begin());
    std::ranges::copy(lines, bytes.begin() + kLinesAt);
    return bytes;
}

// The header as nat/session_file.cc has it, for as many workers as the first byte says.
Bytes sealed(Input input) {
    Bytes bytes = as_it_comes(input);
    const std::size_t workers = 1 + bytes[0] % 3U;
    const std::size_t lines = (bytes.size() - kLinesAt) / sizeof(Session) / workers;
    if (lines == 0) return bytes;
    struct {
        std::array<char, 8> magic{'C', 'W', 'N', 'A', 'T', 'S', 'E', 'S'};
        std::uint32_t version = 1;
        std::uint32_t line_bytes = sizeof(Session);
        std::uint32_t workers = 0;
        std::uint32_t sessions_max = 0;
        std::uint64_t check = 0;
    } header;
    static_assert(sizeof header == kHeaderBytes);
    header.workers = static_cast<std::uint32_t>(workers);
    header.sessions_max = static_cast<std::uint32_t>(lines - 1);
    header.check =
        keyed_hash(std::uint64_t{header.version} << 32 | header.line_bytes,
                   std::uint64_t{header.workers} << 32 | header.sessions_max, HashSecret{});
    std::memcpy(bytes.data(), &header, sizeof header);
    for (std::size_t at = kLinesAt; at + sizeof(Session) <= bytes.size(); at += sizeof(Session)) {
        Session session;
        std::memcpy(&session, &bytes[at], sizeof session);
        session.check = session.right_check();
        std::memcpy(&bytes[at], &session, sizeof session);
    }
    return bytes;
}

// A packet of the session, from inside and from outside; each leaves with the other's ends.
void use(NatWorkers& nat, const Session& session) {
    const Endpoint inside = session.inside.own();
    const Endpoint outside = session.outside.own();
    const Endpoint remote = session.inside.remote();
    PacketSpec spec{.protocol = session.inside.protocol(), .source = inside, .destination = remote};
    spec.kind = spec.protocol == NatProtocol::kTcp ? kAck : kEchoRequest;
    const auto out = nat.outbound(build(spec), session.inside.pool());
    CHECK(out.leaving.size() == 1 && source_of(out.leaving[0]) == outside);
    spec.source = remote;
    spec.destination = outside;
    if (spec.protocol == NatProtocol::kIcmp) {
        spec.source.port = 0;  // so that the identifier is the destination's
        spec.kind = kEchoReply;
    }
    const auto in = nat.inbound(build(spec));
    CHECK(in.leaving.size() == 1 && destination_of(in.leaving[0]) == inside);
}

// Between two hosts of ours, or of no port, which the packets of a test could not say.
bool is_plain(const NatWorkers& nat, const Session& session) {
    const bool is_icmp = session.inside.protocol() == NatProtocol::kIcmp;
    const Endpoint remote = session.inside.remote();
    return session.flags == 0 && nat.bed.space->find(remote.address) == 0 &&
           session.inside.own().port != 0 && (remote.port == 0) == is_icmp;
}

void restore(World& world) {
    NatWorkers& nat = world.nat;
    const auto opened = SavedSessions::open(world.file.path());
    if (!opened) {
        CHECK(opened.error().message.starts_with(world.file.path() + ": "));
        return;
    }
    CHECK(opened.value().has_value());
    const SavedSessions& saved = *opened.value();
    std::size_t saved_count = 0;
    for (std::uint32_t worker = 0; worker < saved.shape().workers; ++worker) {
        for (const Session& line : saved.lines(worker).subspan(1)) saved_count += !line.is_free();
    }
    std::array<Translator*, 2> workers{nat.translators[0].get(), nat.translators[1].get()};
    const RestoredSessions counts = restore_sessions(saved, workers, nat.now);
    CHECK(counts.restored + counts.over + counts.lost == saved_count);
    CHECK(counts.restored == nat.sessions());
    for (const Translator* worker : workers) {
        for (std::uint32_t number = 1; number <= kSessionsMax; ++number) {
            const Session session = worker->sessions()[number];
            if (!session.is_free() && is_plain(nat, session)) use(nat, session);
        }
    }
    nat.pass(kLongest);
    CHECK(nat.sessions() == 0 && nat.held() == 0);
    CHECK(nat.bed.space->usage(kPool).blocks_lent == 0);
    CHECK(nat.bed.mappings->hosts() == 0);
    (void)nat.take_events();
}

}  // namespace
}  // namespace causeway::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace causeway::test;
    static std::unique_ptr<World> world;
    if (world == nullptr || world->nat.now > 1U << 31) world = std::make_unique<World>();
    const Input input(data, std::min(size, kHeaderBytes + kLinesMax * sizeof(causeway::Session)));
    world->file.write(as_it_comes(input));
    restore(*world);
    world->file.write(sealed(input));
    restore(*world);
    return 0;
}
