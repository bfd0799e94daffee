import DedicatedThreads

/// A session with a PostgreSQL server.
///
/// The actor's executor is the thread that `open` was given, or one of its own; while the server works the thread is
/// free for others. A call runs to its end before the next one starts: they wait in line. Everything that must work
/// meanwhile, `cancelRunning()`, `abandon()` and `wake()`, is nonisolated.
///
/// Cancelling the task that awaits a statement cancels the statement on the server; the call then throws `.cancelled`,
/// and the connection stays usable unless the server does not react within `Exchange.grace`. A statement that was
/// done before the request reached the server returns normally: its effects are there. A call made in a task that is
/// cancelled already sends nothing, unless it says `cancellable: false` (as a ROLLBACK will).
package actor Connection {
    /// Whether the session is in a transaction.
    package enum TransactionStatus: Sendable, Hashable {
        /// In none.
        case idle
        /// In one.
        case open
        /// In one that has failed: only ROLLBACK is accepted.
        case failed
        /// Unknown: the connection is lost or closed, or in a COPY.
        case unknown
    }

    enum State {
        case open(LibpqConnection)
        /// Later calls throw this.
        case unusable(PostgresError)
    }

    /// What is fixed for the life of the connection.
    package nonisolated let info: ConnectionInfo

    /// Held strongly: the actor's jobs run on it.
    private nonisolated let thread: DedicatedThread
    nonisolated let interruptions: Interruptions
    nonisolated let cancelKey: CancelKey?
    var state: State
    let turns = Turns()
    var prepared = PreparedStatements()
    /// Whether the replication stream is open, which rules out statements.
    var isInCopy = false
    /// Whether the last messages of the stream had hardly to be waited for.
    var copyIsThick = false

    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    private init(thread: DedicatedThread, link: sending LibpqConnection) {
        self.thread = thread
        info = link.info
        cancelKey = link.cancelKey()
        interruptions = Interruptions(sleeper: Sleeper(thread), socket: link.socket)
        state = .open(link)
    }

    /// Connects, by libpq's rules: several hosts in turn, `target_session_attrs`, TLS, environment, password file.
    ///
    /// `client_encoding` is always UTF8. Cancelling the task ends it at once, also while a name is looked up.
    ///
    /// Connecting blocks in many ways (names, service files, cryptography), and so has a thread of its own meanwhile.
    ///
    /// - Parameters:
    ///   - thread: where the connection lives, shared with others that do not block it; `nil`: one of its own.
    ///   - timeout: for everything together; `nil` is none. The target's `connect_timeout` holds beside it for
    ///     each address, as in libpq's blocking calls: whole seconds, at least 2, none if 0 or unset.
    /// - Throws: `.badTarget`; `.connection`, with the server's SQLSTATE if it refused (`connectionFailure` says what
    ///   kind of failure it was); `.timeout`; `.cancelled`.
    package static func open(
        _ target: ConnectionTarget, on thread: DedicatedThread? = nil, timeout: Duration? = nil
    ) async throws(PostgresError) -> Connection {
        let cancelled = PostgresError(.cancelled, "connecting was cancelled", connectionIsLost: true)
        guard !Task.isCancelled else { throw cancelled }
        guard let thread = thread ?? DedicatedThread(), let wakeUp = WakeUp() else { throw Self.outOfThreads }
        let attempt = OpenAttempt(wakeUp: wakeUp)
        let connecting = Pthread.start {
            do throws(PostgresError) {
                let link = try Connecting(target: target, attempt: attempt).run()
                attempt.finish(.success(Connection(thread: thread, link: link)))
            } catch {
                attempt.finish(.failure(error))
            }
        }
        guard connecting != nil else { throw Self.outOfThreads }
        let alarm = timeout.map { timeout in
            Task {
                guard (try? await Task.sleep(for: timeout)) != nil else { return }
                let message = "no database session within \(timeout) at \(target)"
                attempt.finish(.failure(PostgresError(.timeout, message, connectionIsLost: true)))
            }
        }
        defer { alarm?.cancel() }
        return try await withTaskCancellationHandler {
            await attempt.answer()
        } onCancel: {
            attempt.finish(.failure(cancelled))
        }.get()
    }

    private static let outOfThreads = PostgresError(
        .connection, "out of threads or file descriptors for a database connection")

    /// Ends the session in good order and frees it, once what runs has ended. Later calls throw `.closed`; closing again
    /// does nothing.
    package func close() async {
        await turns.take()
        defer { turns.pass() }
        retire(PostgresError(.closed, "the database connection is closed", connectionIsLost: true))
    }

    /// Cancels the statement that runs, if any, as cancelling its task would. From any thread; returns at once.
    package nonisolated func cancelRunning() { interruptions.cancelRunning() }

    /// Cuts the connection. From any thread; returns at once. What runs throws `.closed`, and so does every later call.
    package nonisolated func abandon() { interruptions.abandon() }

    /// Ends a waiting `receiveCopy` early, or the next one if none waits.
    package nonisolated func wake() { interruptions.wake() }

    /// Whether statements can still be sent, as far as is known without asking the server.
    package var isUsable: Bool {
        guard case .open(let link) = state else { return false }
        return link.isUsable && !interruptions.isAbandoned
    }

    /// Whether the session is in a transaction.
    package var transactionStatus: TransactionStatus {
        get async {
            await turns.take()
            defer { turns.pass() }
            guard case .open(let link) = state else { return .unknown }
            return link.transaction
        }
    }

    /// A setting that the server reports by itself, such as `in_hot_standby` or `server_encoding`.
    package func serverParameter(_ name: String) -> String? {
        guard case .open(let link) = state else { return nil }
        return link.serverParameter(name)
    }

    /// Frees the connection; later calls throw `error`.
    func retire(_ error: PostgresError) {
        isInCopy = false
        if case .open = state {
            state = .unusable(error)
            interruptions.releaseSocket()
        } else if error.kind == .closed {
            state = .unusable(error)
        }
    }
}
