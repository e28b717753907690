// SPDX-License-Identifier: Apache-2.0
#include "control/nat_log/log_writer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>

namespace causeway {
namespace {

constexpr std::size_t kEventsOfTurn = 1'024;  // of one ring, before the next is looked at
constexpr std::chrono::milliseconds kNap(5);  // half of what fills a ring at the highest rate

std::uint64_t milliseconds_since_1970() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

}  // namespace

Result<std::unique_ptr<NatLogWriter>> NatLogWriter::start(Options options,
                                                          std::vector<NatEventRing*> rings) {
    std::unique_ptr<NatLogWriter> writer(new NatLogWriter(std::move(options), std::move(rings)));
    if (Status opened = writer->open(); !opened) return Unexpected(opened.error());
    NatLogWriter* const self = writer.get();
    writer->thread_ = std::jthread([self](const std::stop_token& stop) { self->run(stop); });
    return writer;
}

NatLogWriter::~NatLogWriter() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
    if (socket_ >= 0) ::close(socket_);
}

Status NatLogWriter::open() {
    if (!options_.file.empty()) {
        auto file = NatLogFile::open(options_.file, options_.file_bytes_max);
        if (!file) return Unexpected(file.error());
        file_ = std::move(file).value();
    }
    if (!options_.collector) return ok();
    collector_.sin_family = AF_INET;
    collector_.sin_addr.s_addr = htonl(options_.collector->address.value());
    collector_.sin_port = htons(options_.collector->port);
    socket_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) {
        return Unexpected(ErrorCode::kUnavailable,
                          std::string("no socket for the collector: ") + std::strerror(errno));
    }
    (void)connect();  // where there is no way to it yet, there may be later
    return ok();
}

bool NatLogWriter::connect() const {
    return ::connect(socket_, reinterpret_cast<const sockaddr*>(&collector_), sizeof collector_) ==
           0;
}

void NatLogWriter::run(const std::stop_token& stop) {
    for (;;) {
        const bool is_last = stop.stop_requested();
        while (drain()) continue;
        if (is_last) return;
        std::this_thread::sleep_for(kNap);
    }
}

// One turn over the rings. An event's time is the turn's, less the whole seconds that it waited.
bool NatLogWriter::drain() {
    records_.clear();
    const std::uint64_t now_ms = milliseconds_since_1970();
    const NatSeconds now = options_.clock();
    std::array<NatEvent, kEventsOfTurn> events;
    for (std::size_t ring = 0; ring < rings_.size(); ++ring) {
        const std::size_t count = rings_[ring]->take(events);
        for (const NatEvent& event : std::span(events).first(count)) {
            const std::uint64_t waited_s = now - std::min(event.at, now);
            records_.push_back({.time_ms = now_ms - waited_s * 1'000, .event = event});
        }
        events_.fetch_add(count, std::memory_order_relaxed);
        add_loss(ring, now_ms);
    }
    if (records_.empty()) return false;
    write(records_);
    send(records_, static_cast<std::uint32_t>(now_ms / 1'000));
    return true;
}

void NatLogWriter::add_loss(std::size_t ring, std::uint64_t now_ms) {
    const std::uint64_t lost = rings_[ring]->lost() - lost_seen_[ring];
    if (lost == 0) return;
    const auto told = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(lost, std::numeric_limits<std::uint32_t>::max()));
    lost_seen_[ring] += told;
    records_.push_back({.time_ms = now_ms, .lost = told});
}

void NatLogWriter::write(std::span<const NatLogRecord> records) {
    if (!file_) return;
    const std::size_t written = file_->append(records);
    unwritten_.fetch_add(records.size() - written, std::memory_order_relaxed);
}

void NatLogWriter::send(std::span<const NatLogRecord> records, std::uint32_t seconds) {
    if (socket_ < 0) return;
    while (!records.empty()) {
        const IpfixEncoder::Message message = encoder_.encode(records, seconds);
        records = records.subspan(message.taken);
        if (message.bytes.empty()) continue;
        if (send(message.bytes)) {
            messages_.fetch_add(1, std::memory_order_relaxed);
        } else {
            unsent_.fetch_add(message.events, std::memory_order_relaxed);
        }
    }
}

bool NatLogWriter::send(std::span<const std::uint8_t> message) const {
    const auto attempt = [&] {
        return ::send(socket_, message.data(), message.size(), MSG_NOSIGNAL) >= 0;
    };
    if (attempt()) return true;
    return errno == EDESTADDRREQ && connect() && attempt();
}

NatLogCounters NatLogWriter::counters() const noexcept {
    NatLogCounters counters{.events = events_.load(std::memory_order_relaxed),
                            .unwritten = unwritten_.load(std::memory_order_relaxed),
                            .messages = messages_.load(std::memory_order_relaxed),
                            .unsent = unsent_.load(std::memory_order_relaxed)};
    for (const NatEventRing* ring : rings_) counters.lost += ring->lost();
    return counters;
}

}  // namespace causeway
