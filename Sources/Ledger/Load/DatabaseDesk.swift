import Libpq

/// Posts by `post_transfer`, over a connection of its own: a new one where the last one is lost.
actor DatabaseDesk: LoadDesk {
    private let target: ConnectionTarget
    private var connection: Connection?

    /// What a transfer that commits by itself may take, its wait for others' locks included.
    private static let patience = Duration.seconds(10)

    /// Connects at once, so that no transfer waits for it; where that fails, with the first transfer.
    init(_ target: ConnectionTarget) async {
        self.target = target
        connection = try? await Connection.open(target, timeout: Self.patience)
    }

    func post(_ transfer: LoadTransfer, by pace: LoadPace) async throws(DeskFailure) {
        do throws(PostgresError) {
            let current: Connection
            if let connection { current = connection } else { current = try await open(by: pace) }
            connection = current
            try await post(transfer, on: current, by: pace)
        } catch {
            if error.connectionIsLost { connection = nil }
            throw DeskFailure(
                reason: error.description, isCancelled: error.kind == .cancelled, isAway: error.connectionIsLost)
        }
    }

    func close() async { await connection?.close() }

    private func open(by pace: LoadPace) async throws(PostgresError) -> Connection {
        try await Connection.open(target, timeout: max(pace.end - .now, .milliseconds(1)))
    }

    private func post(
        _ transfer: LoadTransfer, on connection: Connection, by pace: LoadPace
    ) async throws(PostgresError) {
        do throws(PostgresError) {
            if case .commit = transfer.ending {
                // Not to be cancelled: the server might have committed it already, and nobody would count it.
                try await connection.query(
                    Self.statement, transfer.parameters, timeout: Self.patience, cancellable: false)
            } else {
                try await connection.execute("BEGIN")
                try await connection.query(Self.statement, transfer.parameters)
            }
            switch transfer.ending {
            case .commit: break
            case .rollBack: try await connection.rollBack()
            case .commitLate(let delay):
                try? await Task.sleep(for: max(min(delay, pace.end - .now), .zero))
                // Also where the load was ended meanwhile: the transfer is posted, and counted as it is.
                try await connection.execute("COMMIT", timeout: LoadPace.overtime, cancellable: false)
            }
        } catch {
            try? await connection.rollBack()
            throw error
        }
    }

    /// Posts a transfer from `$1` to `$2`, of `$4` minor units of `$3`, under the external id `$5`.
    private static let statement: SQLText = """
        SELECT post_transfer(
          jsonb_build_array(
            jsonb_build_object('account_id', $1::uuid, 'asset', $3::text, 'amount', -$4::bigint),
            jsonb_build_object('account_id', $2::uuid, 'asset', $3::text, 'amount', $4::bigint)),
          external_id => $5::text, correlation_id => 'corr-' || $5::text, description => 'ledger load')
        """
}

extension LoadTransfer {
    /// For the statement's `$1` to `$5`.
    fileprivate var parameters: [Parameter] {
        [.text(accounts.payer), .text(accounts.payee), .text(accounts.asset), .int(amount), .text(name)]
    }
}
