import CLibpq
import DedicatedThreads
import Glibc

/// One call on a connection, from its statement to its last result: where it waits, and what may end the wait.
///
/// A cancellation or a passed deadline sends a cancel request and goes on reading: the statement's end must be read
/// before the connection can be used again. Only a server that does not answer within `grace` costs the connection.
struct Exchange {
    /// How long the server may take to obey a cancel request: it may be short of processors just then.
    static let grace = Duration.seconds(3)
    /// When to ask once more: between two statements that were sent together the server hears nothing.
    private static let repetition = Duration.milliseconds(250)

    let link: LibpqConnection
    let interruptions: Interruptions
    /// `nil` in a COPY, which a cancel request would end: there a passed deadline costs the connection at once.
    let cancelKey: CancelKey?
    let timeout: Duration?

    private let deadline: ContinuousClock.Instant?
    private var ending: Ending?
    /// Whether libpq has noticed that nothing more will come.
    var inputIsOver = false

    /// A cancel request under way, and why.
    private struct Ending {
        var kind: PostgresError.Kind
        var request: ServerCancel
        var deadline: ContinuousClock.Instant
        var repeatsAt = ContinuousClock.now + Exchange.repetition
    }

    init(link: LibpqConnection, interruptions: Interruptions, cancelKey: CancelKey?, timeout: Duration?) {
        self.link = link
        self.interruptions = interruptions
        self.cancelKey = cancelKey
        self.timeout = timeout
        deadline = timeout.map { ContinuousClock.now + $0 }
    }

    /// Hands over every result of what was sent, errors too, then makes sure that no cancel request is left over.
    ///
    /// - Parameter copy: the state of a COPY that ends the reading, because the caller goes on with it.
    /// - Throws: only where the connection is of no more use.
    mutating func results(
        stoppingAt copy: ExecStatusType = PGRES_COPY_BOTH, _ body: (consuming LibpqResult) -> Void
    ) async throws(PostgresError) {
        try await flush()
        while true {
            try await waitForResult()
            guard let result = link.nextResult() else { break }
            let status = result.status
            body(result)
            if status == copy { break }
            if [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(status) {
                throw lost(.protocolViolation, "COPY from or to the client is not supported in this call")
            }
        }
        try await settleCancel()
        if interruptions.isAbandoned { throw Self.abandoned }
    }

    /// The same for one statement whose rows come one by one, as results of their own.
    ///
    /// - Parameter afterBegin: it was sent as a pipeline, behind a BEGIN.
    mutating func singleRows(
        afterBegin: Bool, _ body: (consuming LibpqResult) -> Void
    ) async throws(PostgresError) {
        if afterBegin { return try await pipelineResults(of: 2, singleRows: true, body) }
        link.takeSingleRows()
        try await results(body)
    }

    /// The results of statements that were sent as a pipeline, up to the mark behind them.
    ///
    /// - Parameter singleRows: whether rows come as results of their own.
    mutating func pipelineResults(
        of count: Int, singleRows: Bool, _ body: (consuming LibpqResult) -> Void
    ) async throws(PostgresError) {
        try await flush()
        var ended = 0
        while true {
            if singleRows { link.takeSingleRows() }
            try await waitForResult()
            if let result = link.nextResult() {
                if result.status == PGRES_PIPELINE_SYNC { break }
                body(result)
            } else if link.isUsable {
                ended += 1
                guard ended <= count else { throw lost(.protocolViolation, "the results of a pipeline have no end") }
            } else {
                break
            }
        }
        try await settleCancel()
        if interruptions.isAbandoned { throw Self.abandoned }
        guard !link.isUsable || link.leavePipeline() else {
            throw lost(.protocolViolation, "the connection stays in a pipeline")
        }
    }

    /// Sends what is queued, reading what comes meanwhile: a server that cannot write does not read either.
    mutating func flush() async throws(PostgresError) {
        while true {
            // -1: the connection is lost; what the server said about it is read with the results.
            guard link.flush() == 1 else { return }
            let events = try await wait(for: POLLIN | POLLOUT)
            if events & ~POLLOUT != 0 && !link.consumeInput() { return }
        }
    }

    /// What an error that ends this call is to the caller, who knows of cancellations and limits.
    func classified(_ error: PostgresError) -> PostgresError {
        var error = error
        if let ending, error.sqlState == "57014" {
            error.kind = ending.kind
            error.message = message(for: ending.kind)
        }
        if !link.isUsable {
            if error.kind == .server { error.kind = .connection }
            error.connectionIsLost = true
        }
        return error
    }

    /// Throws what has ended this call, though the part of it that was just read has succeeded.
    func refuseInterrupted() throws(PostgresError) {
        if let ending { throw PostgresError(ending.kind, message(for: ending.kind)) }
    }

    /// What is thrown once `abandon()` was called.
    static let abandoned = PostgresError(
        .closed, "the database connection was abandoned by this process", connectionIsLost: true)

    // MARK: Waiting

    private mutating func waitForResult() async throws(PostgresError) {
        while !inputIsOver && link.isBusy {
            _ = try await wait(for: POLLIN)
            if !link.consumeInput() { inputIsOver = true }
        }
    }

    /// Waits until the socket is ready; returns its events. Also the place where every interruption is seen.
    private mutating func wait(for events: Int32) async throws(PostgresError) -> Int32 {
        while true {
            try look()
            let socket = link.socket
            // Without a socket libpq has noticed a loss itself; it must be asked, not waited for.
            guard socket >= 0 else { return POLLIN }
            let ready = await interruptions.sleeper.wait(
                socket: socket, events: events, until: ending?.repeatsAt ?? deadline)
            if ready != 0 { return ready }
        }
    }

    private mutating func look() throws(PostgresError) {
        if interruptions.isAbandoned { throw Self.abandoned }
        if let ending {
            let isOverdue = ContinuousClock.now >= ending.deadline
            if ending.request.outcome == false || isOverdue { throw giveUp(ending.kind) }
            askAgain()
        } else if interruptions.isCancelled {
            try end(as: .cancelled)
        } else if let deadline, ContinuousClock.now >= deadline {
            try end(as: .timeout)
        }
    }

    private mutating func askAgain() {
        guard var ending, let cancelKey, ContinuousClock.now >= ending.repeatsAt else { return }
        // One that is still on its way may reach the server yet.
        if ending.request.outcome == true {
            ending.request = ServerCancel(cancelKey, sleeper: interruptions.sleeper)
        }
        ending.repeatsAt = ContinuousClock.now + Self.repetition
        self.ending = ending
    }

    private mutating func end(as kind: PostgresError.Kind) throws(PostgresError) {
        guard let cancelKey else { throw giveUp(kind) }
        ending = Ending(
            kind: kind, request: ServerCancel(cancelKey, sleeper: interruptions.sleeper),
            deadline: ContinuousClock.now + Self.grace)
    }

    /// A request still under way could hit the next statement.
    private mutating func settleCancel() async throws(PostgresError) {
        guard let ending, link.isUsable else { return }
        while ending.request.outcome == nil {
            try look()
            _ = await interruptions.sleeper.wait(until: ending.deadline)
        }
    }

    private func giveUp(_ kind: PostgresError.Kind) -> PostgresError {
        interruptions.shutDown()
        return lost(kind, message(for: kind) + "; the server did not react, so the connection was closed")
    }

    private func lost(_ kind: PostgresError.Kind, _ message: String) -> PostgresError {
        PostgresError(kind, message, connectionIsLost: true)
    }

    private func message(for kind: PostgresError.Kind) -> String {
        guard kind == .timeout, let timeout else { return "the statement was cancelled" }
        return "the statement did not end within \(timeout)"
    }
}
