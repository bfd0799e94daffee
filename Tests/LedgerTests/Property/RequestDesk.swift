import Foundation
import Libpq
import RelayTestKit

@testable import Ledger

/// Requests as the HTTP server makes them of the database, each to post the same.
struct RequestDesk: Sendable {
    let books: SharedBooks
    var database: TestDatabase { books.database }

    struct Answer: Hashable, Sendable {
        let status: Int64
        /// The body, byte by byte.
        let content: String
    }

    init() async throws { books = try await SharedBooks() }

    func withConnection<Value: Sendable>(_ body: (Connection) async throws -> Value) async throws -> Value {
        try await database.withConnection(body)
    }

    /// Reserves a key, if nobody has.
    func reserve(_ key: String, _ attempt: String, on connection: Connection) async throws -> Bool {
        let digest = String(repeating: "0f", count: 32)
        let table = try await connection.query(
            RequestStatements.reserve, [.text(key), .text(digest), .text(attempt), "1 hour"])
        return table.bool(0, 0) == true
    }

    /// Does what is asked, and completes the key; `nil` where the key is not this attempt's.
    func answer(
        _ key: String, _ attempt: String, body: String? = nil, on connection: Connection
    ) async throws -> Answer? {
        let table = try await connection.query(
            RequestStatements.perform, [.text(key), .text(attempt), "post", nil, .text(body ?? self.body())])
        return table.rows.first.flatMap(Self.read)
    }

    /// What was answered under a key; `nil` while it is in flight.
    func stored(_ key: String, on connection: Connection) async throws -> Answer? {
        let table = try await connection.query(
            """
            SELECT status, convert_from(content, 'UTF8') FROM ledger_requests WHERE key = $1 AND status IS NOT NULL
            """, [.text(key)])
        return table.rows.first.flatMap(Self.read)
    }

    func takeOver(_ key: String, from old: String, to new: String, on connection: Connection) async throws -> Bool {
        try await connection.query(
            RequestStatements.takeOver, [.text(key), .text(old), .text(new)]
        ).affectedRows == 1
    }

    /// A whole request: works on it, or waits until another one has.
    func request(_ key: String, on connection: Connection) async throws -> Answer? {
        let attempt = UUID().uuidString
        if try await reserve(key, attempt, on: connection) { return try await answer(key, attempt, on: connection) }
        var answer: Answer?
        try await eventually("\(key) is answered") {
            answer = try await stored(key, on: connection)
            return answer != nil
        }
        return answer
    }

    func transfers() async throws -> Int64 { try await database.number("SELECT count(*) FROM transfers") }

    func body(externalID: String? = nil) -> String {
        let euros = books.accounts[.euros] ?? []
        let legs = LedgerCall.legs(zip(euros, [3, -3]).map { ($0, .euros, $1) })
        return externalID.map { #"{"legs":\#(legs),"external_id":"\#($0)"}"# } ?? #"{"legs":\#(legs)}"#
    }

    private static func read(_ row: ResultTable.Row) -> Answer? {
        guard let status = row.int(0), let content = row.string(1) else { return nil }
        return Answer(status: status, content: content)
    }
}
