import DedicatedThreads
import Libpq
import PostgresOutbox

/// Where readings come from: a session of its own with the outbox, kept from one reading to the next and opened anew where
/// it is of no more use.
package actor SightSource {
    private let target: ConnectionTarget
    private let thread: DedicatedThread?
    private var session: Session?

    /// - Parameter thread: where the session lives; `nil`: on a thread of its own.
    package init(_ target: ConnectionTarget, on thread: DedicatedThread? = nil) {
        self.target = target
        self.thread = thread
    }

    /// Reads once.
    package func read() async throws -> SightReading {
        let session = try await usableSession()
        do {
            return try await SightReading(reading: session)
        } catch {
            // Whatever it was: a new session is the surest, and there is time.
            await close()
            throw error
        }
    }

    /// Ends the session.
    package func close() async {
        guard let session else { return }
        self.session = nil
        await session.close()
    }

    private func usableSession() async throws(Refusal) -> Session {
        if let session, await session.connection.isUsable { return session }
        await close()
        var timeouts = SessionTimeouts.standard(for: .admin)
        timeouts.statement = .seconds(10)
        let opened = try await openSession(
            target, on: thread, role: .admin, timeouts: timeouts, timeout: .seconds(5))
        session = opened
        return opened
    }
}
