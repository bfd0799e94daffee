import Foundation
import RelayTestKit
import Testing

@Suite("The OpenAPI document", .timeLimit(.minutes(10)))
struct APIConformanceTests {
    /// Public packages read it, and ask for everything in it: what fits it, and what does not.
    @Test func isWhatIsAnswered() async throws {
        let root = Books.repository
        let python = root.appendingPathComponent(".build/api-judge/bin/python3").path
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw KitFailure("there is no judge in Python: run Tests/Scripts/prerequisites test, as make does")
        }
        let database = try await PrivateCluster.shared().database()
        try await Books.migrate(database)
        let ledger = try await ServedLedger.start(database: database)
        let script = root.appendingPathComponent("Tests/LedgerTests/judge/judge.py").path
        let judged = try await Turn.heavy.take {
            try await run([python, script, ledger.url], within: .seconds(400))
        }
        #expect(judged.status == .exited(0), "\(judged.output)\n\(judged.errors)")
        let reconciled = try await run(["ledger", "reconcile", "--database", database.conninfo])
        #expect(reconciled.status == .exited(0), "\(reconciled.output)\n\(reconciled.errors)")
        try await ledger.stop()
    }
}
