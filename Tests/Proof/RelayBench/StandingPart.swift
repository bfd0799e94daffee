import ArgumentParser
import Libpq
import RelayTestKit

/// `relay-bench standing`: a new event beside all that has been.
struct StandingCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "standing", abstract: "Taking the lead, a new event and an idle relay beside a long history.")

    @Option(help: "Published rows.")
    var published = 10_000_000
    @Option(help: "Ranges of absent ids between a dead sink and the others, each before a row that the dead one lacks.")
    var ranges = 1_000_000
    @Option(help: "Rows that are owed to the dead sink.")
    var owed = 200_000
    @Option(help: "Events that are parked for it.")
    var parked = 200_000
    @Option(help: "New events whose way is measured.")
    var events = 200

    func validate() throws {
        guard published > 0, ranges > 0, owed > 0, parked > 0, events > 1 else {
            throw ValidationError("every number is at least 1, --events at least 2.")
        }
    }

    func run() async throws {
        let cluster = try await PrivateCluster.start(settings: ["max_wal_size": "8GB"])
        let history = StandingHistory(published: published, ranges: ranges, owed: owed, parked: parked)
        var isMet = true
        for mode in ["poll", "wal"] {
            let bench = try await BenchRelay(cluster)
            try await history.write(to: bench.database)
            let part = StandingPart(mode: mode, events: events)
            isMet = try await part.measure(bench) && isMet
            bench.remove()
        }
        try await cluster.stop()
        guard isMet else { throw ExitCode(1) }
    }
}

/// What is in the tables before the relay begins: a sink that is dead, far behind another that has everything.
struct StandingHistory {
    let published: Int
    let ranges: Int
    let owed: Int
    let parked: Int

    /// Ids 1 to `published` are published, as many as are owed follow, and behind them every second id is a row that the
    /// dead sink lacks. No row that waits has the key of a parked one: the relay would park it, and not be idle.
    func write(to database: TestDatabase) async throws {
        let behind = published + owed
        let last = behind + 2 * ranges
        let columns = "aggregate_type, aggregate_id, event_type, payload"
        let row = "'transfer', 'k' || n % 1000, 'transfer.posted', jsonb_build_object('n', n)"
        try await database.execute(
            """
            SET synchronous_commit = off;
            INSERT INTO outbox_published (id, \(columns), published_at)
              SELECT n, \(row), clock_timestamp() FROM generate_series(1, \(published)) AS n;
            INSERT INTO outbox_unpublished (id, \(columns))
              SELECT n, \(row) FROM generate_series(\(published + 1), \(behind)) AS n;
            INSERT INTO outbox_unpublished (id, \(columns))
              SELECT n, \(row) FROM generate_series(\(behind + 2), \(last), 2) AS n;
            SELECT setval('outbox_id_seq', \(last));
            INSERT INTO outbox_sink (name, delivered_through, earned, start) VALUES
              ('dead', \(behind), true, NULL), ('stdout', \(last), true, NULL);
            INSERT INTO outbox_absent (first_id, last_id)
              SELECT n, n FROM generate_series(\(behind + 1), \(last - 1), 2) AS n;
            INSERT INTO outbox_late (sink, id) SELECT 'dead', n FROM generate_series(\(published + 1), \(behind)) AS n;
            INSERT INTO outbox_parked (sink, id, \(columns), headers, created_at, reason)
              SELECT 'dead', n, 'transfer', 'p' || n, 'transfer.posted', '{}', '{}', clock_timestamp(), 'rejected'
              FROM generate_series(1, \(parked)) AS n
            """)
    }
}

struct StandingPart {
    let mode: String
    let events: Int

    /// - Returns: whether the lead is taken in less than a second, a new event takes at most 50 ms at the median and 300 ms
    ///   at the most, and the idle relay less than one hundredth of a core.
    func measure(_ bench: BenchRelay) async throws -> Bool {
        let begin = ContinuousClock.now
        let relay = try bench.start(
            """
            mode: \(mode)
            sinks:
              - {name: stdout, to: stdout}
              - {name: dead, to: "http://127.0.0.1:9/", on_reject: park-key}
            """)
        try await relay.waitForLog("resuming")
        let lead = (ContinuousClock.now - begin) / .milliseconds(1)
        if mode == "wal" { try await relay.waitForLog("streaming", within: .seconds(60)) }
        let latencies = try await latencies(bench.database, relay)
        let before = relay.processorTime ?? .zero
        try await Task.sleep(for: .seconds(10))
        let idle = ((relay.processorTime ?? .zero) - before) / .seconds(10) * 100
        _ = try await relay.stop()
        let (median, most) = (latencies.median, latencies.max() ?? 0)
        let isMet = lead < 1000 && median <= 50 && most <= 300 && idle < 1
        print(
            "bench: standing mode=\(mode) lead_ms=\(lead.shortened) median_ms=\(median.shortened) "
                + "most_ms=\(most.shortened) idle_cpu_percent=\(idle.shortened) \(isMet ? "met" : "MISSED")")
        return isMet
    }

    /// From a commit's answer to the event's arrival, in milliseconds.
    private func latencies(_ database: TestDatabase, _ relay: RelayProcess) async throws -> [Double] {
        try await database.withConnection { connection in
            var committed: [Int64: ContinuousClock.Instant] = [:]
            for number in 0..<events {
                let id = try await connection.query(
                    """
                    INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                    VALUES ('t', 'k', 't.made', '{}') RETURNING id
                    """
                ).int(0, 0)
                if let id { committed[id] = .now }
                try await Task.sleep(for: .milliseconds(20 + number % 17))
            }
            if let last = committed.keys.max() { try await relay.waitForEvent(id: last, within: .seconds(120)) }
            return relay.output.deliveries.compactMap { delivery in
                committed[delivery.id].map { max(0, (delivery.arrived - $0) / .milliseconds(1)) }
            }
        }
    }
}
