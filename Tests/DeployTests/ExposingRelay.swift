import Foundation
import RelayTestKit
import Testing

/// A real relay, whose metrics are read as Prometheus reads them.
struct ExposingRelay {
    let database: TestDatabase
    let process: RelayProcess
    let address: String

    /// Starts it and waits until it leads; it has the sink `stdout`, and another one is forgotten.
    init() async throws {
        database = try await PrivateCluster.shared().database()
        try await database.execute("INSERT INTO outbox_sink (name, start) VALUES ('forgotten', NULL)")
        process = try RelayProcess.run(database, ["--listen", "127.0.0.1:0"])
        address = try #require(try await process.waitForLog("listening").fields["address"])
        try await process.waitForLog("leading")
    }

    /// What `/metrics` answers.
    func exposition() async throws -> String {
        let connection = try RawConnection(to: address)
        try connection.send("GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let text = try await connection.readToEnd()
        let head = try #require(text.range(of: "\r\n\r\n"))
        return String(text[head.upperBound...])
    }

    /// Waits for an answer with this line and gives it.
    func exposition(with line: String) async throws -> String {
        var text = ""
        try await eventually("/metrics has \(line); last: \(text)") {
            text = try await exposition()
            return text.split(separator: "\n").contains(Substring(line))
        }
        return text
    }

    /// What it exposes once it has delivered and been read: every series, by name.
    static func busyExposition() async throws -> Exposed {
        let relay = try await ExposingRelay()
        try await relay.database.insert(100)
        let text = try await relay.exposition(
            with: #"outbox_relay_unconfigured_sink_rows{outbox="public.outbox",sink="forgotten"} 100.0"#)
        #expect(try await relay.process.stop() == .exited(0))
        return Exposed(text)
    }
}

/// The series of an exposition.
struct Exposed {
    /// Their names: of a histogram those of its series, not its own.
    let names: Set<String>
    /// The values of each label.
    let values: [String: Set<String>]

    init(_ text: String) {
        var names: Set<String> = []
        var values: [String: Set<String>] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            names.insert(String(line.prefix { $0 != "{" && $0 != " " }))
            for match in line.matches(of: /([a-z_]+)="([^"]*)"/) {
                values[String(match.1), default: []].insert(String(match.2))
            }
        }
        self.names = names
        self.values = values
    }

    /// What a query names that the relay does not expose: series of its own, labels, and values of `outcome`.
    ///
    /// - Parameter recorded: names that rules give to their results.
    func unknown(in query: String, recorded: Set<String> = []) -> [String] {
        let series = query.matches(of: /[A-Za-z_:][A-Za-z0-9_:]*/).map { String($0.output) }
            .filter { $0.contains("outbox_relay_") && !recorded.contains($0) && !names.contains($0) }
        // Prometheus gives the others to whatever it scrapes.
        let known = Set(values.keys).union(["job", "instance", "namespace", "alertname"])
        let labels =
            query.matches(of: /([a-z_]+)(?:=~|!=|!~|=)"/).map { String($0.output.1) }
            + query.matches(of: /(?:by|on|without|ignoring) \(([a-z_, ]+)\)/).flatMap { match in
                match.output.1.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            }
        let outcomes = query.matches(of: /outcome(?:=~|!=|=)"([a-z|]+)"/).flatMap { match in
            match.output.1.split(separator: "|").map(String.init)
        }
        return series + labels.filter { !known.contains($0) }
            + outcomes.filter { values["outcome"]?.contains($0) != true }
    }
}
