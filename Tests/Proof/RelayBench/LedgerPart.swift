import ArgumentParser
import Foundation
import Glibc
import RelayTestKit

/// `relay-bench ledger`: the ledger's HTTP API, against pgbench with the same two transactions of each request.
struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "The ledger's HTTP API, against pgbench with the same transactions.")

    @Option(help: "How often throughput and latency are measured; the median counts.")
    var runs = 3
    @Option(help: "How long each of them takes, in seconds.")
    var seconds = 10
    @Option(help: "How long each of the quantiles' loads takes, in seconds; 0 leaves them out.")
    var quantiles = 60
    @Option(help: "How long 2,000 transfers a second are offered beside a relay, in seconds; 0 leaves it out.")
    var flood = 30

    func validate() throws {
        guard (1...100).contains(runs), (1...600).contains(seconds), (0...3600).contains(quantiles),
            (0...3600).contains(flood)
        else { throw ValidationError("--runs is 1 to 100, --seconds 1 to 600, --quantiles and --flood 0 to 3600.") }
    }

    func run() async throws {
        let part = try await LedgerPart.start()
        var isMet = try await part.throughput(runs: runs, seconds: seconds)
        isMet = try await part.latency(runs: runs, seconds: seconds) && isMet
        if quantiles > 0 { try await part.quantiles(seconds: quantiles) }
        if flood > 0 { isMet = try await part.flood(seconds: flood) && isMet }
        try await part.stop()
        guard isMet else { throw ExitCode(1) }
    }
}

/// A ledger of 3,000 accounts on a server of its own, served over HTTP.
struct LedgerPart {
    private let cluster: PrivateCluster
    private let database: TestDatabase
    private let server: RelayProcess
    private let url: String
    /// Of this run's files, which go with it.
    private let folder: URL
    private let script: URL

    private static let connections = 8

    private struct Load: Decodable {
        let posted: Int
        let errors: Int
        let dropped: Int
        let rate: Double
        let latency_ms: [String: Double]?

        var quantiles: String {
            ["p50", "p90", "p99", "p999", "max"].map { "\($0)_ms=\((latency_ms?[$0] ?? 0).shortened)" }
                .joined(separator: " ")
        }
    }

    static func start() async throws -> LedgerPart {
        let cluster = try await PrivateCluster.start(settings: ["max_wal_size": "4GB"])
        let database = try await cluster.database()
        for command in [["migrate"], ["seed", "--accounts", "3000"]] {
            let done = try await RelayTestKit.run(["ledger"] + command + ["--database", database.conninfo])
            guard done.status == .exited(0) else { throw KitFailure(done.errors) }
        }
        try await database.execute(
            """
            CREATE TABLE bench_accounts AS
              SELECT row_number() OVER (ORDER BY id)::int AS n, id FROM accounts WHERE asset = 'USD' AND path LIKE 'Assets:%';
            CREATE UNIQUE INDEX ON bench_accounts (n)
            """)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ledger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let script = folder.appendingPathComponent("transactions.sql")
        try transactions.write(to: script, atomically: true, encoding: .utf8)
        let options = ["--listen", "127.0.0.1:0", "--connections", "\(connections)"]
        let server = try RelayProcess.start(
            ["serve", "--database", database.conninfo] + options, program: "ledger")
        try await eventually("the ledger listens: \(server.log.text)") { !server.output.strays.isEmpty }
        let address = server.output.strays[0].split(separator: "\"").last { $0.contains(":") && $0.count > 1 } ?? ""
        return LedgerPart(
            cluster: cluster, database: database, server: server, url: "http://\(address)", folder: folder,
            script: script)
    }

    func stop() async throws {
        _ = try await server.stop()
        try await cluster.stop()
        try FileManager.default.removeItem(at: folder)
    }

    /// What the API asks of the database for a transfer: a key reserved, and the transfer posted under it.
    private static let transactions = """
        \\set payer random(1, 900)
        \\set payee :payer + random(1, 99)
        \\set amount random(1, 100000)
        \\set key random(1, 9223372036854775806)
        WITH reserved AS (
          INSERT INTO ledger_requests (key, digest, attempt)
          VALUES ((:key)::bigint::text, sha256('body'), lpad(to_hex((:key)::bigint), 32, '0')::uuid)
          ON CONFLICT DO NOTHING RETURNING key
        )
        SELECT EXISTS (SELECT FROM reserved), r.attempt, r.status, convert_from(r.content, 'UTF8')
        FROM (VALUES (1)) AS one LEFT JOIN ledger_requests r ON r.key = (:key)::bigint::text;
        SELECT status, content FROM ledger_answer(
          (:key)::bigint::text, lpad(to_hex((:key)::bigint), 32, '0')::uuid, 'post', NULL::uuid,
          jsonb_build_object('legs', jsonb_build_array(
            jsonb_build_object('account_id', (SELECT id FROM bench_accounts WHERE n = (:payer)::int),
              'asset', 'USD', 'amount', -(:amount)::bigint),
            jsonb_build_object('account_id', (SELECT id FROM bench_accounts WHERE n = (:payee)::int),
              'asset', 'USD', 'amount', (:amount)::bigint))));

        """

    /// Transactions a second at saturation.
    func throughput(runs: Int, seconds: Int) async throws -> Bool {
        var (ours, theirs): ([Double], [Double]) = ([], [])
        for _ in 0..<runs {
            theirs.append(try await pgbench(seconds: seconds, rate: nil).rate)
            let load = try await load(["--rate", "5000", "--choice", "uniform"], seconds)
            ours.append(load.rate)
        }
        let ratio = ours.median / theirs.median
        let isMet = ratio >= 0.6
        print(
            "bench: ledger saturation connections=\(Self.connections) transfers_per_s=\(Int(ours.median)) "
                + "pgbench=\(Int(theirs.median)) ratio=\(ratio.shortened) demanded_ratio=0.6 \(isMet ? "met" : "MISSED")"
        )
        return isMet
    }

    /// The median latency at 300 a second.
    func latency(runs: Int, seconds: Int) async throws -> Bool {
        var (ours, theirs): ([Double], [Double]) = ([], [])
        for _ in 0..<runs {
            theirs.append(try await pgbench(seconds: seconds, rate: 300).median)
            ours.append(try await load(["--rate", "300"], seconds).latency_ms?["p50"] ?? .infinity)
        }
        let ratio = ours.median / theirs.median
        let isMet = ratio <= 3
        print(
            "bench: ledger rate=300 p50_ms=\(ours.median.shortened) pgbench_p50_ms=\(theirs.median.shortened) "
                + "ratio=\(ratio.shortened) demanded_ratio_at_most=3 \(isMet ? "met" : "MISSED")")
        return isMet
    }

    func quantiles(seconds: Int) async throws {
        let loads = [
            ["--rate", "300", "--choice", "uniform"],
            ["--rate", "150", "--choice", "zipfian", "--zipf-exponent", "1.2"],
            ["--rate", "50", "--choice", "hot"],
        ]
        for options in loads {
            let load = try await load(options, seconds)
            let words = options.joined(separator: " ")
            print("bench: ledger \(words) posted=\(load.posted) errors=\(load.errors) \(load.quantiles)")
        }
    }

    /// More is offered than can be posted, beside a relay with two sinks: what was accepted is in the books and at both sinks.
    func flood(seconds: Int) async throws -> Bool {
        let files = ["one", "two"].map { folder.appendingPathComponent("\($0).jsonl").path }
        let sinks = zip(["one", "two"], files).flatMap { ["--sink", "\($0)=file:\($1)"] }
        let relayed = ["outbox-relay", "run", "--mode", "wal", "--database", database.conninfo] + sinks
        let relay = try RunningCommand(relayed)
        let before = try await database.number("SELECT count(*) FROM transfers")
        let load = try await load(["--rate", "2000"], seconds)
        relay.signal(SIGTERM)
        var isGood = try await relay.end().status == .exited(0)
        isGood =
            try await RelayTestKit.run(relayed + ["--until-drained"], within: .seconds(300)).status == .exited(0)
            && isGood
        let transfers = try await database.number("SELECT count(*) FROM transfers") - before
        var checks = [["ledger", "reconcile", "--rebuild"]]
        for (sink, file) in zip(["one", "two"], files) {
            checks.append(["outbox-relay", "verify", "--sink", sink, "--against", file])
        }
        for check in checks {
            let done = try await RelayTestKit.run(check + ["--database", database.conninfo], within: .seconds(300))
            isGood = isGood && done.status == .exited(0)
        }
        isGood = isGood && load.errors == 0 && transfers == Int64(load.posted)
        print(
            "bench: ledger offered=2000/s seconds=\(seconds) posted=\(load.posted) errors=\(load.errors) transfers=\(transfers) "
                + "\(isGood ? "books and sinks are whole: met" : "MISSED")")
        return isGood
    }

    private func load(_ options: [String], _ seconds: Int) async throws -> Load {
        let command = [
            "ledger", "load", "--url", url, "--connections", "\(Self.connections)", "--duration", "\(seconds)s",
        ]
        let done = try await RelayTestKit.run(command + options, within: .seconds(seconds + 60))
        guard done.status == .exited(0) else { throw KitFailure(done.errors) }
        return try JSONDecoder().decode(Load.self, from: Data(done.lastLine.utf8))
    }

    /// Transactions a second, and the median of their latencies in milliseconds.
    private func pgbench(seconds: Int, rate: Int?) async throws -> (rate: Double, median: Double) {
        let prefix = script.path + ".log"
        var command = [
            try PrivateCluster.program("pgbench"), "-n", "-M", "prepared", "-c", "\(Self.connections)", "-j", "2",
            "-T", "\(seconds)", "-f", script.path, "--log", "--log-prefix", prefix,
        ]
        if let rate { command += ["-R", "\(rate)"] }
        let done = try await RelayTestKit.run(command + [database.conninfo], within: .seconds(seconds + 60))
        guard done.status == .exited(0) else { throw KitFailure(done.errors) }
        var latencies: [Double] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path)
        where name.hasPrefix(script.lastPathComponent + ".log") {
            let file = folder.appendingPathComponent(name)
            // Client, number, microseconds, …
            for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
                let fields = line.split(separator: " ")
                if fields.count > 2, let latency = Double(fields[2]) { latencies.append(latency / 1000) }
            }
            try FileManager.default.removeItem(at: file)
        }
        return (Double(latencies.count) / Double(seconds), latencies.median)
    }
}
