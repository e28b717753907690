// SPDX-License-Identifier: Apache-2.0
#include "control/router/router.h"

#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "control/log/log.h"

namespace causeway {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::chrono::milliseconds kTickPeriod{20};
constexpr std::chrono::milliseconds kLinkPollPeriod{5};
constexpr std::chrono::seconds kLimitPeriod{1};

ForwarderOptions forwarder_options(const Config& config) {
    const DaemonConfig& daemon = config.daemon;
    ForwarderOptions options{
        .eal = {.control_core = daemon.control_core,
                .worker_cores = daemon.worker_cores,
                .pages = daemon.hugepages ? Pages::kHuge : Pages::kNormal,
                .memory_mib = daemon.memory_mib,
                .extra_args = daemon.eal_args},
        .pool = {.name = "packets", .count = daemon.packet_buffers - 1},
        .ports = {},
    };
    for (const PortConfig& port : config.ports) {
        options.pool.mtu = std::max(options.pool.mtu, port.mtu);
        options.ports.push_back({.id = PortId(static_cast<std::uint8_t>(options.ports.size())),
                                 .name = port.name,
                                 .device = port.device,
                                 .rx_descriptors = port.rx_descriptors,
                                 .tx_descriptors = port.tx_descriptors,
                                 .mtu = port.mtu});
    }
    return options;
}

}  // namespace

std::optional<Packet> ForwarderTransmitter::make_packet() {
    return Packet::make(forwarder_.pool());
}

bool ForwarderTransmitter::send(Packet frame, const Attachment& out) {
    frame.note() = {.attachment = out.id, .vrf = out.vrf, .port = out.port};
    return forwarder_.inject(std::move(frame));
}

std::uint64_t Router::now_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch() /
                                      std::chrono::nanoseconds(1));
}

Router::Router(const Config& config, EventLoop& loop, std::unique_ptr<Forwarder> forwarder,
               LinkMonitor monitor)
    : loop_(loop),
      started_ns_(now_ns()),
      nat_(std::make_unique<Nat>(*forwarder)),
      punt_police_(forwarder->tsc_hz(), config.control_plane.punts),
      forwarder_(std::move(forwarder)),
      monitor_(std::move(monitor)),
      transmitter_(*forwarder_),
      port_states_(forwarder_->ports().size()),
      settled_(forwarder_->ports().size()) {
    config_.daemon = config.daemon;
    config_.ports = config.ports;
    for (std::size_t k = 0; k < config.ports.size(); ++k) {
        port_states_[k].admin = config.ports[k].enabled ? AdminStatus::kUp : AdminStatus::kDown;
    }
}

Result<std::unique_ptr<Router>> Router::start(const Config& config, EventLoop& loop) {
    auto monitor = LinkMonitor::open();
    if (!monitor) return Unexpected(monitor.error());
    auto forwarder = Forwarder::open(forwarder_options(config));
    if (!forwarder) return Unexpected(forwarder.error());
    std::unique_ptr<Router> router(
        new Router(config, loop, std::move(forwarder).value(), std::move(monitor).value()));
    if (const Status status = router->wire_up(); !status) return Unexpected(status.error());
    if (const Status status = router->commit(config); !status) return Unexpected(status.error());
    // Nobody waits for packets yet, so nobody waits for lists later.
    router->policy_->wait();
    if (router->policy_->collect()) router->publish();
    router->forwarder_->police_punts(router->punt_police_);
    router->forwarder_->launch(router->tables_, router->quiescence_);
    router->bfd_runner_->start();
    if (const std::string& path = config.daemon.bfdd_socket; !path.empty()) {
        if (const Status status = router->connect_bfdd(path); !status)
            return Unexpected(status.error());
    }
    for (Port& port : router->forwarder_->ports()) {
        log_info("port {}: {} by {}, {} receive queue(s)", port.name(),
                 config.ports[port.id().value()].device, port.driver(), port.rx_queues());
    }
    return router;
}

void Router::wire_up_bfd() {
    std::vector<BfdArrivals*> past_workers;
    for (Port& port : forwarder_->ports()) {
        if (TagFilter* const filter = port.tag_filter())
            past_workers.push_back(&filter->bfd_arrivals());
    }
    bfd_runner_ =
        std::make_unique<BfdRunner>(BfdRunner::Options{.seed = std::random_device()(),
                                                       .workers = forwarder_->bfd_posts(),
                                                       .past_workers = std::move(past_workers)});
    bfd_ = std::make_unique<BfdWatch>(*bfd_runner_, attachments_, *neighbours_);
}

Status Router::wire_up() {
    auto next_hops = NextHops::create(quiescence_);
    if (!next_hops) return Unexpected(next_hops.error());
    next_hops_ = std::move(next_hops).value();
    auto fib = Fib4::create(quiescence_, {});
    if (!fib) return Unexpected(fib.error());
    fib_ = std::move(fib).value();
    rib_ = std::make_unique<Rib4>(*fib_, *next_hops_, RouteLimits{});
    auto fib6 = Fib6::create(quiescence_, {});
    if (!fib6) return Unexpected(fib6.error());
    fib6_ = std::move(fib6).value();
    rib6_ = std::make_unique<Rib6>(*fib6_, *next_hops_, RouteLimits{});
    ribs_ = std::make_unique<Ribs>(*rib_, *rib6_);
    neighbours_ = std::make_unique<Neighbours>(attachments_, *next_hops_, *ribs_, transmitter_,
                                               slow_counters_);
    recursions_ = std::make_unique<Recursions>(*rib_, *rib6_, *next_hops_);
    ways_ = std::make_unique<Ways>(*neighbours_, *next_hops_, *recursions_);
    routes_ = std::make_unique<Routes>(attachments_, *ribs_, *ways_, *recursions_);
    targets_ = std::make_unique<SteerTargets>(*next_hops_, *ways_, *routes_);
    feeds_ = std::make_unique<RouteFeeds>(
        loop_, FedTables{attachments_, *ribs_, *ways_, *next_hops_, now_ns});
    wire_up_frr();
    slow_path_ = std::make_unique<SlowPath>(attachments_, *neighbours_, *fib_, *fib6_, *next_hops_,
                                            transmitter_, slow_counters_);
    wire_up_host();

    wire_up_policy();
    wire_up_bfd();

    for (const Port& port : forwarder_->ports()) {
        const std::size_t k = port.id().value();
        if (port_states_[k].admin == AdminStatus::kDown) {
            const Status status = forwarder_->ports()[k].set_admin(AdminState::kDown);
            if (!status) return status;
        }
    }
    const Status watching = loop_.add(monitor_.fd(), EPOLLIN, [this](EventLoop::Events) {
        const Status status =
            monitor_.drain([this](const LinkChange& change) { link_changed(change); });
        if (!status) log_error("link monitor: {}", status.error().message);
    });
    if (!watching) return watching;
    const Status hearing = loop_.add(bfd_runner_->fd(), EPOLLIN, [this](EventLoop::Events) {
        bfd_->follow([this](const BfdSessionStatus& status) { bfd_changed(status); });
    });
    if (!hearing) return hearing;
    turn_ = loop_.every_turn([this] { turn(); });
    timers_.push_back(loop_.every(kTickPeriod, [this] {
        const std::uint64_t now = now_ns();
        neighbours_->tick(now);
        for (Packet& packet : neighbours_->take_given_up()) {
            slow_path_->give_up(std::move(packet), now);
        }
        recursions_->follow();
        nat_->tick(now);
        tables_.reclaim();
        policy_->tick(now);
        policy_log_.take(forwarder_->workers(), *policy_, attachments_, now);
        if (policy_->collect()) publish();
        tick_drains();
        update_appeals();
    }));
    timers_.push_back(loop_.every(kLinkPollPeriod, [this] { poll_links(); }));
    return ok();
}

void Router::wire_up_policy() {
    policy_ = std::make_unique<PolicyTables>(
        quiescence_, [this](RuleCounterId row) { return rule_totals(row); },
        PolicyTables::Options{.ticks_per_second = forwarder_->tsc_hz(),
                              .workers = config_.daemon.worker_cores.size(),
                              .state_directory = config_.daemon.state_directory});
    names_show_ =
        std::make_unique<NamesShow>(*policy_, *forwarder_, [] { return now_ns() / kNsPerSecond; });
}

// The kernel's side: what it sends, and what it must know of neighbours.
void Router::wire_up_host() {
    taps_ = std::make_unique<Taps>(loop_, transmitter_, [this](Packet frame, AttachmentId out) {
        host_frames_->take(std::move(frame), *attachments_.find(out), now_ns());
    });
    host_frames_ = std::make_unique<HostFrames>(*taps_, *neighbours_, transmitter_, slow_counters_);
    host_frames_->on_session([this](AttachmentId attachment, const BgpSession& session) {
        punt_police_.note_session(attachment, session);
    });
    slow_path_->attach(*taps_);
    neighbours_->on_mac([this](const NeighbourKey& key, const MacAddress& mac) {
        host_frames_->tell(*attachments_.find(key.attachment), key.address, mac);
    });
}

void Router::wire_up_frr() {
    frr_ =
        std::make_unique<FrrTeller>(loop_, [this](const std::string& vrf, FrrTeller::Bgpd change) {
            using enum FrrTeller::Bgpd;
            if (change == kCame) feeds_->bgpd_came(vrf);
            if (change == kAnswered) feeds_->bgpd_answered(vrf);
            if (change == kWent) feeds_->bgpd_went(vrf);
        });
    feeds_->ask_by([this](std::string_view vrf) { return frr_->ask(vrf); });
    timers_.push_back(loop_.every(kLimitPeriod, [this] { watch_limits(); }));
}

void Router::watch_limits() {
    if (!config_.bgp) return;
    const std::map<std::string_view, std::size_t> counts = feeds_->route_counts();
    for (const CircuitConfig& circuit : config_.circuits) {
        for (const PeeringConfig& peering : circuit.peerings) {
            const bool has_ipv6 = peering.ipv6_primary || peering.ipv6_secondary;
            const std::size_t fewest =
                has_ipv6 ? std::min(peering.bgp.prefixes_max, peering.bgp.ipv6_prefixes_max)
                         : peering.bgp.prefixes_max;
            const auto count = counts.find(peering.vrf);
            if (count == counts.end() || count->second <= fewest) continue;
            if (std::exchange(limits_checked_[peering.vrf], count->second) == count->second) {
                continue;
            }
            frr_->check_limits(peering.vrf);
        }
    }
}

Router::~Router() {
    forwarder_->stop();
    if (turn_) loop_.cancel_turn(*turn_);
    for (const EventLoop::TimerId timer : timers_) loop_.cancel(timer);
    loop_.remove(monitor_.fd());
    if (bfd_runner_) loop_.remove(bfd_runner_->fd());
}

void Router::turn() {
    const std::uint64_t now = now_ns();
    for (Packet& packet : forwarder_->take_raised()) {
        if (packet.note().exit == Exit::kNameAnswer) {
            hear_answer(std::move(packet), now);
        } else {
            slow_path_->handle(std::move(packet), now);
        }
    }
    feeds_->turn();
    recursions_->follow();
}

// The frame has been made for its way out, and goes there once its addresses are known.
void Router::hear_answer(Packet packet, std::uint64_t now) {
    const PuntNote note = packet.note();
    const std::span<const std::uint8_t> frame = packet.bytes();
    const Attachment* const out = attachments_.find(note.attachment);
    if (out != nullptr && frame.size() > note.header_bytes) {
        // Rounded up, so that no address runs out before its asker may have forgotten it.
        const std::uint64_t now_s = (now + kNsPerSecond - 1) / kNsPerSecond;
        policy_->names().hear(out->vrf_name, frame.subspan(note.header_bytes), now_s);
    }
    if (out == nullptr || out->port != note.port) {
        return slow_counters_.count(SlowEvent::kAttachmentGone);
    }
    if (!transmitter_.send(std::move(packet), *out)) slow_counters_.count(SlowEvent::kInjectFull);
}

// Devices that the kernel does not know have only their driver to ask.
void Router::poll_links() {
    for (const Port& port : forwarder_->ports()) {
        if (!port.kernel_interface().empty()) continue;
        set_port_link(port.id(), port.link_up() ? OperStatus::kUp : OperStatus::kDown);
    }
}

void Router::link_changed(const LinkChange& change) {
    for (const Port& port : forwarder_->ports()) {
        if (port.kernel_interface() == change.name) {
            set_port_link(port.id(), change.state == CarrierState::kRunning ? OperStatus::kUp
                                                                            : OperStatus::kDown);
        }
    }
}

// A dead port moves its flows here and now: every next hop on it goes down, which flips buckets and
// touches no prefix.
void Router::set_port_link(PortId port, OperStatus status) {
    const bool has_link = status == OperStatus::kUp;
    PortRuntime& state = port_states_[port.value()];
    if (state.has_link == has_link) return;
    state.has_link = has_link;
    const std::uint64_t start = now_ns();
    for (const auto& [name, id] : attachments_.by_name()) {
        Attachment* attachment = attachments_.find(id);
        if (attachment == nullptr || attachment->port != port) continue;
        attachment->is_port_up = has_link;
        neighbours_->attachment_changed(id, start);
        taps_->follow(*attachment);
    }
    log_info("port {}: link {}, next hops follow after {} us",
             forwarder_->ports()[port.value()].name(), has_link ? "up" : "down",
             (now_ns() - start) / 1'000);
}

Status Router::connect_bfdd(const std::string& path) {
    bfdd_host_ = std::make_unique<BfddHost>(attachments_, *bfd_,
                                            [this](AttachmentId id) { return taps_->name_of(id); });
    bfdd_sessions_ =
        std::make_unique<BfddpSessionMap>(*bfdd_host_, bfddp_counters_, BfddpSessionMap::Options{});
    auto client = BfddpClient::create(loop_, {.path = path}, *bfdd_sessions_, bfddp_counters_);
    if (!client) return Unexpected(client.error());
    bfdd_ = std::move(client).value();
    return ok();
}

// Its next hops have been seen to.
void Router::bfd_changed(const BfdSessionStatus& status) {
    if (bfdd_) bfdd_->state_changed(status.id);
    const Attachment* attachment = attachments_.find(status.options.peer.attachment);
    if (attachment == nullptr) return;
    const bool is_down = status.state == BfdState::kDown && status.verdict == BfdVerdict::kFailed;
    log_info("BFD {} with {}: {}{}{}", attachment->name, to_string(status.options.peer.address),
             to_string(status.state), is_down ? ", " : "",
             is_down ? to_string(status.diagnostic) : "");
}

Port* Router::find_port(std::string_view name) {
    for (Port& port : forwarder_->ports()) {
        if (port.name() == name) return &port;
    }
    return nullptr;
}

}  // namespace causeway
