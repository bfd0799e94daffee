import Foundation
import RelayTestKit
import Testing

/// What `run --listen` shows of a relay.
@Suite(.heavy) struct SightTests {
    /// Every name of the contract.
    private static let names = [
        "events_delivered_total", "delivery_attempts_total", "duplicates_total", "lag_events", "lag_seconds",
        "delivery_latency_seconds", "parked", "late_events_total", "order_hold_seconds", "leader", "streaming",
        "buffer_bytes", "last_progress_timestamp_seconds", "build_info", "unconfigured_sink_rows", "unreadable_rows",
    ].map { "outbox_relay_\($0)" }
    private static let listen = ["--listen", "127.0.0.1:0"]

    /// The answer's status and its body.
    private func get(_ path: String, at address: String) async throws -> (status: Int, body: String) {
        let connection = try RawConnection(to: address)
        try connection.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let text = try await connection.readToEnd()
        let status = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return (status, text.range(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "")
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
    }

    private func address(of relay: RelayProcess) async throws -> String {
        try #require(try await relay.waitForLog("listening").fields["address"])
    }

    @Test(arguments: Mode.allCases) func everyMetricIsThere(_ mode: Mode) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('forgotten', NULL)")
        let relay = try await RelayProcess.leading(database, mode, Self.listen)
        let address = try await address(of: relay)
        try await database.insert(100)
        try await relay.waitForEvents(100)
        let delivered = #"outbox_relay_events_delivered_total{outbox="public.outbox",sink="stdout"} 100"#
        let held = #"outbox_relay_unconfigured_sink_rows{outbox="public.outbox",sink="forgotten"} 100.0"#
        var lines: [String] = []
        try await eventually("the reading has what was delivered; last: \(lines)") {
            lines = try await get("/metrics", at: address).body.split(separator: "\n").map(String.init)
            return lines.contains(delivered) && lines.contains(held)
        }
        for name in Self.names {
            let type = name.hasSuffix("_total") ? "counter" : name.contains("latency") ? "histogram" : "gauge"
            #expect(lines.contains("# TYPE \(name) \(type)"))
            #expect(lines.contains { $0.hasPrefix("# HELP \(name) ") })
        }
        #expect(lines.allSatisfy { $0.hasPrefix("#") || $0.contains(#"{outbox="public.outbox""#) })
        #expect(lines.contains(#"outbox_relay_leader{outbox="public.outbox"} 1.0"#))
        #expect(lines.contains(#"outbox_relay_streaming{outbox="public.outbox"} \#(mode == .wal ? 1 : 0).0"#))
        #expect(
            lines.contains(
                #"outbox_relay_delivery_latency_seconds_count{outbox="public.outbox",sink="stdout"} 100"#))
        // It says so there, too, and stays ready.
        let (status, ready) = try await get("/readyz", at: address)
        let members = try object(ready)
        #expect(status == 200 && members["ready"] as? Bool == true)
        #expect((members["warnings"] as? [String])?.first?.contains("sinks remove forgotten") == true)
        #expect(try await get("/healthz", at: address).body == "ok")
        #expect(try await relay.stop() == .exited(0))
    }

    /// Without ages, which differ from one moment to the next.
    private func lasting(_ status: [String: Any]) throws -> String {
        var status = status
        status["sinks"] = (status["sinks"] as? [[String: Any]])?.map { sink in
            sink.filter { $0.key != "lag_seconds" }
        }
        return String(
            decoding: try JSONSerialization.data(withJSONObject: status, options: .sortedKeys), as: UTF8.self)
    }

    @Test func theStatusIsThatOfTheCommand() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('forgotten', NULL)")
        let relay = try await RelayProcess.leading(database, .poll, Self.listen)
        let address = try await address(of: relay)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await eventually("both say the same") {
            let (status, command) = try await RelayProcess.command(
                ["status", "--json", "--database", database.conninfo])
            #expect(status == .exited(0), "\(command.log.text)")
            let told = try object(command.output.strays.joined())
            let shown = try object(try await get("/status", at: address).body)
            let common = shown.filter { told[$0.key] != nil }
            return try lasting(common) == lasting(told)
        }
        let shown = try object(try await get("/status", at: address).body)
        #expect(shown["read_at"] is String && shown["error"] is NSNull)
        let own = try #require(shown["relay"] as? [String: Any])
        #expect(own["role"] as? String == "leading" && own["outbox"] as? String == "public.outbox")
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func onlyOneLeadsAndBothAreReady() async throws {
        let database = try await PrivateCluster.shared().database()
        let leader = try await RelayProcess.leading(database, .poll, Self.listen)
        let standby = try RelayProcess.run(database, Self.listen)
        try await standby.waitForLog("standby")
        for (relay, role, leads) in [(leader, "leading", "1.0"), (standby, "standby", "0.0")] {
            let address = try await address(of: relay)
            try await eventually("it is known to be \(role)") {
                try object(try await get("/status", at: address).body)["relay"]
                    .flatMap { ($0 as? [String: Any])?["role"] as? String } == role
            }
            #expect(try await get("/readyz", at: address).status == 200)
            #expect(
                try await get("/metrics", at: address).body.split(separator: "\n").contains {
                    $0.hasPrefix("outbox_relay_leader") && $0.hasSuffix(leads)
                })
        }
        #expect(try await standby.stop() == .exited(0))
        #expect(try await leader.stop() == .exited(0))
    }

    @Test func aRelayWithoutItsDatabaseIsAliveAndNotReady() async throws {
        let relay = try RelayProcess.start(
            ["run", "--database", "host=127.0.0.1 port=9 dbname=none"] + Self.listen)
        let address = try await address(of: relay)
        try await eventually("it says what it waits for") {
            let (status, body) = try await get("/readyz", at: address)
            return try status == 503 && (object(body)["reason"] as? String)?.hasPrefix("waiting: ") == true
        }
        #expect(try await get("/healthz", at: address).status == 200)
        #expect(try await get("/metrics", at: address).body.contains("\noutbox_relay_leader 0.0\n"))
        #expect(try await get("/", at: address).body.contains("<html"))
        try await eventually("the failure of the reading is shown") {
            try object(try await get("/status", at: address).body)["error"] is String
        }
        #expect(try await relay.stop() == .exited(0))
    }

    /// Nobody who looks writes anything: no transaction begins that would get a number. What the relay itself still had to
    /// note is over in a round or two.
    @Test func lookingWritesNothing() async throws {
        let cluster = try await PrivateCluster.start(settings: ["autovacuum": "off"])
        let database = try await cluster.database()
        let relay = try await RelayProcess.leading(database, .poll, Self.listen)
        let address = try await address(of: relay)
        try await relay.waitForEvent(id: try await database.insert(10))
        try await database.becomesSettled()
        let next = "SELECT pg_snapshot_xmax(pg_current_snapshot())"
        try await eventually("nothing is written while many look") {
            let before = try await database.value(next)
            for _ in 0..<20 {
                for path in ["/", "/metrics", "/healthz", "/readyz", "/status", "/history"] {
                    #expect(try await get(path, at: address).status == 200)
                }
            }
            return try await database.value(next) == before
        }
        #expect(try await relay.stop() == .exited(0))
    }

    @Test func anAddressThatCannotBeListenedOnIsRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        let relay = try await RelayProcess.leading(database, .poll, Self.listen)
        let address = try await address(of: relay)
        for (taken, code) in [(address, Int32(69)), ("192.0.2.1:9187", 78)] {
            let second = try RelayProcess.run(database, ["--listen", taken])
            #expect(try await second.exitStatus() == .exited(code), "\(second.log.text)")
            #expect(second.log.text.contains("\(taken) cannot be listened on"), "\(second.log.text)")
        }
        #expect(try await relay.stop() == .exited(0))
    }
}
