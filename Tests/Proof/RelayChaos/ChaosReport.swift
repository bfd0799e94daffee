/// What a run came to.
struct ChaosReport: Sendable {
    var options: ChaosOptions
    var disk: String?
    var kills: KillTally.Counts
    var seconds: Int
    var events: Int
    var complaints: [String]
    var hooks: [(sink: String, audit: HookAudit)] = []

    init(
        options: ChaosOptions, disk: String?, kills: KillTally.Counts, seconds: Int, events: Int, complaints: [String]
    ) {
        (self.options, self.disk, self.kills) = (options, disk, kills)
        (self.seconds, self.events, self.complaints) = (seconds, events, complaints)
    }

    /// A line for each webhook, and the sum.
    var text: String {
        let sinks = hooks.map { sink, audit in
            "  webhook \(sink): \(audit.firsts.count) events; \(audit.takenOver) came again after a takeover, "
                + "\(audit.worst.repeats) at most from one process, \(audit.worst.tenures) times leader; "
                + "\(audit.ownRepeats) again from the same process; \(audit.retried) again because no answer came; \(audit.copies) copied by the network"
        }
        let sum =
            "chaos: \(complaints.isEmpty ? "good" : "BAD") mode=\(options.mode.rawValue) seed=\(options.seed) "
            + "relays=\(options.relays) window=\(options.window) events=\(events) relay_kills=\(kills.relays) "
            + "leader_kills=\(kills.leaders) server_kills=\(kills.servers) seconds=\(seconds) disk=\(disk ?? "none")"
        return (sinks + [sum]).joined(separator: "\n")
    }
}
