// SPDX-License-Identifier: Apache-2.0
#include "dataplane/dpdk.h"

#include <bpf/libbpf.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdlib>
#include <string_view>

#include "base/limits.h"

namespace causeway {
namespace {

// EAL plugs in every device it finds and can drive, unless it has a list of those it may. This one
// exists nowhere, so EAL touches none of the machine's.
constexpr const char* kNoDevice = "ffff:ff:1f.7";

std::vector<std::string> eal_arguments(const EalOptions& options) {
    std::string lcores = "0@" + std::to_string(options.control_core);
    for (std::size_t i = 0; i < options.worker_cores.size(); ++i) {
        lcores += ',' + std::to_string(i + 1) + '@' + std::to_string(options.worker_cores[i]);
    }
    std::vector<std::string> arguments = {
        "causeway",
        "--lcores=" + lcores,
        "--main-lcore=0",
        "-m",
        std::to_string(options.memory_mib),
        "--file-prefix=causeway-" + std::to_string(::getpid()),
        "--no-telemetry",  // the control socket is the one place to ask
        "--log-level=warning",
        "--force-max-simd-bitwidth=512",
        // Virtual addresses for devices, too: else a pool falls apart at page borders, and AF_XDP
        // wants it whole. A NIC without IOMMU needs --iova-mode=pa among the extra arguments.
        "--iova-mode=va",
        "--allow",
        kNoDevice,
    };
    if (options.pages == Pages::kHuge) {
        arguments.emplace_back("--in-memory");  // nothing is left in hugetlbfs, however we end
    } else {
        arguments.emplace_back("--no-huge");
        arguments.emplace_back("--no-shconf");
    }
    arguments.insert(arguments.end(), options.extra_args.begin(), options.extra_args.end());
    return arguments;
}

// libbpf's warnings go where DPDK's go at this moment; its chatter goes nowhere.
int print_libbpf(libbpf_print_level level, const char* format, std::va_list arguments) {
    if (level != LIBBPF_WARN) return 0;
    return std::vfprintf(::rte_log_get_stream(), format, arguments);
}

std::string with_reason(std::string what, const std::string& logged, int error) {
    what += ": ";
    what += logged.empty() ? ::rte_strerror(error) : logged;
    return what;
}

// rte_pktmbuf_pool_create() keeps each buffer inside a page. Without huge pages that puts one into
// each 4 KiB, whatever its size: buffers alias in the cache, and AF_XDP's driver, which reckons
// with buffers side by side, lends too little memory to the kernel. Where devices use virtual
// addresses the border of a page means nothing to them, either.
constexpr unsigned kMbufBytes = sizeof(rte_mbuf) + kMbufPrivateBytes;

Mempool create_pool(const PacketPoolOptions& options, std::uint16_t room) {
    const unsigned flags = ::rte_eal_iova_mode() == RTE_IOVA_VA ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0U;
    Mempool pool(::rte_mempool_create_empty(options.name.c_str(), options.count, kMbufBytes + room,
                                            options.cache, sizeof(rte_pktmbuf_pool_private),
                                            options.socket, flags));
    if (!pool) return nullptr;
    rte_errno = -::rte_mempool_set_ops_byname(pool.get(), ::rte_mbuf_best_mempool_ops(), nullptr);
    if (rte_errno != 0) return nullptr;
    rte_pktmbuf_pool_private layout{};
    layout.mbuf_data_room_size = room;
    layout.mbuf_priv_size = kMbufPrivateBytes;
    ::rte_pktmbuf_pool_init(pool.get(), &layout);
    if (const int count = ::rte_mempool_populate_default(pool.get()); count < 0) {
        rte_errno = -count;
        return nullptr;
    }
    ::rte_mempool_obj_iter(pool.get(), ::rte_pktmbuf_init, nullptr);
    return pool;
}

}  // namespace

Result<Eal> Eal::start(const EalOptions& options) {
    if (options.worker_cores.empty() || options.worker_cores.size() > kWorkersMax) {
        return Unexpected(ErrorCode::kInvalid,
                          "there must be 1 to " + std::to_string(kWorkersMax) + " workers",
                          "daemon.worker-cores");
    }
    std::vector<std::string> arguments = eal_arguments(options);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());

    LogCapture log;
    if (::rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
        std::string message = with_reason("DPDK does not start", log.take(), rte_errno);
        if (options.pages == Pages::kHuge) {
            message += ". Are " + std::to_string(options.memory_mib) +
                       " MiB of huge pages free (/proc/sys/vm/nr_hugepages)?";
        }
        return Unexpected(ErrorCode::kUnavailable, std::move(message));
    }
    return Eal();
}

Eal::~Eal() {
    if (!running_) return;
    const std::string directory = ::rte_eal_get_runtime_dir();
    ::rte_eal_cleanup();
    ::rmdir(directory.c_str());  // named after our pid; stays if anybody put something into it
}

Result<Mempool> make_packet_pool(const PacketPoolOptions& options) {
    // A frame needs its layer 3, Ethernet header, two tags and FCS; before it, our headroom and, on
    // AF_XDP, the kernel's. 2 KiB of data is what drivers expect at least.
    constexpr unsigned kFrameOverhead = 14 + 2 * 4 + 4;
    constexpr unsigned kXdpHeadroom = 256;
    const unsigned wanted = RTE_PKTMBUF_HEADROOM + kXdpHeadroom + options.mtu + kFrameOverhead;
    unsigned room = std::max<unsigned>(wanted, RTE_MBUF_DEFAULT_BUF_SIZE);
    room = (room + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE * RTE_CACHE_LINE_SIZE;
    const auto stride_lines = [&room] {
        const std::uint32_t bytes = kMbufBytes + room;
        return ::rte_mempool_calc_obj_size(bytes, 0, nullptr) / RTE_CACHE_LINE_SIZE;
    };
    while (stride_lines() % 2 == 0) room += RTE_CACHE_LINE_SIZE;
    if (room > UINT16_MAX) {
        return Unexpected(ErrorCode::kInvalid,
                          "an MTU of " + std::to_string(options.mtu) + " is more than a buffer");
    }
    LogCapture log;
    Mempool pool = create_pool(options, static_cast<std::uint16_t>(room));
    if (!pool) {
        return Unexpected(ErrorCode::kUnavailable,
                          with_reason("no memory for " + std::to_string(options.count) +
                                          " packet buffers of " + std::to_string(room) + " bytes",
                                      log.take(), rte_errno));
    }
    return pool;
}

Result<Ring> make_ring(const RingOptions& options) {
    unsigned flags = 0;
    switch (options.users) {
        case RingUsers::kOneToOne:
            flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
            break;
        case RingUsers::kManyToOne:
            flags = RING_F_SC_DEQ;
            break;
        case RingUsers::kOneToMany:
            flags = RING_F_SP_ENQ;
            break;
        case RingUsers::kManyToMany:
            break;
    }
    LogCapture log;
    Ring ring(::rte_ring_create(options.name.c_str(), options.size, options.socket, flags));
    if (!ring) {
        return Unexpected(ErrorCode::kUnavailable, with_reason("no ring " + options.name + " of " +
                                                                   std::to_string(options.size),
                                                               log.take(), rte_errno));
    }
    return ring;
}

LogCapture::LogCapture() : stream_(::open_memstream(&text_, &bytes_)) {
    CHECK(stream_ != nullptr);
    ::rte_openlog_stream(stream_);
    ::libbpf_set_print(print_libbpf);
}

LogCapture::~LogCapture() {
    ::rte_openlog_stream(stderr);
    std::fclose(stream_);
    std::fwrite(text_ + taken_, 1, bytes_ - taken_, stderr);
    std::free(text_);
}

std::string LogCapture::take() {
    std::fflush(stream_);
    std::string_view rest(text_ + taken_, bytes_ - taken_);
    taken_ = bytes_;
    std::vector<std::string_view> lines;
    std::string joined;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.empty() || std::ranges::find(lines, line) != lines.end()) continue;
        lines.push_back(line);
        if (!joined.empty()) joined += "; ";
        joined += line;
    }
    return joined;
}

}  // namespace causeway
