// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tag_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>
#include <variant>
#include <vector>

#include "base/endian.h"
#include "base/headers.h"
#include "base/limits.h"
#include "dataplane/xdp/tag_filter.h"

namespace causeway {
namespace {

constexpr std::string_view kObject = "tag_filter.bpf.o";
constexpr std::size_t kBitmapBytes = TAG_BITMAP_WORDS * sizeof(std::uint64_t);
constexpr std::uint32_t kMapsMax = 8;

// A descriptor that closes itself.
class Descriptor {
  public:
    explicit Descriptor(int fd) noexcept : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  private:
    int fd_;
};

Unexpected failed(std::string_view interface, std::string_view what, int error) {
    return {ErrorCode::kUnavailable, "interface " + std::string(interface) + ": " +
                                         std::string(what) + ": " + std::strerror(error)};
}

struct LoadedProgram {
    std::uint32_t id = 0;  // 0: the interface has none
    std::string name;
    std::vector<std::uint32_t> map_ids;
};

Result<LoadedProgram> program_on(std::string_view interface) {
    const int index = static_cast<int>(::if_nametoindex(std::string(interface).c_str()));
    if (index == 0) return failed(interface, "cannot be found", errno);
    LoadedProgram program;
    if (const int error = ::bpf_xdp_query_id(index, 0, &program.id); error < 0) {
        return failed(interface, "cannot be asked for its XDP program", -error);
    }
    if (program.id == 0) return program;

    const Descriptor fd(::bpf_prog_get_fd_by_id(program.id));
    if (fd.get() < 0) return failed(interface, "cannot open its XDP program", errno);
    program.map_ids.resize(kMapsMax);
    bpf_prog_info info{};
    info.nr_map_ids = kMapsMax;
    info.map_ids = reinterpret_cast<std::uintptr_t>(program.map_ids.data());
    std::uint32_t info_bytes = sizeof(info);
    if (::bpf_obj_get_info_by_fd(fd.get(), &info, &info_bytes) < 0) {
        return failed(interface, "cannot read about its XDP program", errno);
    }
    program.name.assign(info.name, ::strnlen(info.name, sizeof(info.name)));
    program.map_ids.resize(std::min(info.nr_map_ids, kMapsMax));
    return program;
}

Result<Descriptor> open_map(std::string_view interface, const LoadedProgram& program,
                            std::string_view name) {
    for (const std::uint32_t id : program.map_ids) {
        Descriptor fd(::bpf_map_get_fd_by_id(id));
        if (fd.get() < 0) return failed(interface, "cannot open a map of its filter", errno);
        bpf_map_info info{};
        std::uint32_t info_bytes = sizeof(info);
        if (::bpf_obj_get_info_by_fd(fd.get(), &info, &info_bytes) < 0) {
            return failed(interface, "cannot read about a map of its filter", errno);
        }
        if (name == info.name) return fd;
    }
    return Unexpected(ErrorCode::kNotFound, "interface " + std::string(interface) +
                                                ": its filter has no map " + std::string(name));
}

static_assert(BFD_NEIGHBOURS_MAX >= kBfdSessionsMax, "every session may be on one port");

// A bfd_neighbour, with an order.
using NeighbourBytes = std::array<std::uint8_t, sizeof(bfd_neighbour)>;

void write_address(std::uint8_t* to, const IpAddress& address) {
    if (const auto* ipv4 = std::get_if<Ipv4Address>(&address)) {
        const Be32 wire(ipv4->value());
        std::memcpy(to, &wire, sizeof wire);
    } else {
        const WireIpv6Address wire(std::get<Ipv6Address>(address));
        std::memcpy(to, &wire, sizeof wire);
    }
}

NeighbourBytes bytes_of(const BfdNeighbour& from) {
    const bool is_ipv4 = std::holds_alternative<Ipv4Address>(from.address);
    bfd_neighbour key{};
    key.outer_vid = from.tags.outer.value();
    key.inner_vid = from.tags.inner ? from.tags.inner->value() : std::uint16_t{0};
    key.ether_type =
        Be16(static_cast<std::uint16_t>(is_ipv4 ? EtherType::kIpv4 : EtherType::kIpv6)).wire();
    std::memcpy(key.our_mac, from.our_mac.bytes.data(), sizeof key.our_mac);
    write_address(key.address, from.address);
    write_address(key.our_address, from.our_address);
    NeighbourBytes bytes;
    std::memcpy(bytes.data(), &key, sizeof key);
    return bytes;
}

Unexpected somebody_elses(std::string_view interface, const LoadedProgram& program) {
    return {ErrorCode::kUnavailable,
            "interface " + std::string(interface) + " carries another XDP program, \"" +
                program.name + "\" (id " + std::to_string(program.id) +
                "); take it off first (ip link set dev " + std::string(interface) + " xdp off)"};
}

}  // namespace

Result<TagFilter> TagFilter::attach_to(std::string_view interface) {
    const Result<LoadedProgram> program = program_on(interface);
    if (!program) return Unexpected(program.error());
    if (program->id == 0) {
        return Unexpected(ErrorCode::kNotFound,
                          "interface " + std::string(interface) + " has no tag filter");
    }
    if (program->name != TAG_FILTER_PROGRAM) return somebody_elses(interface, *program);

    const Result<Descriptor> bitmap = open_map(interface, *program, TAG_FILTER_BITMAP);
    if (!bitmap) return Unexpected(bitmap.error());
    Result<Descriptor> counts = open_map(interface, *program, TAG_FILTER_COUNTS);
    if (!counts) return Unexpected(counts.error());

    Result<Descriptor> neighbours = open_map(interface, *program, TAG_FILTER_BFD_NEIGHBOURS);
    if (!neighbours) return Unexpected(neighbours.error());
    const Result<Descriptor> ring = open_map(interface, *program, TAG_FILTER_BFD_ARRIVALS);
    if (!ring) return Unexpected(ring.error());
    Result<BfdArrivals> arrivals = BfdArrivals::open(ring->get());
    if (!arrivals) return Unexpected(arrivals.error());

    void* const words =
        ::mmap(nullptr, kBitmapBytes, PROT_READ | PROT_WRITE, MAP_SHARED, bitmap->get(), 0);
    if (words == MAP_FAILED) return failed(interface, "cannot map its filter's tags", errno);
    TagFilter filter;
    filter.provisioned_ = {static_cast<std::uint64_t*>(words), TAG_BITMAP_WORDS};
    filter.counts_fd_ = counts->release();
    filter.bfd_neighbours_fd_ = neighbours->release();
    filter.bfd_arrivals_ = std::make_unique<BfdArrivals>(std::move(arrivals).value());
    return filter;
}

TagFilter::TagFilter(TagFilter&& other) noexcept
    : provisioned_(std::exchange(other.provisioned_, {})),
      counts_fd_(std::exchange(other.counts_fd_, -1)),
      bfd_neighbours_fd_(std::exchange(other.bfd_neighbours_fd_, -1)),
      bfd_arrivals_(std::move(other.bfd_arrivals_)) {}

TagFilter& TagFilter::operator=(TagFilter&& other) noexcept {
    if (this != &other) {
        release();
        provisioned_ = std::exchange(other.provisioned_, {});
        counts_fd_ = std::exchange(other.counts_fd_, -1);
        bfd_neighbours_fd_ = std::exchange(other.bfd_neighbours_fd_, -1);
        bfd_arrivals_ = std::move(other.bfd_arrivals_);
    }
    return *this;
}

TagFilter::~TagFilter() {
    release();
}

void TagFilter::release() noexcept {
    if (!provisioned_.empty()) ::munmap(provisioned_.data(), kBitmapBytes);
    if (counts_fd_ >= 0) ::close(counts_fd_);
    if (bfd_neighbours_fd_ >= 0) ::close(bfd_neighbours_fd_);
}

Status TagFilter::set(std::span<const TagPair> tags) {
    std::vector<std::uint64_t> wanted(TAG_BITMAP_WORDS);
    for (const TagPair& tag : tags) {
        const std::uint32_t outer = tag.outer.value();
        const std::uint32_t inner = tag.inner ? tag.inner->value() : 0U;
        wanted[TAG_BITMAP_KEY(outer, inner)] |= TAG_BITMAP_BIT(inner);
    }
    // Unchanged words are left alone, so their lines stay clean in the caches of the receivers.
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        std::atomic_ref<std::uint64_t> word(provisioned_[i]);
        if (word.load(std::memory_order_relaxed) != wanted[i]) {
            word.store(wanted[i], std::memory_order_relaxed);
        }
    }
    return ok();
}

// Those that stay keep their allowance.
Status TagFilter::set_bfd_neighbours(std::span<const BfdNeighbour> neighbours) {
    std::map<NeighbourBytes, AttachmentId> wanted;
    for (const BfdNeighbour& one : neighbours) wanted.emplace(bytes_of(one), one.attachment);
    const auto refused = [](int error) {
        return Unexpected(error == E2BIG ? ErrorCode::kFull : ErrorCode::kUnavailable,
                          std::string("the tag filter's BFD neighbours: ") + std::strerror(error));
    };
    NeighbourBytes key{};
    std::vector<NeighbourBytes> gone;
    for (bool is_first = true;; is_first = false) {
        const NeighbourBytes before = key;
        if (::bpf_map_get_next_key(bfd_neighbours_fd_, is_first ? nullptr : &before, &key) < 0)
            break;
        if (!wanted.contains(key)) gone.push_back(key);
    }
    for (const NeighbourBytes& one : gone) ::bpf_map_delete_elem(bfd_neighbours_fd_, &one);
    for (const auto& [one, attachment] : wanted) {
        bfd_allowance allowance{};
        if (::bpf_map_lookup_elem(bfd_neighbours_fd_, &one, &allowance) == 0 &&
            allowance.attachment == attachment.value())
            continue;
        allowance.attachment = attachment.value();
        if (::bpf_map_update_elem(bfd_neighbours_fd_, &one, &allowance, BPF_ANY) < 0)
            return refused(errno);
    }
    return ok();
}

Result<TagFilterCounters> TagFilter::counters() const {
    const int cpus = ::libbpf_num_possible_cpus();
    if (cpus < 0) return failed("", "the processors cannot be counted", -cpus);
    std::vector<std::uint64_t> per_cpu(static_cast<std::size_t>(cpus));
    std::array<std::uint64_t, TAG_FILTER_COUNTS_MAX> sums{};
    for (std::uint32_t key = 0; key < sums.size(); ++key) {
        if (::bpf_map_lookup_elem(counts_fd_, &key, per_cpu.data()) < 0) {
            return Unexpected(ErrorCode::kUnavailable,
                              std::string("the tag filter's counters: ") + std::strerror(errno));
        }
        for (const std::uint64_t count : per_cpu) sums[key] += count;
    }
    return TagFilterCounters{.redirected = sums[TAG_FILTER_REDIRECTED],
                             .no_socket = sums[TAG_FILTER_NO_SOCKET],
                             .untagged = sums[TAG_FILTER_UNTAGGED],
                             .unknown_tag = sums[TAG_FILTER_UNKNOWN_TAG],
                             .malformed = sums[TAG_FILTER_MALFORMED],
                             .bfd = sums[TAG_FILTER_BFD]};
}

Status remove_stale_tag_filter(std::string_view interface) {
    const Result<LoadedProgram> program = program_on(interface);
    if (!program) return Unexpected(program.error());
    if (program->id == 0) return ok();
    if (program->name != TAG_FILTER_PROGRAM) return somebody_elses(interface, *program);
    const int index = static_cast<int>(::if_nametoindex(std::string(interface).c_str()));
    if (const int error = ::bpf_xdp_detach(index, 0, nullptr); error < 0) {
        return failed(interface, "keeps the tag filter of an earlier run", -error);
    }
    return ok();
}

Result<std::string> find_tag_filter_object() {
    namespace fs = std::filesystem;
    constexpr int kLevelsMax = 3;  // build/tests/dataplane/x and build/dataplane/tag_filter.bpf.o
    std::error_code error;
    fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
    std::vector<fs::path> places;
    for (int level = 0; level < kLevelsMax && folder.has_relative_path(); ++level) {
        places.push_back(folder / "dataplane" / kObject);
        folder = folder.parent_path();
    }
    places.push_back(fs::path(CAUSEWAY_LIBDIR) / kObject);
    for (const fs::path& place : places) {
        if (fs::is_regular_file(place, error)) return place.string();
    }
    return Unexpected(ErrorCode::kNotFound,
                      "the tag filter's program is not at " + places.back().string() +
                          ": is causeway installed, and was clang there when it was built?");
}

}  // namespace causeway
