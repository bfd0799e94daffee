import CLibpq

extension Connection {
    /// Runs one or several statements by the simple protocol; without BEGIN they share one transaction.
    ///
    /// - Parameters:
    ///   - timeout: for all of them together; `nil` is none. Then they are cancelled and the call throws `.timeout`.
    ///   - cancellable: whether the task's cancellation cancels them.
    /// - Returns: one table per statement, in order; a command's has no columns.
    /// - Throws: the first error, once everything is read.
    @discardableResult
    package func execute(
        _ text: SQLText, timeout: Duration? = nil, cancellable: Bool = true
    ) async throws(PostgresError) -> [ResultTable] {
        try Self.refuseNUL(in: text)
        return try await exchange(timeout: timeout, cancellable: cancellable) { exchange async throws(PostgresError) in
            guard exchange.link.send(text.text) else { throw Self.unsent(exchange) }
            return try await Self.tables(&exchange)
        }
    }

    /// Runs one statement by the extended protocol; results come as text.
    ///
    /// - Parameters:
    ///   - parameters: for `$1`, `$2`, …; the server infers their types.
    ///   - prepares: whether the session keeps it prepared: for a text that comes again and again. What it costs must
    ///     not depend on its parameters, since in time it is planned for any.
    ///   - timeout: `nil` is none. Then the statement is cancelled and the call throws `.timeout`.
    ///   - cancellable: whether the task's cancellation cancels it.
    @discardableResult
    package func query(
        _ text: SQLText, _ parameters: [Parameter] = [], prepares: Bool = false, timeout: Duration? = nil,
        cancellable: Bool = true
    ) async throws(PostgresError) -> ResultTable {
        try Self.refuseNUL(in: text, parameters)
        let sql = text.text
        return try await renewing(sql, prepares: prepares) { () async throws(PostgresError) in
            try await exchange(timeout: timeout, cancellable: cancellable) { exchange async throws(PostgresError) in
                try await send(sql, parameters, prepares: prepares, &exchange)
                guard let table = try await Self.tables(&exchange).last else {
                    throw PostgresError(.protocolViolation, "the server returned no result for a statement")
                }
                return table
            }
        }
    }

    /// Runs one statement by the extended protocol and hands over its rows as they come, without collecting them.
    ///
    /// - Parameters:
    ///   - prepares: as in `query`.
    ///   - binary: whether results come in binary format, rather than as text.
    ///   - begins: whether the statement is the first of a transaction, which is begun with it, in one round trip.
    ///   - timeout: for the whole statement; `nil` is none.
    ///   - state: moved in, given to `body` for every row, moved out; arrays in it are not copied
    ///     if the caller gives it away (`into: consume state`).
    ///   - body: runs on the connection's thread. Once it has thrown it is not called again, the remaining rows are
    ///     read and dropped, and its error is rethrown.
    /// - Throws: what `body` threw, or a `PostgresError`; rows may have been handed over before.
    package func rows<State: Sendable>(
        _ text: SQLText, _ parameters: [Parameter] = [], prepares: Bool = false, binary: Bool = false,
        begins: Bool = false, timeout: Duration? = nil, into state: consuming State,
        _ body: @Sendable (inout State, RowView) throws -> Void
    ) async throws -> State {
        try Self.refuseNUL(in: text, parameters)
        let sql = text.text
        var state = consume state
        var failure: (any Error)?
        // One that is outdated fails before its first row.
        try await renewing(sql, prepares: prepares) { () async throws(PostgresError) in
            try await exchange(timeout: timeout, cancellable: true) { exchange async throws(PostgresError) in
                try await send(sql, parameters, binary: binary, prepares: prepares, begins: begins, &exchange)
                var error: PostgresError?
                try await exchange.singleRows(afterBegin: begins) { result in
                    if let refusal = result.error { error = error ?? refusal }
                    guard result.status == PGRES_SINGLE_TUPLE, failure == nil else { return }
                    do { try body(&state, result.row(0)) } catch { failure = error }
                }
                try Self.check(error, exchange)
            }
        }
        if let failure { throw failure }
        return state
    }

    /// Ends the transaction, if one is open, without its effects; also in a task that is cancelled.
    ///
    /// - Parameter timeout: past it the connection is cut, which rolls back as well.
    package func rollBack(timeout: Duration = .seconds(5)) async throws(PostgresError) {
        guard await transactionStatus != .idle else { return }
        try await execute("ROLLBACK", timeout: timeout, cancellable: false)
    }
}

extension Connection {
    /// Runs `body` as one call: with its limits, and with the connection given up if it did not survive.
    func exchange<Value>(
        timeout: Duration?, cancellable: Bool, cancelsOnServer: Bool = true,
        _ body: (inout Exchange) async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        await turns.take()
        defer { turns.pass() }
        let link = try usableLink()
        if isInCopy && cancelsOnServer {
            throw PostgresError(.protocolViolation, "the connection is in a replication stream and takes no statements")
        }
        if cancellable && Task.isCancelled { throw PostgresError(.cancelled, "the statement was not sent: cancelled") }
        let call = interruptions.begin()
        defer { interruptions.end() }
        var exchange = Exchange(
            link: link, interruptions: interruptions, cancelKey: cancelsOnServer ? cancelKey : nil, timeout: timeout)
        guard cancellable else { return try await settled(&exchange, body) }
        // It only rethrows untyped errors, hence the Result.
        return try await withTaskCancellationHandler { () -> Result<Value, PostgresError> in
            do throws(PostgresError) {
                return .success(try await settled(&exchange, body))
            } catch {
                return .failure(error)
            }
        } onCancel: { [interruptions] in
            interruptions.cancel(call)
        }.get()
    }

    private func settled<Value>(
        _ exchange: inout Exchange, _ body: (inout Exchange) async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        do {
            return try await body(&exchange)
        } catch {
            if error.connectionIsLost { retire(error) }
            throw error
        }
    }

    func usableLink() throws(PostgresError) -> LibpqConnection {
        switch state {
        case .unusable(let error): throw error
        case .open(let link):
            guard interruptions.isAbandoned else { return link }
            retire(Exchange.abandoned)
            throw Exchange.abandoned
        }
    }

    private static func tables(_ exchange: inout Exchange) async throws(PostgresError) -> [ResultTable] {
        var tables: [ResultTable] = []
        var error: PostgresError?
        try await exchange.results { result in
            if let failure = result.error {
                error = error ?? failure
            } else {
                tables.append(ResultTable(result))
            }
        }
        try check(error, exchange)
        return tables
    }

    /// Throws the error of a statement, or that of a connection which was lost without one.
    static func check(_ error: PostgresError?, _ exchange: Exchange) throws(PostgresError) {
        if let error { throw exchange.classified(error) }
        if !exchange.link.isUsable { throw unsent(exchange) }
    }

    /// The error for a statement that libpq refused to take.
    static func unsent(_ exchange: Exchange) -> PostgresError {
        let text = oneLine(exchange.link.errorMessage)
        guard !exchange.link.isUsable else {
            return PostgresError(.protocolViolation, text.isEmpty ? "libpq did not accept the statement" : text)
        }
        return PostgresError(
            .connection, text.isEmpty ? "the connection to the server was lost" : text, connectionIsLost: true)
    }

    /// C would end the text there, silently.
    static func refuseNUL(in text: SQLText, _ parameters: [Parameter] = []) throws(PostgresError) {
        guard !text.text.utf8.contains(0), !parameters.contains(where: { $0.value?.utf8.contains(0) ?? false }) else {
            throw PostgresError(
                .server, "a statement or a parameter holds a NUL character, which PostgreSQL cannot store",
                sqlState: "22021")
        }
    }
}
