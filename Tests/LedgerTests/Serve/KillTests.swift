import Foundation
import Glibc
import NIOCore
import RelayTestKit
import Synchronization
import Testing

/// The API is killed while clients post, its sessions are ended, its server is restarted; who repeats a request under its key
/// until it is answered has it done once.
///
/// `API_KILLS` says how often it is killed; `make api-kills` makes it 200 times.
@Suite struct KillTests {
    private static let kills = ProcessInfo.processInfo.environment["API_KILLS"].flatMap(Int.init) ?? 8
    private static let clients = 6

    /// Where the API is now; it comes back at another address.
    private final class Address: Sendable {
        let server: Mutex<ServedLedger>
        /// Whether the clients have posted enough.
        let isOver = Atomic(false)
        init(_ server: ServedLedger) { self.server = Mutex(server) }
        var current: ServedLedger { server.withLock { $0 } }
    }

    @Test func everyRequestIsDoneOnce() async throws {
        let cluster = try await PrivateCluster.start()
        let database = try await cluster.database()
        try await Books.migrate(database)
        try await database.execute(
            """
            INSERT INTO accounts (id, asset, path)
            SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid, 'USD', 'Assets:' || n
            FROM generate_series(1, 8) n
            """)
        let options = ["--abandoned-after", "500ms", "--request-timeout", "3s", "--connections", "4"]
        let first = try await ServedLedger.start(database: database, options)
        let api = Address(first)
        let answers = try await withThrowingTaskGroup(of: [String: String].self) { group in
            for client in 0..<Self.clients {
                group.addTask {
                    var answers: [String: String] = [:]
                    while !api.isOver.load(ordering: .relaxed) {
                        let key = "client-\(client)-\(answers.count)"
                        answers[key] = try await Self.post(key, client, to: api)
                    }
                    return answers
                }
            }
            for round in 0..<Self.kills {
                try await Self.disturb(round, cluster, database)
                let before = try await database.number("SELECT count(*) FROM transfers")
                try await eventually("more is posted") {
                    try await database.number("SELECT count(*) FROM transfers") > before + 5
                }
                try await api.current.process.kill()
                let next = try await ServedLedger.start(database: database, options)
                api.server.withLock { $0 = next }
            }
            api.isOver.store(true, ordering: .relaxed)
            return try await group.reduce(into: [String: String]()) { $0.merge($1) { one, _ in one } }
        }
        try await api.current.stop()

        // What was answered is there, once, and nothing else is.
        let rows = try await database.query("SELECT correlation_id, id::text FROM transfers")
        #expect(rows.count == answers.count)
        let posted = Dictionary(rows.map { ($0.first??.description ?? "", $0.last??.description ?? "") }) {
            "\($0), \($1)"
        }
        #expect(posted == answers)
        #expect(answers.count > Self.kills)
        let reconciled = try await run(["ledger", "reconcile", "--rebuild", "--database", database.conninfo])
        #expect(reconciled.status == .exited(0), "\(reconciled.lastLine)\(reconciled.errors)")
    }

    /// Ends the API's sessions, or restarts the server, beside the kills.
    private static func disturb(_ round: Int, _ cluster: PrivateCluster, _ database: TestDatabase) async throws {
        switch round % 4 {
        case 1:
            try await database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'ledger'")
        case 3: try await cluster.restart(mode: .immediate)
        default: break
        }
    }

    /// Posts until it is answered, and gives the transfer's id.
    private static func post(_ key: String, _ client: Int, to api: Address) async throws -> String {
        let (payer, payee) = (client + 1, (client + 3) % 8 + 1)
        let leg = { (account: Int, amount: Int) in
            #"{"account_id":"00000000-0000-4000-8000-00000000000\#(account)","asset":"USD","amount":\#(amount)}"#
        }
        let body = #"{"legs":[\#(leg(payer, -1)),\#(leg(payee, 1))],"correlation_id":"\#(key)"}"#
        var answer: ServedLedger.Answer?
        try await eventually("\(key) is answered", within: .seconds(60)) {
            let headers = [("Idempotency-Key", key), ("Content-Type", "application/json")]
            // Soon: where it was killed nobody answers any more.
            answer = try? await api.current.request(
                "POST", "/transfers", headers: headers, body: body, within: .seconds(2))
            switch answer?.status {
            case nil, 409, 503: return false
            default: return true
            }
        }
        struct Transfer: Decodable {
            let id: String
        }
        guard let answer, answer.status == 201 || answer.status == 200 else {
            throw KitFailure("\(key) is answered with \(answer?.status ?? 0): \(answer?.text ?? "")")
        }
        return try JSONDecoder().decode(Transfer.self, from: Data(answer.body)).id
    }
}
