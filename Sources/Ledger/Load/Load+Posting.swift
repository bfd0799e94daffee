import ArgumentParser
import Libpq

// The two ways of a load: to the database itself, and over the HTTP API.
extension Load {
    /// Posts until the load is over, to accounts that are opened where there are none.
    func post(counting tally: LoadTally) async throws(ExitCode) {
        guard let url else { return try await postToDatabase(counting: tally) }
        try await LoadClient.with(base: url.base, connections: connections) { client throws(ExitCode) in
            var book = try await AccountBook.read(by: client)
            if book.count == 0 {
                // One request each.
                try await AccountBook.open(100, by: client)
                book = try await AccountBook.read(by: client)
            }
            try await work(between: book, counting: tally) { await HTTPDesk(client, counting: tally) }
        }
    }

    private func postToDatabase(counting tally: LoadTally) async throws(ExitCode) {
        let target: ConnectionTarget
        do { target = try database.target() } catch { throw Refusal(error).told() }
        let book = try await accountsOfDatabase()
        try await work(between: book, counting: tally) { await DatabaseDesk(target) }
    }

    private func accountsOfDatabase() async throws(ExitCode) -> AccountBook {
        var book = AccountBook([])
        var hasOutbox = false
        try await database.withConnection { connection throws(PostgresError) in
            book = try await AccountBook.read(on: connection)
            hasOutbox = try await connection.hasOutbox()
            guard hasOutbox, book.count == 0 else { return }
            try await AccountBook.open(1000, on: connection)
            book = try await AccountBook.read(on: connection)
        }
        guard hasOutbox else { throw Refusal.noOutbox.told() }
        return book
    }
}

extension Connection {
    /// Whether the database has the outbox's table, which is not the ledger's to make.
    func hasOutbox() async throws(PostgresError) -> Bool {
        try await query("SELECT to_regclass('outbox') IS NOT NULL").bool(0, 0) == true
    }
}
