import ArgumentParser
import Libpq
import RelayTestKit

/// `relay-bench hold`: what events cost that wait for an open transaction, few of them and many.
struct HoldCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hold", abstract: "The processor time of events that wait for an open transaction.")

    @Option(help: "How many wait, where few do; one a transaction.")
    var few = 2000
    @Option(help: "How many wait, where many do.")
    var many = 40_000
    @Option(help: "How often everything is measured; the median counts.")
    var runs = 3

    func validate() throws {
        guard few >= 1000, many > few, runs > 0 else {
            throw ValidationError("--few is at least 1000, --many is more, --runs at least 1.")
        }
    }

    func run() async throws {
        let cluster = try await PrivateCluster.start()
        var isMet = true
        for mode in ["poll", "wal"] {
            let part = HoldPart(mode: mode, few: few, many: many, runs: runs)
            let ratio = try await part.measure(on: cluster)
            // Each event may cost what it costs, but not for how many wait beside it.
            isMet = isMet && ratio < 2
        }
        try await cluster.stop()
        guard isMet else { throw ExitCode(1) }
    }
}

struct HoldPart {
    let mode: String
    let few: Int
    let many: Int
    let runs: Int

    private struct Cost {
        /// Of the relay's processor time, for each event, from its commit to its delivery.
        var microseconds: Double
        /// From the end of the transaction to the last event.
        var release: Double
    }

    /// What an event costs where many wait, as a ratio to what it costs where few do.
    func measure(on cluster: PrivateCluster) async throws -> Double {
        var ofFew: [Cost] = []
        var ofMany: [Cost] = []
        for _ in 0..<runs {
            ofFew.append(try await cost(few, on: cluster))
            ofMany.append(try await cost(many, on: cluster))
        }
        let ratio = ofMany.map(\.microseconds).median / ofFew.map(\.microseconds).median
        print("bench: hold mode=\(mode) \(text(few, ofFew)) \(text(many, ofMany)) ratio=\(ratio.shortened)")
        return ratio
    }

    private func text(_ events: Int, _ costs: [Cost]) -> String {
        "cpu_us_per_event_of_\(events)=\(costs.map(\.microseconds).median.shortened) "
            + "release_s_of_\(events)=\(costs.map(\.release).median.shortened)"
    }

    private func cost(_ events: Int, on cluster: PrivateCluster) async throws -> Cost {
        let bench = try await BenchRelay(cluster)
        defer { bench.remove() }
        try await bench.database.execute(Self.writer)
        let relay = try bench.start("mode: \(mode)")
        try await relay.waitForLog(mode == "wal" ? "streaming" : "leading")
        let before = relay.processorTime ?? .zero
        var end = ContinuousClock.now
        try await bench.database.withConnection { holder in
            try await holder.execute("BEGIN; SELECT nextval('outbox_id_seq')")
            try await bench.database.execute("CALL write_one_by_one(\(events))")
            end = .now
            try await holder.execute("ROLLBACK")
        }
        try await relay.waitForEvents(events, within: .seconds(600))
        let release = (ContinuousClock.now - end) / .seconds(1)
        let spent = (relay.processorTime ?? .zero) - before
        _ = try await relay.stop()
        return Cost(microseconds: spent / .microseconds(1) / Double(events), release: release)
    }

    /// Commits each event alone, and lets the stream bring it alone.
    private static let writer = """
        CREATE PROCEDURE write_one_by_one(count int) LANGUAGE plpgsql AS $$
        BEGIN
            FOR n IN 1..count LOOP
                INSERT INTO outbox (aggregate_type, aggregate_id, event_type, payload)
                VALUES ('t', 'k', 't.made', jsonb_build_object('text', repeat('x', 340)));
                COMMIT;
                PERFORM pg_sleep(0.0003);
            END LOOP;
        END $$
        """
}
