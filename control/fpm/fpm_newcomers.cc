// SPDX-License-Identifier: Apache-2.0
#include "control/fpm/fpm_newcomers.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>

#include "base/check.h"
#include "control/api/unix_socket.h"

namespace causeway {

FpmNewcomers::FpmNewcomers(EventLoop& loop, FpmCounters& counters,
                           std::chrono::milliseconds patience, Welcome welcome)
    : loop_(loop), counters_(counters), patience_(patience), welcome_(std::move(welcome)) {}

FpmNewcomers::~FpmNewcomers() {
    while (!waiting_.empty()) ::close(take(waiting_.begin()).socket);
}

Status FpmNewcomers::add(int socket) {
    Status added = loop_.add(socket, EPOLLIN, [this, socket](EventLoop::Events) { read(socket); });
    if (!added) {
        ::close(socket);
        return added;
    }
    if (waiting_.size() == kWaitingMax) close(waiting_.begin(), FpmEvent::kCrowdedNewcomer);
    const EventLoop::TimerId timer = loop_.after(
        patience_, [this, socket] { close(place_of(socket), FpmEvent::kSilentNewcomer); });
    waiting_.push_back({.socket = socket, .timer = timer});
    return ok();
}

FpmNewcomers::Place FpmNewcomers::place_of(int socket) {
    const Place place = std::ranges::find(waiting_, socket, &Newcomer::socket);
    CHECK(place != waiting_.end());
    return place;
}

void FpmNewcomers::read(int socket) {
    const Place place = place_of(socket);
    std::array<std::uint8_t, 4'096> bytes;
    const ssize_t count = ::recv(socket, bytes.data(), bytes.size(), 0);
    if (count < 0 && would_block()) return;
    if (count <= 0) return close(place, FpmEvent::kSilentNewcomer);
    place->frames.append(
        std::span<const std::uint8_t>(bytes).first(static_cast<std::size_t>(count)));
    if (!place->frames.has_frame()) return;
    if (const auto error = place->frames.error()) return close(place, *error);
    Newcomer zebra = take(place);
    welcome_(zebra.socket, std::move(zebra.frames));
}

FpmNewcomers::Newcomer FpmNewcomers::take(Place place) {
    loop_.remove(place->socket);
    loop_.cancel(place->timer);
    Newcomer newcomer = std::move(*place);
    waiting_.erase(place);
    return newcomer;
}

void FpmNewcomers::close(Place place, FpmEvent why) {
    counters_.count(why);
    ::close(take(place).socket);
}

}  // namespace causeway
