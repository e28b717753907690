// SPDX-License-Identifier: Apache-2.0
//
// MrtReader: the routes of a TABLE_DUMP_V2 dump (RFC 6396 4.3, with additional paths RFC 8050 4),
// as route collectors publish them. One route a prefix is taken.
//
// Records that hold something else than unicast routes are passed over. Anything that is not as the
// RFCs have it is an error that says where, because a dump that lost a byte would otherwise be read
// as other routes.
#pragma once

#include <vector>

#include "control/route_files/route_reader.h"

namespace causeway {

// Much more than the tens of kilobytes that a prefix takes at a collector with a thousand peers.
inline constexpr std::size_t kMrtRecordBytesMax = std::size_t{16} << 20;

class MrtReader final : public RouteReader {
  public:
    MrtReader(ByteWindow window, const PeerChoice& peer)
        : window_(std::move(window)), choice_(peer) {}

    [[nodiscard]] Result<std::optional<FileRoute>> next() override;
    [[nodiscard]] std::string place(std::uint64_t number) const override;
    [[nodiscard]] std::uint64_t passed_over() const override { return passed_over_; }

  private:
    struct Record {
        std::uint16_t type = 0;
        std::uint16_t subtype = 0;
        std::span<const std::uint8_t> body;
    };
    [[nodiscard]] Result<std::optional<Record>> next_record();
    [[nodiscard]] Status read_peers(std::span<const std::uint8_t> body);
    [[nodiscard]] Status choose_peer();
    template <class Address>
    [[nodiscard]] Result<std::optional<FileRoute>> read_rib(const Record& record);
    [[nodiscard]] Unexpected wrong(std::string message) const;

    ByteWindow window_;
    PeerChoice choice_;
    std::uint64_t record_ = 0;  // the one that was read last; the first is 1
    std::uint64_t record_begins_ = 0;
    std::uint64_t passed_over_ = 0;
    std::vector<IpAddress> peers_;         // by index; empty before their record
    std::optional<std::uint16_t> chosen_;  // index of the peer whose routes are taken
};

}  // namespace causeway
