// SPDX-License-Identifier: Apache-2.0
//
// Stands in front of each source of DPDK's example forwarder (gcc -include), so that it runs over
// our rings, unchanged, and is timed as perf/worker_bench is. Five calls are diverted:
//
//   rte_eal_init                      ring devices are created when EAL is up
//   rte_eth_rx_burst                  what was sent is put back in, outside of the time
//   rte_eth_dev_configure,            less the offloads that ring devices lack
//   rte_eth_rx_queue_setup
//   rte_eth_dev_get_supported_ptypes  packets bring their types, as from a NIC
#pragma once

#include <rte_eal.h>
#include <rte_ethdev.h>

#ifdef __cplusplus
extern "C" {
#endif

int causeway_eal_init(int argc, char** argv);
// Ends the time of a turn, puts back what was sent, and begins the time of the next.
void causeway_next_turn(void);
int causeway_dev_configure(uint16_t port, uint16_t rx_queues, uint16_t tx_queues,
                           const struct rte_eth_conf* configuration);
int causeway_rx_queue_setup(uint16_t port, uint16_t queue, uint16_t descriptors, unsigned socket,
                            const struct rte_eth_rxconf* configuration, struct rte_mempool* pool);
int causeway_get_supported_ptypes(uint16_t port, uint32_t mask, uint32_t* types, int count);

#ifdef __cplusplus
}
#else

static inline uint16_t causeway_rx_burst(uint16_t port, uint16_t queue, struct rte_mbuf** mbufs,
                                         uint16_t count) {
    causeway_next_turn();
    return rte_eth_rx_burst(port, queue, mbufs, count);
}

#define rte_eal_init causeway_eal_init
#define rte_eth_rx_burst causeway_rx_burst
#define rte_eth_dev_configure causeway_dev_configure
#define rte_eth_rx_queue_setup causeway_rx_queue_setup
#define rte_eth_dev_get_supported_ptypes causeway_get_supported_ptypes
#endif
