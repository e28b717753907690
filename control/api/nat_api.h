// SPDX-License-Identifier: Apache-2.0
//
// NatApi: what the control socket can ask of the NAT.
//
// Thread safety: control thread only. Tables of millions of rows are looked through in parts: an
// answer may have few rows, or none, and still say where to go on. Nothing waits meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "control/api/views.h"
#include "nat/flow.h"

namespace causeway {

// Where a table has been looked through to. Its meaning is the table's own.
using NatCursor = std::uint64_t;

template <class Row>
struct NatPage {
    std::vector<Row> items;
    std::optional<NatCursor> next;  // nothing: this was the last part
};

struct NatPageRequest {
    NatCursor after = 0;    // zero: from the beginning
    std::size_t limit = 0;  // at least 1
};

// Rows that have all of what is given.
struct NatFilter {
    std::optional<std::string> pool;
    std::optional<NatProtocol> protocol;
    std::optional<Ipv4Address> inside;
    std::optional<Ipv4Address> outside;
    std::optional<Ipv4Address> remote;  // of sessions
};

// One of the tables that all NATs share.
struct NatTableView {
    std::string_view name;
    std::uint64_t used = 0;
    std::uint64_t max = 0;
    bool is_alarmed = false;  // fuller than `alarm-percent` of section `nat`
};

struct NatStatusView {
    std::uint64_t sessions = 0;
    std::uint64_t sessions_max = 0;
    std::uint64_t created = 0;
    double created_per_second = 0;  // over the last ten seconds
    std::uint64_t refused = 0;      // new flows, for whatever reason
    double refused_per_second = 0;  // likewise
    std::vector<NatTableView> tables;
    std::uint64_t changed_worker = 0;  // packets that came to another worker than their session's
    std::uint64_t cleared = 0;
    std::vector<ReasonCount> outcomes;  // of packets, also those at zero
    struct Log {
        std::uint64_t events = 0;
        std::uint64_t lost = 0;       // in a worker's ring, which was full
        std::uint64_t unwritten = 0;  // events that the file's system refused
        std::uint64_t messages = 0;   // sent to the collector
        std::uint64_t unsent = 0;     // events in messages that could not be
    };
    std::optional<Log> log;
};

struct NatPoolView {
    std::string name;  // "contoso/microsoft"; of one link: "contoso/microsoft/primary"
    std::string circuit;
    std::optional<Link> link;
    std::uint32_t addresses = 0;
    std::uint32_t draining = 0;  // of these: still in use, but lent to nobody any more
    std::uint32_t blocks = 0;
    std::uint32_t blocks_lent = 0;
    std::uint32_t block_ports = 0;
    unsigned alarm_percent = 0;
    bool is_alarmed = false;  // more blocks are lent than that
};

struct NatSessionView {
    std::string pool;
    NatProtocol protocol = NatProtocol::kTcp;
    Endpoint inside;
    Endpoint outside;
    Endpoint remote;
    std::string_view state;
    std::uint32_t age_seconds = 0;
    std::uint32_t ends_in_seconds = 0;  // if no packet comes
    unsigned worker = 0;
};

struct NatMappingView {
    std::string pool;
    NatProtocol protocol = NatProtocol::kTcp;
    Endpoint inside;
    Endpoint outside;
    bool is_static = false;
    std::uint32_t sessions = 0;
};

struct NatHostView {
    std::string pool;
    Ipv4Address address;
    std::uint32_t blocks = 0;
    std::uint32_t sessions = 0;
};

struct NatCleared {
    std::uint64_t sessions = 0;  // that will have ended in a moment
    std::optional<NatCursor> next;
};

class NatApi {
  public:
    virtual ~NatApi() = default;

    [[nodiscard]] virtual NatStatusView status() = 0;
    [[nodiscard]] virtual std::vector<NatPoolView> pools() = 0;
    // kNotFound: there is no such pool.
    [[nodiscard]] virtual Result<NatPage<NatSessionView>> sessions(const NatFilter&,
                                                                   const NatPageRequest&) = 0;
    [[nodiscard]] virtual Result<NatPage<NatMappingView>> mappings(const NatFilter&,
                                                                   const NatPageRequest&) = 0;
    [[nodiscard]] virtual Result<NatPage<NatHostView>> hosts(const NatFilter&,
                                                             const NatPageRequest&) = 0;
    [[nodiscard]] virtual Result<NatCleared> clear(const NatFilter&, NatCursor after) = 0;
};

}  // namespace causeway
