import RelayCore
import RelayRuntime

/// A relay as it ships, one that leads or stands by, or one that competes.
enum SimulatedRelay: Sendable {
    case leading(Relay)
    case competing(CompetingRelay)

    init(_ settings: RelaySettings, _ server: SimulatedServer, _ process: SimulatedProcess, _ sinks: [SimulatedSink]) {
        let plan = server.plan
        let report: @Sendable (RelayReport) -> Void = { report in
            if process.isAlive { server.trace("relay \(process.number): \(report)") }
        }
        if let claimTimeout = plan.claimTimeout, let sink = sinks.first {
            server.judge.competes(process)
            self = .competing(
                CompetingRelay(
                    settings: settings, claimTimeout: claimTimeout,
                    outbox: SimulatedCompetition(server, process, claimTimeout: claimTimeout), sink: sink,
                    clock: process.clock, report: report))
        } else {
            self = .leading(
                Relay(
                    settings: settings, database: SimulatedDatabase(server, process), sinks: sinks,
                    clock: process.clock, rules: plan.mutant?.rules ?? .sound, report: report))
        }
    }

    func run() async -> RelayExit {
        switch self {
        case .leading(let relay): await relay.run()
        case .competing(let relay): await relay.run()
        }
    }

    func stop() async {
        switch self {
        case .leading(let relay): await relay.stop()
        case .competing(let relay): await relay.stop()
        }
    }

    /// What it holds of events; one that competes holds one claim.
    var bufferedBytes: Int {
        get async {
            switch self {
            case .leading(let relay): await relay.bufferedBytes
            case .competing: 0
            }
        }
    }

    var summary: String {
        get async {
            switch self {
            case .leading(let relay): await relay.summary
            case .competing: "competes"
            }
        }
    }
}
