// SPDX-License-Identifier: Apache-2.0
//
// XdpLeftovers: what DPDK's AF_XDP driver opens and takes, and never gives back. In 22.11 a closed
// port leaves behind its socket (the driver's count of a memory area's users starts at 0 unless the
// area is shared), so its queue stays busy and the interface cannot be opened again; the loaded
// program with its maps; and every packet buffer that the socket's rings held, 2,048 and more.
//
// Thread safety: control thread only; no other thread may open or close such descriptors.
#pragma once

#include <rte_mempool.h>

#include <cstdint>
#include <vector>

namespace causeway {

class XdpLeftovers {
  public:
    XdpLeftovers() = default;
    XdpLeftovers(XdpLeftovers&&) = default;
    XdpLeftovers& operator=(XdpLeftovers&&) = default;

    // The descriptors of AF_XDP sockets, BPF maps and BPF programs that this process has open now.
    [[nodiscard]] static XdpLeftovers of_process();
    // Those that are not among the others.
    [[nodiscard]] XdpLeftovers without(const XdpLeftovers& others) const;

    // After the driver closed the port: returns the buffers in the sockets' rings to the pool that
    // they were lent from, and closes what is still open. By now no program directs frames to the
    // sockets, so the kernel moves nothing between the rings.
    void clean_up(rte_mempool& pool) noexcept;

  private:
    std::vector<int> fds_;  // ascending
};

}  // namespace causeway
