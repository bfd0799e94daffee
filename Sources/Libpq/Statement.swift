/// A statement and the values for its `$1`, `$2`, …: two things, which meet in the server.
package struct Statement: Sendable, Hashable {
    package let text: SQLText
    package let values: [Parameter]
    /// Whether the session keeps it prepared: for a text that comes again and again.
    let prepares: Bool

    /// - Parameter prepares: its cost must not depend on the values, nor on what the table held when it first ran: it is
    ///   planned once.
    package init(_ text: SQLText, _ values: [Parameter] = [], prepares: Bool = false) {
        self.text = text
        self.values = values
        self.prepares = prepares
    }

    package static let begin = Statement("BEGIN")
    package static let commit = Statement("COMMIT")
}

extension Connection {
    /// Sends statements together and reads their answers, in one round trip (PostgreSQL documentation, 34.5).
    ///
    /// Those behind one that fails are not run. Without BEGIN they are one transaction. What is to be kept prepared is
    /// prepared before the first of them runs: a table that one of them makes is not there yet.
    ///
    /// - Parameters:
    ///   - timeout: for all of them together; `nil` is none. Then they are cancelled and the call throws `.timeout`.
    ///   - cancellable: whether the task's cancellation cancels them.
    /// - Returns: one table per statement, in order; a command's has no columns.
    /// - Throws: the first error, once everything is read.
    @discardableResult
    package func run(
        _ statements: [Statement], timeout: Duration? = nil, cancellable: Bool = true
    ) async throws(PostgresError) -> [ResultTable] {
        guard !statements.isEmpty else { return [] }
        for statement in statements { try Self.refuseNUL(in: statement.text, statement.values) }
        do {
            return try await runOnce(statements, timeout, cancellable)
        } catch  where PreparedStatements.isOutdated(error) {
            for statement in statements { prepared.forget(statement.text.text) }
            // Of a list that commits, part may have been done.
            guard await transactionStatus == .idle, !statements.contains(.commit) else { throw error }
            return try await runOnce(statements, timeout, cancellable)
        }
    }

    private func runOnce(
        _ statements: [Statement], _ timeout: Duration?, _ cancellable: Bool
    ) async throws(PostgresError) -> [ResultTable] {
        try await exchange(timeout: timeout, cancellable: cancellable) { exchange async throws(PostgresError) in
            try await self.send(statements, &exchange)
            return try await Self.tables(of: statements.count, &exchange)
        }
    }

    private func send(_ statements: [Statement], _ exchange: inout Exchange) async throws(PostgresError) {
        var names: [String?] = []
        for statement in statements {
            names.append(statement.prepares ? try await preparedName(statement.text.text, &exchange) : nil)
        }
        let link = exchange.link
        var isSent = link.beginPipeline()
        for (statement, name) in zip(statements, names) where isSent {
            isSent =
                name.map { link.send(prepared: $0, statement.values) }
                ?? link.send(statement.text.text, statement.values)
        }
        if isSent, link.endPipeline() { return }
        throw Self.unsentPipeline(exchange)
    }

    private static func tables(of count: Int, _ exchange: inout Exchange) async throws(PostgresError) -> [ResultTable] {
        var tables: [ResultTable] = []
        var error: PostgresError?
        try await exchange.pipelineResults(of: count, singleRows: false) { result in
            if let failure = result.error {
                error = error ?? failure
            } else if error == nil {
                tables.append(ResultTable(result))
            }
        }
        try check(error, exchange)
        return tables
    }
}
