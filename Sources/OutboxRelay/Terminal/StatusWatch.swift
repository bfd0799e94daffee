import PostgresOutbox

/// `status --watch`: reads the status again and again, on one session, until its task is cancelled or nobody looks any
/// more.
struct StatusWatch: Sendable {
    let connector: AdministrationConnector
    let interval: Duration
    /// Shows a status; false where nobody looks.
    let show: @Sendable (RelayStatus) -> Bool
    /// Says that the status cannot be read, once for each outage.
    let tell: @Sendable (String) -> Void

    /// - Throws: where the database says what will not pass by itself.
    func run() async throws(Refusal) {
        guard var session = try await unlessCancelled(connect) else { return }
        while !Task.isCancelled {
            do throws(Refusal) {
                let status = try await RelayStatus(reading: session)
                guard show(status) else { break }
            } catch {
                await session.close()
                if Task.isCancelled { return }
                guard error.kind == .unreachable else { throw error }
                tell("the status cannot be read, and is tried again: \(error.problem)")
                guard let next = try await unlessCancelled(reconnect) else { return }
                session = next
                // At once where it is well again, and not in a hurry where it is not.
                guard await rests(for: min(interval, .milliseconds(200))) else { break }
                continue
            }
            guard await rests(for: interval) else { break }
        }
        await session.close()
    }

    /// - Returns: false where the task was cancelled.
    private func rests(for pause: Duration) async -> Bool {
        (try? await Task.sleep(for: pause)) != nil
    }

    /// Nil where the task was cancelled meanwhile.
    private func unlessCancelled(
        _ body: () async throws(Refusal) -> Session
    ) async throws(Refusal) -> Session? {
        do throws(Refusal) {
            return try await body()
        } catch {
            if Task.isCancelled { return nil }
            throw error
        }
    }

    private func connect() async throws(Refusal) -> Session { try await connector.connect() }

    /// For as long as it takes.
    private func reconnect() async throws(Refusal) -> Session {
        while true {
            do throws(Refusal) {
                return try await connector.connect()
            } catch {
                guard error.kind == .unreachable, !Task.isCancelled else { throw error }
            }
        }
    }
}
