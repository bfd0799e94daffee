import DequeModule
import DedicatedThreads
import Libpq
import Logging
import Synchronization

/// A bounded number of sessions with the ledger's database, opened as they are needed. Whoever finds none free waits in line.
final class SessionPool: Sendable {
    enum Failure: Error {
        /// None was free in time, or too many wait already.
        case busy
        case database(PostgresError)
    }

    /// What somebody who waits is given.
    private enum Grant {
        case session(Connection)
        /// The right to open one.
        case place
    }

    private struct Waiter {
        let number: Int
        let continuation: CheckedContinuation<Grant?, Never>
    }

    private struct State {
        var idle: [Connection] = []
        /// Sessions that are open or being opened.
        var open = 0
        var waiting: Deque<Waiter> = []
        var lastNumber = 0
        var isClosed = false
        var lastComplaint: ContinuousClock.Instant?
    }

    /// How many sessions there may be.
    let size: Int
    private let target: ConnectionTarget
    /// One for all of them: what a session does there is short.
    private let thread: DedicatedThread
    private let log: Logger
    private let state = Mutex(State())

    /// How many may wait; more are turned away at once.
    private static let longestLine = 1000
    /// Between two complaints.
    private static let silence = Duration.seconds(5)

    /// - Parameter size: from 1.
    init(target: ConnectionTarget, size: Int, thread: DedicatedThread, log: Logger) {
        self.target = target
        self.size = size
        self.thread = thread
        self.log = log
    }

    /// How many sessions are open, and how many wait for one.
    var load: (sessions: Int, waiting: Int) { state.withLock { ($0.open, $0.waiting.count) } }

    /// Takes a session, which `giveBack` returns.
    func take(until deadline: ContinuousClock.Instant) async throws(Failure) -> Connection {
        var mayOpen = true
        while true {
            switch await grant(until: deadline, mayOpen: mayOpen) {
            case nil: throw .busy
            case .session(let session): return session
            case .place:
                do {
                    return try await open(until: deadline)
                } catch {
                    complain(error)
                    // The server gives no more, and others have some: one of theirs will do.
                    guard error.sqlState == "53300", leavePlaceToOthers() else {
                        passOnPlace()
                        throw .database(error)
                    }
                    mayOpen = false
                }
            }
        }
    }

    /// Whether there are others; nobody is told that the place is free.
    private func leavePlaceToOthers() -> Bool {
        state.withLock { state in
            guard state.open > 1 else { return false }
            state.open -= 1
            return true
        }
    }

    /// Returns a session; one that is of no more use leaves its place to another.
    func giveBack(_ session: Connection) async {
        if await session.isUsable, !state.withLock({ $0.isClosed }) {
            pass(.session(session))
        } else {
            await drop(session)
        }
    }

    /// Closes a session, and those that are idle: what ended one has most likely ended all.
    func drop(_ session: Connection) async {
        await session.close()
        passOnPlace()
        for session in takeIdle() { await session.close() }
    }

    private func takeIdle(forGood: Bool = false) -> [Connection] {
        state.withLock { state in
            if forGood { state.isClosed = true }
            state.open -= state.idle.count
            defer { state.idle = [] }
            return state.idle
        }
    }

    /// Closes what is idle; what is in use is closed when it comes back.
    func close() async {
        for session in takeIdle(forGood: true) { await session.close() }
    }

    /// Says why there is no session, now and then.
    private func complain(_ error: PostgresError) {
        let isDue = state.withLock { state in
            guard (state.lastComplaint.map { $0 + Self.silence < .now }) ?? true else { return false }
            state.lastComplaint = .now
            return true
        }
        if isDue { log.warning("\(Refusal(error).sentence)") }
    }

    private func open(until deadline: ContinuousClock.Instant) async throws(PostgresError) -> Connection {
        let session = try await Connection.open(
            target, on: thread, timeout: max(deadline - .now, .milliseconds(1)))
        do {
            // Times are shown in UTC; compiling a statement takes longer than running it here.
            try await session.execute(
                """
                SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET jit = off; SET standard_conforming_strings = on;
                SET default_transaction_isolation = 'read committed'; SET synchronous_commit = on
                """, timeout: max(deadline - .now, .milliseconds(1)))
        } catch {
            await session.close()
            throw error
        }
        return session
    }

    private func grant(until deadline: ContinuousClock.Instant, mayOpen: Bool) async -> Grant? {
        var number = 0
        let alarm = Mutex<Task<Void, Never>?>(nil)
        let grant: Grant? = await withCheckedContinuation { continuation in
            let ready: Grant?? = state.withLock { state in
                if let session = state.idle.popLast() { return .session(session) }
                if state.open < size, mayOpen || state.open == 0, !state.isClosed {
                    state.open += 1
                    return .place
                }
                guard state.waiting.count < Self.longestLine, !state.isClosed else { return .some(nil) }
                state.lastNumber += 1
                number = state.lastNumber
                state.waiting.append(Waiter(number: number, continuation: continuation))
                return nil
            }
            if let ready {
                continuation.resume(returning: ready)
            } else {
                let number = number
                alarm.withLock {
                    $0 = Task {
                        guard (try? await Task.sleep(until: deadline, clock: .continuous)) != nil else { return }
                        self.giveUp(number)
                    }
                }
            }
        }
        alarm.withLock { $0 }?.cancel()
        return grant
    }

    /// Whoever waits under the number waits no longer; nothing where it was given a session already.
    private func giveUp(_ number: Int) {
        let waiter = state.withLock { state in
            state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: nil)
    }

    private func passOnPlace() { pass(.place) }

    /// Gives what has become free to whoever waits longest.
    private func pass(_ grant: Grant) {
        let waiter = state.withLock { state in
            if let first = state.waiting.popFirst() { return Optional(first) }
            switch grant {
            case .session(let session): state.idle.append(session)
            case .place: state.open -= 1
            }
            return nil
        }
        waiter?.continuation.resume(returning: grant)
    }
}
