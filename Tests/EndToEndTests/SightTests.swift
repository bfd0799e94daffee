import Foundation
import RelayTestKit
import Testing

/// `--listen`: what the running relay shows.
@Suite struct SightTests {
    @Test func everythingIsServedAndNothingIsWritten() async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.insert(20)
        let relay = try await RelayProcess.leading(database, .poll, ["--listen", "127.0.0.1:0"])
        let port = try await port(of: relay)
        try await database.becomesSettled()

        try await eventually("a reading after the last settlement is shown") {
            try await get("/status", port).body.contains("\"delivered_through\":20")
        }
        let metrics = try await get("/metrics", port).body
        for name in [
            "outbox_relay_events_delivered_total", "outbox_relay_delivery_attempts_total",
            "outbox_relay_duplicates_total",
            "outbox_relay_lag_events", "outbox_relay_lag_seconds", "outbox_relay_delivery_latency_seconds",
            "outbox_relay_parked", "outbox_relay_late_events_total", "outbox_relay_order_hold_seconds",
            "outbox_relay_leader",
            "outbox_relay_streaming", "outbox_relay_buffer_bytes", "outbox_relay_last_progress_timestamp_seconds",
            "outbox_relay_build_info", "outbox_relay_unreadable_rows",
        ] {
            #expect(metrics.contains("# TYPE \(name) "), "\(name) is missing")
        }
        let series = metrics.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(!series.isEmpty && series.allSatisfy { $0.contains("outbox=\"public.outbox\"") })
        #expect(
            metrics.contains("outbox_relay_events_delivered_total{outbox=\"public.outbox\",sink=\"stdout\"} 20\n"))
        #expect(metrics.contains("outbox_relay_leader{outbox=\"public.outbox\"} 1"))

        let health = try await get("/healthz", port)
        #expect(health.status == 200)
        let readiness = try await get("/readyz", port)
        #expect(readiness.status == 200 && readiness.body.contains("\"ready\":true"), "\(readiness)")
        let document = try await get("/status", port).body
        let shown = try #require(try JSONSerialization.jsonObject(with: Data(document.utf8)) as? [String: Any])
        #expect(shown["mode"] as? String == "poll")
        #expect((shown["relay"] as? [String: Any])?["role"] as? String == "leading")
        let sinks = try #require(shown["sinks"] as? [[String: Any]])
        #expect(sinks.map { $0["name"] as? String } == ["stdout"])
        #expect(sinks.first?["delivered_through"] as? Int == 20)
        let page = try await get("/", port)
        #expect(page.status == 200 && page.head.lowercased().contains("content-security-policy: default-src 'none'"))
        let history = try await get("/history", port)
        #expect(history.status == 200)
        let elsewhere = try await get("/elsewhere", port)
        #expect(elsewhere.status == 404)
        let change = try await get("/status", port, method: "POST")
        #expect(change.status == 405)
        _ = try await relay.stop()
    }

    @Test func anAddressThatIsTakenIsRefused() async throws {
        let database = try await PrivateCluster.shared().database()
        let first = try await RelayProcess.leading(database, .poll, ["--listen", "127.0.0.1:0"])
        let port = try await port(of: first)
        let (status, second) = try await RelayProcess.command(
            ["run", "--database", database.conninfo, "--listen", "127.0.0.1:\(port)"])
        #expect(status == .exited(69))
        #expect(second.log.text.contains("cannot be listened on: another process does"))
        _ = try await first.stop()
    }

    private func port(of relay: RelayProcess) async throws -> Int {
        try await relay.waitForLog("listening")
        let line = try #require(relay.log.text.split(separator: "\n").first { $0.contains("listening on 127.0.0.1:") })
        let digits = try #require(line.split(separator: "127.0.0.1:").last?.prefix { $0.isNumber })
        return try #require(Int(digits))
    }

    private struct Answer {
        var status: Int
        var head: String
        var body: String
    }

    /// One request over a connection of its own.
    private func get(_ path: String, _ port: Int, method: String = "GET") async throws -> Answer {
        let connection = try RawConnection(to: "http://127.0.0.1:\(port)")
        try connection.send("\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        let text = try await connection.readToEnd()
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1)
        let status = try #require(parts.first?.split(separator: " ").dropFirst().first.flatMap { Int($0) })
        return Answer(status: status, head: String(parts.first ?? ""), body: parts.count > 1 ? String(parts[1]) : "")
    }
}
