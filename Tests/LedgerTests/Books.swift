import Foundation
import RelayTestKit

/// A ledger in a database of one test's own, with accounts whose ids are chosen.
struct Books {
    let database: TestDatabase

    /// Two accounts in dollars, the first with the higher id, and one in euros.
    static let high = "ffffffff-0000-4000-8000-000000000000"
    static let low = "00000000-0000-4000-8000-000000000001"
    static let euro = "80000000-0000-4000-8000-000000000002"

    init() async throws {
        database = try await PrivateCluster.shared().database()
        try await Self.migrate(database)
        try await database.execute(
            """
            INSERT INTO accounts (id, asset) VALUES
              ('\(Self.high)', 'USD'), ('\(Self.low)', 'USD'), ('\(Self.euro)', 'EUR')
            """)
    }

    /// Applies the ledger's files as they are.
    static func migrate(_ database: TestDatabase) async throws {
        for file in try files() { try await database.execute(String(contentsOf: file, encoding: .utf8)) }
    }

    /// The folder of the whole repository.
    static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// `migrations/ledger/*.sql`, in order.
    static func files() throws -> [URL] {
        let folder = repository.appendingPathComponent("migrations/ledger")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "sql" }.sorted { $0.path < $1.path }
    }

    /// Legs as SQL: amounts by account, in dollars unless said otherwise.
    static func legs(_ amounts: [(account: String, amount: String)], asset: String = "USD") -> String {
        let legs = amounts.map { #"{"account_id":"\#($0.account)","asset":"\#(asset)","amount":\#($0.amount)}"# }
        return "'[\(legs.joined(separator: ","))]'"
    }

    /// A transfer of `amount` from one dollar account to the other, as legs in SQL.
    static func transfer(_ amount: Int, from payer: String = high, to payee: String = low) -> String {
        legs([(payer, "\(-amount)"), (payee, "\(amount)")])
    }

    /// Posts, and gives the transfer's id.
    func post(_ arguments: String) async throws -> String? {
        try await database.value("SELECT post_transfer(\(arguments))")
    }
}
