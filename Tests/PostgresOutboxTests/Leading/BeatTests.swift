import Libpq
import RelayCore
import RelayTestKit
import Testing

@testable import PostgresOutbox

@Suite struct BeatTests {
    /// Whoever discards what a session has prepared, or changes a column's type, costs nobody the lead.
    @Test(arguments: ["DEALLOCATE ALL", "ALTER TABLE outbox_sink ALTER name TYPE varchar"])
    func whatWasPreparedForItIsRenewed(_ change: SQLText) async throws {
        let database = try await PrivateCluster.shared().database()
        try await database.execute("INSERT INTO outbox_sink (name, delivered_through) VALUES ('a', 7)")
        try await database.withLeader { leader in
            for _ in 0..<2 { #expect(try await leader.beat().sinks["a"]?.cursor == 7) }
            try await leader.connection.execute(change)
            for _ in 0..<2 { #expect(try await leader.beat().sinks["a"]?.cursor == 7) }
        }
    }
}
