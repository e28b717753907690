// SPDX-License-Identifier: Apache-2.0
#include "control/host/taps.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "control/log/log.h"

namespace causeway {
namespace {

// Of interfaces that are about to be deleted; nobody else has a reason to use this number.
constexpr std::uint32_t kRemovedGroup = 0x6361'7573;

// After a TAP was made. A zebra that has a full table to work on looks at its interfaces late.
constexpr std::array kAddressesToldAfter{std::chrono::seconds(1), std::chrono::seconds(5),
                                         std::chrono::seconds(10), std::chrono::seconds(20),
                                         std::chrono::seconds(30)};
constexpr unsigned kToldPerTurn = 16;

TapOptions options_of(const Attachment& attachment, const TapPlace& place) {
    TapOptions options{
        .name = place.name, .mac = attachment.mac, .mtu = attachment.mtu, .addresses = {}};
    options.addresses.push_back({attachment.address, attachment.subnet.length()});
    if (attachment.ipv6) {
        constexpr int kLinkLocalLength = 64;  // RFC 4291 2.5.6
        options.addresses.push_back({attachment.ipv6->address, attachment.ipv6->subnet.length()});
        options.addresses.push_back({attachment.link_local(), kLinkLocalLength});
    }
    return options;
}

}  // namespace

Taps::~Taps() {
    for (auto& row : rows_) {
        if (!row) continue;
        loop_.remove(row->tap.fd());
        removed_.push_back(std::move(row));
    }
    loop_.cancel(removal_timer_);
    loop_.cancel(tell_timer_);
    while (!removed_.empty()) delete_removed_of(*removed_.front()->where);
}

Result<std::shared_ptr<HostNamespace>> Taps::open_namespace(const std::string& name) {
    std::weak_ptr<HostNamespace>& known = namespaces_[name];
    if (auto open = known.lock()) return open;
    auto opened = HostNamespace::open(name);
    if (!opened) return Unexpected(opened.error());
    auto shared = std::make_shared<HostNamespace>(std::move(opened).value());
    known = shared;
    return shared;
}

Status Taps::put(const Attachment& attachment, const TapPlace& place) {
    std::unique_ptr<Row>& row = rows_[attachment.id.value()];
    if (row && row->place != place) remove(attachment.id);
    if (!row) {
        // One of the same name may be there, or the namespace be another than it was.
        const auto is_in_namespace = [&](const auto& other) {
            return other->place.network_namespace == place.network_namespace;
        };
        const auto before = std::ranges::find_if(removed_, is_in_namespace);
        if (before != removed_.end()) delete_removed_of(*(*before)->where);
        auto where = open_namespace(place.network_namespace);
        if (!where) return Unexpected(where.error());
        auto tap = Tap::create(**where, options_of(attachment, place));
        if (!tap) return Unexpected(tap.error());
        const Status added = loop_.add(
            tap->fd(), EPOLLIN,
            [this, id = attachment.id](EventLoop::Events events) { readable(id, events); });
        if (!added) return added;
        row = std::make_unique<Row>(
            Row{place, std::move(where).value(), std::move(tap).value(), attachment.mtu});
        ++size_;
        const auto now = EventLoop::Clock::now();
        for (const auto delay : kAddressesToldAfter) to_tell_.emplace(now + delay, attachment.id);
        wait_to_tell();
    }
    follow(attachment);
    return ok();
}

void Taps::wait_to_tell() {
    loop_.cancel(tell_timer_);
    if (to_tell_.empty()) return;
    const auto wait = to_tell_.begin()->first - EventLoop::Clock::now();
    tell_timer_ = loop_.after(std::max(wait, EventLoop::Clock::duration::zero()),
                              [this] { tell_addresses(); });
}

// Of who has another TAP by now, that one's: it does no harm.
void Taps::tell_addresses() {
    const auto now = EventLoop::Clock::now();
    for (unsigned told = 0; told < kToldPerTurn && !to_tell_.empty(); ++told) {
        const auto first = to_tell_.begin();
        if (first->first > now) break;
        Row* const row = rows_[first->second.value()].get();
        to_tell_.erase(first);
        if (row == nullptr) continue;
        const Status status = row->tap.put_addresses(*row->where);
        if (!status) log_error("TAP {}: {}", row->place.name, status.error().message);
    }
    wait_to_tell();
}

void Taps::follow(const Attachment& attachment) {
    Row* const row = rows_[attachment.id.value()].get();
    if (row == nullptr) return;
    if (row->mtu != attachment.mtu) {
        const Status status = row->tap.set_mtu(*row->where, attachment.mtu);
        if (!status) log_error("{}: {}", attachment.name, status.error().message);
        row->mtu = attachment.mtu;
    }
    const Carrier carrier = attachment.is_usable() ? Carrier::kOn : Carrier::kOff;
    if (std::exchange(row->carrier, carrier) != carrier) row->tap.set_carrier(carrier);
}

void Taps::remove(AttachmentId attachment) {
    std::unique_ptr<Row>& row = rows_[attachment.value()];
    if (!row) return;
    loop_.remove(row->tap.fd());
    row->tap.set_carrier(Carrier::kOff);
    removed_.push_back(std::move(row));
    --size_;
}

void Taps::delete_removed() {
    if (removed_.empty()) return;
    delete_removed_of(*removed_.front()->where);
    if (removed_.empty() || removal_timer_ != 0) return;
    removal_timer_ = loop_.after(EventLoop::Clock::duration::zero(), [this] {
        removal_timer_ = 0;
        delete_removed();
    });
}

// One that cannot be deleted with the others goes with its descriptor.
void Taps::delete_removed_of(HostNamespace& where) {
    const auto is_elsewhere = [&](const auto& row) { return row->where.get() != &where; };
    const auto first = std::partition(removed_.begin(), removed_.end(), is_elsewhere);
    const std::shared_ptr<HostNamespace> kept = (*first)->where;
    bool has_group = false;
    for (auto row = first; row != removed_.end(); ++row) {
        if ((*row)->tap.set_group(where, kRemovedGroup)) has_group = true;
    }
    if (has_group) {
        const Status gone = where.netlink().delete_group(kRemovedGroup);
        if (!gone) log_error("TAPs that were removed {}", gone.error().message);
    }
    removed_.erase(first, removed_.end());
}

bool Taps::deliver(AttachmentId attachment, Packet frame) {
    Row* const row = rows_[attachment.value()].get();
    CHECK(row != nullptr);
    return row->tap.write(frame.bytes());
}

void Taps::readable(AttachmentId attachment, EventLoop::Events events) {
    // Somebody has deleted it; the next configuration that is applied makes it again.
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        log_error("TAP {}: it is gone", rows_[attachment.value()]->place.name);
        remove(attachment);
        return delete_removed();
    }
    for (unsigned count = 0; count < kFramesPerTurn; ++count) {
        const Row* const row = rows_[attachment.value()].get();
        if (row == nullptr) return;
        auto frame = transmitter_.make_packet();
        if (!frame || !frame->resize(sizeof(EthernetHeader) + row->mtu)) return;
        const std::size_t bytes = rows_[attachment.value()]->tap.read(frame->bytes());
        if (bytes == 0) return;
        CHECK(frame->resize(bytes));
        callback_(std::move(*frame), attachment);
    }
}

}  // namespace causeway
