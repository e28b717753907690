// SPDX-License-Identifier: Apache-2.0
//
// NatLogWriter: takes the workers' events out of their rings, and writes them to a file and sends
// them to an IPFIX collector. It has a thread of its own, because a disk may take its time: then
// rings fill, events are lost and counted, and neither a worker nor the control thread waits.
//
// A loss is in the file where it happened, and for the collector a gap in the sequence.
//
// Thread safety: counters() is for anyone; the rest is the control thread's.
#pragma once

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "control/nat_log/log_file.h"
#include "nat/ipfix.h"

namespace causeway {

struct NatLogCounters {
    std::uint64_t events = 0;     // taken out of the rings
    std::uint64_t lost = 0;       // found no room in them
    std::uint64_t unwritten = 0;  // the file's system refused them
    std::uint64_t messages = 0;   // sent to the collector
    std::uint64_t unsent = 0;     // events in messages that could not be sent
};

class NatLogWriter {
  public:
    struct Options {
        std::string file;  // none: empty
        std::uint64_t file_bytes_max = std::uint64_t{1} << 30;
        std::optional<Endpoint> collector;
        std::uint32_t observation_domain = 0;
        std::function<NatSeconds()> clock;  // the workers'
    };

    // The rings must outlive it.
    [[nodiscard]] static Result<std::unique_ptr<NatLogWriter>> start(
        Options options, std::vector<NatEventRing*> rings);
    ~NatLogWriter();  // when all that waits has been written
    NatLogWriter(const NatLogWriter&) = delete;
    NatLogWriter& operator=(const NatLogWriter&) = delete;

    [[nodiscard]] NatLogCounters counters() const noexcept;

  private:
    NatLogWriter(Options options, std::vector<NatEventRing*> rings)
        : options_(std::move(options)),
          rings_(std::move(rings)),
          lost_seen_(rings_.size()),
          encoder_(options_.observation_domain) {}
    [[nodiscard]] Status open();
    void run(const std::stop_token& stop);
    [[nodiscard]] bool drain();
    void add_loss(std::size_t ring, std::uint64_t now_ms);
    void write(std::span<const NatLogRecord> records);
    void send(std::span<const NatLogRecord> records, std::uint32_t seconds);
    [[nodiscard]] bool send(std::span<const std::uint8_t> message) const;
    [[nodiscard]] bool connect() const;

    Options options_;
    std::vector<NatEventRing*> rings_;
    std::vector<std::uint64_t> lost_seen_;  // of each ring
    std::vector<NatLogRecord> records_;     // of one turn
    std::optional<NatLogFile> file_;
    IpfixEncoder encoder_;
    int socket_ = -1;
    sockaddr_in collector_{};
    std::atomic<std::uint64_t> events_ = 0;
    std::atomic<std::uint64_t> unwritten_ = 0;
    std::atomic<std::uint64_t> messages_ = 0;
    std::atomic<std::uint64_t> unsent_ = 0;
    std::jthread thread_;
};

}  // namespace causeway
