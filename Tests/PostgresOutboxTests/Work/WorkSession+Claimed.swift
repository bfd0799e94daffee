@testable import PostgresOutbox
@testable import RelayCore

extension WorkSession {
    /// The ids of a claim of so many rows.
    func claimed(_ rows: Int) async throws -> [Int64] {
        try await claim(ClaimRequest(after: 0, below: nil, rows: rows, bytes: 1 << 20, probesFirst: false)).rows.ids
    }
}
