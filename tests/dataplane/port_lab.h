// SPDX-License-Identifier: Apache-2.0
//
// What the lab tests of ports share.
#pragma once

#include <gtest/gtest.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/port.h"
#include "tests/dataplane/veth_lab.h"

namespace causeway {

inline constexpr auto kPatience = std::chrono::seconds(2);

inline rte_mempool* packet_pool = nullptr;  // of main(), for all tests

inline TagPair tags(int outer) {
    return {*VlanId::from(outer), std::nullopt};
}
inline TagPair tags(int outer, int inner) {
    return {*VlanId::from(outer), VlanId::from(inner)};
}

inline Result<Port> open_port(const std::string& device, std::uint8_t id = 0) {
    return Port::open({.id = PortId(id), .name = "edge-" + std::to_string(id), .device = device},
                      packet_pool);
}

inline std::vector<Frame> receive_burst(const Port& port) {
    std::array<rte_mbuf*, 32> mbufs{};
    std::vector<Frame> frames;
    const auto count = ::rte_eth_rx_burst(port.dpdk_id(), 0, mbufs.data(), mbufs.size());
    for (std::size_t i = 0; i < count; ++i) {
        const auto* const bytes = rte_pktmbuf_mtod(mbufs[i], const std::uint8_t*);
        frames.emplace_back(bytes, bytes + mbufs[i]->data_len);
        ::rte_pktmbuf_free(mbufs[i]);
    }
    return frames;
}

// A port on the near end of a pair of interfaces, and whoever is at the far end.
class AfXdpLab : public testing::Test {
  protected:
    static void SetUpTestSuite() { ASSERT_TRUE(make_veth_pair("near", "far")); }
    static void TearDownTestSuite() { EXPECT_TRUE(run("ip link delete near")); }

    // Of a port with these tags provisioned.
    void open_near(std::span<const TagPair> provisioned) {
        Result<Port> opened = open_port("af_xdp:near");
        ASSERT_TRUE(opened) << opened.error().message;
        port_.emplace(std::move(*opened));
        host_ = std::make_unique<RawSocket>("far");
        ASSERT_NE(port_->tag_filter(), nullptr);
        ASSERT_TRUE(port_->tag_filter()->set(provisioned));
    }

    std::optional<Port> port_;
    std::unique_ptr<RawSocket> host_;  // sends and receives at the far end
};

}  // namespace causeway
