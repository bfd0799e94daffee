/// The statements that a session keeps prepared, by their text: parsed and, in time, planned once.
struct PreparedStatements {
    /// Texts that find no room are sent as they are: the server keeps each for the life of the session.
    private static let most = 64

    private var names: [String: String] = [:]
    private var count = 0

    /// The name of a statement that is prepared.
    func name(of sql: String) -> String? { names[sql] }

    /// A name for a statement that is not; `nil` where there is no room for it.
    mutating func newName() -> String? {
        guard names.count < Self.most else { return nil }
        count += 1
        return "relay_\(count)"
    }

    mutating func keep(_ sql: String, as name: String) { names[sql] = name }

    /// It is not to be used again. The server keeps it, under a name that is never given twice.
    mutating func forget(_ sql: String) { names[sql] = nil }

    /// Whether this error says that what was prepared is of no more use, though the statement may be: a column has
    /// changed its type, or somebody has discarded it. A trigger may raise the same SQLSTATE for reasons of its own.
    static func isOutdated(_ error: PostgresError) -> Bool {
        error.sqlState == "0A000" && error.routine == "RevalidateCachedQuery" || error.sqlState == "26000"
    }
}

extension Connection {
    /// Sends a statement; where it is to be kept prepared, prepares it before its first use.
    ///
    /// - Parameter begins: in a pipeline, behind a BEGIN.
    func send(
        _ sql: String, _ parameters: [Parameter], binary: Bool = false, prepares: Bool, begins: Bool = false,
        _ exchange: inout Exchange
    ) async throws(PostgresError) {
        let name = prepares ? try await preparedName(sql, &exchange) : nil
        let link = exchange.link
        var isSent = !begins || link.beginPipeline() && link.send("BEGIN", [])
        if let name {
            isSent = isSent && link.send(prepared: name, parameters, binary: binary)
        } else {
            isSent = isSent && link.send(sql, parameters, binary: binary)
        }
        if isSent, !begins || link.endPipeline() { return }
        throw begins ? Self.unsentPipeline(exchange) : Self.unsent(exchange)
    }

    /// The error where half a pipeline was sent: the connection is of no more use.
    static func unsentPipeline(_ exchange: Exchange) -> PostgresError {
        var error = unsent(exchange)
        error.connectionIsLost = true
        return error
    }

    func preparedName(_ sql: String, _ exchange: inout Exchange) async throws(PostgresError) -> String? {
        if let name = prepared.name(of: sql) { return name }
        guard let name = prepared.newName() else { return nil }
        guard exchange.link.prepare(sql, as: name) else { throw Self.unsent(exchange) }
        var error: PostgresError?
        try await exchange.results { result in error = error ?? result.error }
        try Self.check(error, exchange)
        prepared.keep(sql, as: name)
        // What came too late for this is still to end what it was sent for.
        try exchange.refuseInterrupted()
        return name
    }

    /// Runs a statement, and once more where only what was prepared for it is outdated.
    ///
    /// In a transaction, which such an error ends, it is not tried again; the next time it is prepared anew.
    func renewing<Value>(
        _ sql: String, prepares: Bool, _ body: () async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        do {
            return try await body()
        } catch {
            guard prepares, PreparedStatements.isOutdated(error), prepared.name(of: sql) != nil else { throw error }
            prepared.forget(sql)
            guard await transactionStatus == .idle else { throw error }
            return try await body()
        }
    }
}
