import Libpq

/// Which rows of a batch a statement fails for.
///
/// Whatever it throws that is not the loss of its session is tried once more over all rows; then the batch is halved,
/// level by level, until every failure is at one row. Where some part passes, the failures are faults of rows; where
/// none does and all fail alike, the fault is the statement's: a lock, a cancelled statement, a full disk, a privilege.
/// No list of SQLSTATEs decides it.
package struct RowNarrowing: Sendable {
    /// A row that the statement fails for when it stands alone.
    package struct Failure: Sendable {
        package var id: Int64
        package var error: any Error
        /// The server's words.
        package var reason: String { (error as? PostgresError)?.message ?? String(describing: error) }
    }

    /// Rows that the statement was done for, as it says itself (RETURNING).
    package private(set) var done: [Int64] = []
    /// Rows of parts that passed which the statement did not say it was done for: skipped by a trigger or a rule, gone,
    /// or another's by now. The caller looks which.
    package private(set) var skipped: [Int64] = []
    /// In the order in which they were found.
    package private(set) var failures: [Failure] = []
    /// Rows that nobody knows anything of, since there was no more time: the caller tries them again later.
    package private(set) var untried: [Int64] = []
    private var somePassed = false
    /// What the last part of several rows failed with.
    private var last: (any Error)?

    /// Tries the statement over all rows, and narrows where it fails.
    ///
    /// - Parameters:
    ///   - ids: the rows; none is in there twice.
    ///   - mayGoOn: asked before every further part; false where it has taken long enough.
    ///   - attempt: does it for these rows, all or nothing (``Connection/inSavepoint(_:)``), and gives those that it was
    ///     done for.
    /// - Throws: the statement's own fault, or the loss of its session. One row alone that fails proves neither, and is
    ///   given back as a failure: what a caller then writes down about it fails as well where the statement is at fault.
    package init(
        of ids: [Int64], mayGoOn: () -> Bool = { true }, attempt: (ArraySlice<Int64>) async throws -> [Int64]
    ) async throws {
        guard !ids.isEmpty else { return }
        if try await tries(ids[...], attempt) == nil { return }
        var parts = [ids[...]]
        var next = 0
        while next < parts.count {
            let part = parts[next]
            guard next == 0 || mayGoOn() else {
                untried += parts[next...].joined()
                break
            }
            next += 1
            guard let error = try await tries(part, attempt) else { continue }
            if part.count == 1, let id = part.first {
                failures.append(Failure(id: id, error: error))
            } else {
                let middle = part.startIndex + part.count / 2
                parts += [part[..<middle], part[middle...]]
                last = error
            }
        }
        if let error = fault(among: ids) { throw error }
    }

    /// Tries one part; gives what it failed with.
    private mutating func tries(
        _ part: ArraySlice<Int64>, _ attempt: (ArraySlice<Int64>) async throws -> [Int64]
    ) async throws -> (any Error)? {
        do {
            let did = try await attempt(part)
            somePassed = true
            done += did
            if did.count < part.count {
                let known = Set(did)
                skipped += part.filter { !known.contains($0) }
            }
            return nil
        } catch {
            if Self.isLoss(error) { throw error }
            return error
        }
    }

    /// The statement's own fault, where that is what was found.
    private func fault(among ids: [Int64]) -> (any Error)? {
        guard !somePassed, ids.count > 1 else { return nil }
        // Rows that are refused for different reasons are refused for their own.
        if untried.isEmpty, Set(failures.map { Self.kind($0.error) }).count > 1 { return nil }
        return failures.last?.error ?? last
    }

    private static func kind(_ error: any Error) -> String {
        (error as? PostgresError)?.sqlState ?? String(describing: type(of: error))
    }

    /// Whether an error may be the fault of rows, so that it is worth looking.
    static func mayBeRows(_ error: any Error) -> Bool { !isLoss(error) }

    /// What no row can be at fault for: the session, the caller or its time is gone.
    private static func isLoss(_ error: any Error) -> Bool {
        guard let error = error as? PostgresError else { return error is CancellationError }
        switch error.kind {
        // What a row holds may also break what this process expects of it.
        case .server, .protocolViolation: return error.connectionIsLost
        case .badTarget, .connection, .cancelled, .timeout, .closed: return true
        }
    }
}

extension Connection {
    /// Does something in the transaction that is open, or nothing of it where it throws; the transaction goes on.
    package nonisolated func inSavepoint<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        try await execute("SAVEPOINT part")
        do {
            let value = try await body()
            try await execute("RELEASE SAVEPOINT part")
            return value
        } catch {
            // Where the session is lost, the first of the errors says why.
            _ = try? await execute("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part", cancellable: false)
            throw error
        }
    }
}
