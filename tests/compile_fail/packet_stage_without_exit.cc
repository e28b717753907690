// SPDX-License-Identifier: Apache-2.0
//
// A stage says how a packet leaves; yes or no is no reason.
//
// Expect: constraint failure|constraints not satisfied|template constraint
#include "dataplane/stage.h"

using namespace causeway;

struct Silent {
    static constexpr std::string_view kName = "silent";

    Silent(Burst& burst, const Tables& tables) noexcept;
#ifdef MUST_NOT_COMPILE
    bool operator()(PacketMeta& meta, rte_mbuf& mbuf) const noexcept;
#else
    Exit operator()(PacketMeta& meta, rte_mbuf& mbuf) const noexcept;
#endif
};

using SilentWalk = Walk<PerPacket<Silent>>;
SilentWalk* walk = nullptr;
