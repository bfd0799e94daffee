import Crypto
import Foundation
import LedgerCore
import Libpq
import Logging

/// Carries out what `RequestMachine` decides, for one request under its key.
struct RequestRun {
    /// What is sent back.
    struct Reply {
        let status: Int
        let content: String
        let isReplay: Bool
    }

    private struct Stored {
        let status: Int
        let content: String
    }

    private let request: LedgerRequest
    private let key: IdempotencyKey
    private let digest: String
    private let pool: SessionPool
    private let limits: RequestLimits
    private let log: Logger

    private var machine = RequestMachine(attempt: RequestRun.newAttempt())
    private var session: Connection?
    /// What stands in the key's row, as far as it was heard of.
    private var stored: Stored?
    private var refusal: Problem?
    /// What went wrong last, for an answer that says so.
    private var failure = Problem(.databaseUnavailable, "The database does not answer.")
    private var pause = Duration.milliseconds(2)
    private(set) var retries = 0

    init(_ request: LedgerRequest, key: IdempotencyKey, pool: SessionPool, limits: RequestLimits, log: Logger) {
        self.request = request
        self.key = key
        self.pool = pool
        self.limits = limits
        self.log = log
        digest = Self.hexadecimal(SHA256.hash(data: request.identity))
    }

    private static func newAttempt() -> String { UUID().uuidString.lowercased() }

    private static func hexadecimal(_ digest: SHA256.Digest) -> String {
        digest.reduce(into: "") { text, byte in text += (byte < 16 ? "0" : "") + String(byte, radix: 16) }
    }

    /// Runs the request to its answer.
    ///
    /// - Throws: a problem that does not stand in the key's row: the key is taken, or it cannot be done now.
    mutating func run(until deadline: ContinuousClock.Instant) async throws(Problem) -> Reply {
        do {
            session = try await pool.take(until: deadline)
        } catch {
            throw Self.problem(error)
        }
        let answer = await drive(until: deadline)
        if let session { await pool.giveBack(session) }
        return try reply(answer)
    }

    private mutating func drive(until deadline: ContinuousClock.Instant) async -> Answer {
        while true {
            if case .answer(let answer) = machine.action { return answer }
            let outcome = await carryOut(machine.action, until: deadline)
            if ContinuousClock.now >= deadline || Task.isCancelled { machine.deadlinePassed() }
            machine.took(outcome)
            if outcome == .undone || outcome == .unknown || outcome == .changed {
                retries += 1
                // No longer than the request may take; those that were in one another's way part.
                try? await Task.sleep(for: min(pause * Double.random(in: 0.5...1.5), max(deadline - .now, .zero)))
                pause = min(pause * 2, .milliseconds(200))
            }
        }
    }

    private typealias Machine = RequestMachine<String>
    private typealias Answer = Machine.Answer

    private func reply(_ answer: Answer) throws(Problem) -> Reply {
        switch answer {
        case .keyReused:
            throw Problem(.keyReused, "This Idempotency-Key was used for another request: use a new one.")
        case .keyInFlight:
            throw Problem(.keyInFlight, "A request under this Idempotency-Key is under way: repeat it in a moment.")
        case .unavailable: throw failure
        case .answered, .replayed:
            guard let stored else { throw failure }
            // An earlier request's, or an earlier transfer's under the same external id.
            let isReplay = answer == .replayed || stored.status == 200
            let status = isReplay && stored.status == 201 ? 200 : stored.status
            return Reply(status: status, content: stored.content, isReplay: isReplay)
        }
    }

    private mutating func carryOut(
        _ action: Machine.Action, until deadline: ContinuousClock.Instant
    ) async -> Machine.Outcome {
        do throws(PostgresError) {
            let session = try await openSession(until: deadline)
            // What puts things in order may take a moment longer.
            let timeout = max(deadline - .now, limits.overtime)
            switch action {
            case .reserve: return try await reserve(on: session, timeout)
            case .takeOver(let earlier): return try await takeOver(from: earlier, on: session, timeout)
            case .perform: return try await perform(on: session, timeout)
            case .recordRefusal: return try await recordRefusal(on: session, timeout)
            case .free: return try await free(on: session, timeout)
            case .answer: return .changed
            }
        } catch {
            return outcome(of: error, action)
        }
    }

    private mutating func openSession(until deadline: ContinuousClock.Instant) async throws(PostgresError) -> Connection
    {
        if let session { return session }
        do {
            let opened = try await pool.take(until: max(deadline, .now + limits.overtime))
            session = opened
            return opened
        } catch {
            switch error {
            case .busy:
                failure = Self.problem(error)
                throw PostgresError(.timeout, "no session was free", connectionIsLost: true)
            case .database(let error): throw error
            }
        }
    }

    private mutating func outcome(of error: PostgresError, _ action: Machine.Action) -> Machine.Outcome {
        if error.connectionIsLost || error.kind == .closed {
            if let lost = session {
                let pool = pool
                Task { await pool.giveBack(lost) }
                session = nil
            }
            return .unknown
        }
        if error.sqlState == "25006", let stale = session {
            // The server stands by now: another session may find the one that leads.
            let pool = pool
            Task { await pool.drop(stale) }
            session = nil
            return .undone
        }
        if action == .perform, let refusal = Problem(refusal: error, of: request.operation) {
            self.refusal = refusal
            return .refused
        }
        if !error.canRetry {
            log.error("a request failed", metadata: error.metadata)
            failure = Problem(.internalError, "The ledger failed at this request; its log says why.")
            // It would fail again: whoever asks next may find it mended.
            machine.deadlinePassed()
        } else {
            failure = Problem(.busy, "The ledger is too busy: repeat the request in a moment.")
        }
        return .undone
    }

    static func problem(_ failure: SessionPool.Failure) -> Problem {
        switch failure {
        case .busy: Problem(.busy, "The ledger is too busy: repeat the request in a moment.")
        case .database: Problem(.databaseUnavailable, "The database cannot be reached.")
        }
    }
}

// Each of the machine's actions is one statement, and one transaction.
extension RequestRun {
    private mutating func reserve(
        on session: Connection, _ timeout: Duration
    ) async throws(PostgresError) -> Machine.Outcome {
        let table = try await session.query(
            RequestStatements.reserve,
            [.text(key.text), .text(digest), .text(machine.attempt), .text(limits.abandonedAfter)], prepares: true,
            timeout: timeout, cancellable: false)
        guard let row = table.rows.first else { return .changed }
        if row.bool(0) == true { return .isOurs }
        // Entered by somebody after this statement had begun: it does not see it yet.
        guard let isSame = row.bool(1), let attempt = row.string(2), let isAbandoned = row.bool(3) else {
            return .changed
        }
        var stage = Machine.Row.Stage.inFlight(isAbandoned: isAbandoned)
        if let status = row.int(4), let content = row.string(5) {
            stored = Stored(status: Int(status), content: content)
            stage = .answered
        }
        return .found(Machine.Row(isSameRequest: isSame, attempt: attempt, stage: stage))
    }

    private func takeOver(
        from earlier: String, on session: Connection, _ timeout: Duration
    ) async throws(PostgresError) -> Machine.Outcome {
        let table = try await session.query(
            RequestStatements.takeOver, [.text(key.text), .text(earlier), .text(machine.attempt)], timeout: timeout,
            cancellable: false)
        return table.affectedRows == 1 ? .isOurs : .changed
    }

    private mutating func perform(
        on session: Connection, _ timeout: Duration
    ) async throws(PostgresError) -> Machine.Outcome {
        let table = try await session.query(
            RequestStatements.perform,
            [
                .text(key.text), .text(machine.attempt), .text(request.operation.rawValue),
                request.subject.map { .text($0) } ?? .null, .text(request.asked),
            ], prepares: true, timeout: timeout, cancellable: false)
        guard let row = table.rows.first, let status = row.int(0), let content = row.string(1) else { return .notOurs }
        stored = Stored(status: Int(status), content: content)
        return .performed
    }

    private mutating func recordRefusal(
        on session: Connection, _ timeout: Duration
    ) async throws(PostgresError) -> Machine.Outcome {
        guard let refusal else { return .notOurs }
        let table = try await session.query(
            RequestStatements.recordRefusal,
            [.text(key.text), .text(machine.attempt), .int(Int64(refusal.status)), .text(refusal.json)],
            prepares: true, timeout: timeout, cancellable: false)
        guard table.affectedRows == 1 else { return .notOurs }
        stored = Stored(status: refusal.status, content: refusal.json)
        return .recorded
    }

    private func free(on session: Connection, _ timeout: Duration) async throws(PostgresError) -> Machine.Outcome {
        try await session.query(
            RequestStatements.free, [.text(key.text), .text(machine.attempt)], timeout: timeout, cancellable: false)
        return .freed
    }
}
