// SPDX-License-Identifier: Apache-2.0
//
// DPDK's objects with owners: the environment (EAL), packet pools and rings. Nobody else in the
// program calls an rte_*_free.
//
// Thread safety: everything here is the control thread's. Workers get bare pointers and give them
// up before their owner goes.
#pragma once

#include <rte_mempool.h>
#include <rte_ring.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace causeway {

template <auto Free>
struct Deleter {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using Mempool = std::unique_ptr<rte_mempool, Deleter<rte_mempool_free>>;
using Ring = std::unique_ptr<rte_ring, Deleter<rte_ring_free>>;
static_assert(sizeof(Mempool) == sizeof(void*) && sizeof(Ring) == sizeof(void*));

enum class Pages : std::uint8_t {
    kNormal,  // --no-huge: runs anywhere, at the price of TLB misses
    kHuge,
};

struct EalOptions {
    unsigned control_core = 0;
    std::vector<unsigned> worker_cores = {1};  // one worker each, in the order of their WorkerId
    Pages pages = Pages::kNormal;
    unsigned memory_mib = 512;
    std::vector<std::string> extra_args;  // appended as they are, so the last word is theirs
};

// The EAL of this process. DPDK allows one start in a process's life, also after a failed one.
// Destroy it after all that was made of it: ports, pools, rings.
class Eal {
  public:
    // Pins the calling thread to the control core and creates one waiting thread a worker core.
    // No device is probed: ports are plugged in one by one (port.h), each with its own error.
    [[nodiscard]] static Result<Eal> start(const EalOptions& options);

    // The lcore to launch a worker on. Lcore 0 is the control thread's. Lcores are numbered by us
    // and not by the machine's cores, so two of them may share a core where cores are few.
    [[nodiscard]] static constexpr unsigned worker_lcore(WorkerId worker) noexcept {
        return worker.value() + 1U;
    }

    Eal(Eal&& other) noexcept : running_(std::exchange(other.running_, false)) {}
    Eal& operator=(Eal&&) = delete;
    ~Eal();

  private:
    Eal() noexcept : running_(true) {}
    bool running_;
};

// Room for our own notes between an mbuf's header and its buffer: a whole line, so that the frame,
// 128 bytes of headroom further on, begins with a line, too.
inline constexpr std::uint16_t kMbufPrivateBytes = 64;

struct PacketPoolOptions {
    std::string name = "packets";
    unsigned count = 32'767;  // 2^n - 1 wastes least of the ring below
    unsigned cache = 256;     // packets an lcore keeps for itself
    unsigned mtu = 1'500;     // bytes of layer 3 that one buffer must hold, with two tags
    int socket = -1;          // NUMA node; -1: any
};

// A pool of packet buffers in one piece of memory (what an AF_XDP port demands), whose stride is an
// odd number of cache lines: buffers a power of two apart alias in the cache and cost twice.
[[nodiscard]] Result<Mempool> make_packet_pool(const PacketPoolOptions& options);

enum class RingUsers : std::uint8_t { kOneToOne, kManyToOne, kOneToMany, kManyToMany };

struct RingOptions {
    std::string name;
    unsigned size = 0;  // a power of two; the ring holds size - 1
    RingUsers users = RingUsers::kOneToOne;
    int socket = -1;
};
[[nodiscard]] Result<Ring> make_ring(const RingOptions& options);

// Collects what DPDK and libbpf log while it lives, so that the reason of a failure can stand in
// the error of the one port that caused it and not in somebody's log. One at a time.
class LogCapture {
  public:
    LogCapture();
    LogCapture(const LogCapture&) = delete;
    LogCapture& operator=(const LogCapture&) = delete;
    ~LogCapture();  // what was collected and not taken goes on to stderr
    // The messages so far as one line, "; " between them, each once.
    [[nodiscard]] std::string take();

  private:
    char* text_ = nullptr;  // owned by the stream until it closes, then ours to free
    std::size_t bytes_ = 0;
    std::FILE* stream_ = nullptr;
    std::size_t taken_ = 0;
};

}  // namespace causeway
