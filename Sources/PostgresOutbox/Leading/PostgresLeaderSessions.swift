import Libpq
import RelayCore

/// A leader's sessions: its own, the working one, and those that are opened on demand.
package actor PostgresLeaderSessions: LeaderSessions {
    package nonisolated let epoch: Int64
    package nonisolated let opened: OpenedSessions
    let leader: LeaderSession
    let settings: PostgresSettings
    private let worker: WorkSession
    private var readers: [TableReader] = []
    private var idleReaders: [TableReader] = []
    /// Why the last stream was cut off, where this relay did it.
    var givenUp: GivenUpStream?
    /// Sessions for what is done beside leading, by their backends.
    var asides: [Int32: Session] = [:]
    /// The purge that is under way, on one of these.
    var purging: (session: Session, purge: Purge)?
    var isClosed = false

    /// With its connection: a call between the two is a call, and not a job in the queue.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe leader.unownedExecutor }

    init(
        leader: LeaderSession, work: WorkSession, settings: PostgresSettings, epoch: Int64, opened: OpenedSessions
    ) {
        self.leader = leader
        worker = work
        self.settings = settings
        self.epoch = epoch
        self.opened = opened
    }

    package nonisolated var watch: any LeaderWatch { leader }
    package nonisolated var work: any LeaderWork { worker }

    package func close() async {
        // Whatever waits on the server is cut off: the successor's clean-up would do the same.
        isClosed = true
        for reader in readers { reader.abandon() }
        for aside in asides.values { aside.connection.abandon() }
        worker.abandon()
        await leader.close()
        for reader in readers { await reader.close() }
        for aside in asides.values { await aside.close() }
        await worker.close()
        readers = []
        idleReaders = []
        asides = [:]
        purging = nil
    }

    package nonisolated func isLoss(_ error: any Error) -> Bool {
        switch error {
        case is Deposed, is OutboxChanged: true
        case let error as PostgresError: error.connectionIsLost || error.kind == .connection || error.kind == .closed
        default: false
        }
    }

    // MARK: - Reading sessions

    package func readTail(_ request: TailRequest) async throws -> FetchedTail {
        try await withReader { try await $0.readTail(request) }
    }

    package func read(_ request: ReadRequest) async throws -> FetchedRows {
        try await withReader { try await $0.read(request) }
    }

    package func readOwed(_ ids: [Int64]) async throws -> FetchedRows {
        let bytes = settings.memory / 8
        return try await withReader { try await $0.readOwed(ids, bytes: bytes) }
    }

    package func readParked(_ sink: String, _ ids: [Int64]) async throws -> FetchedRows {
        let bytes = settings.memory / 8
        return try await withReader { try await $0.readParked(sink, ids, bytes: bytes) }
    }

    private func withReader<Value: Sendable>(
        _ body: @Sendable (TableReader) async throws -> Value
    ) async throws -> Value {
        let reader: TableReader
        if let idle = idleReaders.popLast() {
            reader = idle
        } else {
            reader = TableReader(try await leader.openFurther(.read, settings), source: settings.source)
            readers.append(reader)
        }
        do {
            let value = try await body(reader)
            idleReaders.append(reader)
            return value
        } catch {
            // A session that is well is kept: each new one costs a backend and a record.
            guard isLoss(error) || error is CancellationError || !(error is PostgresError) else {
                idleReaders.append(reader)
                throw error
            }
            readers.removeAll { $0 === reader }
            await reader.close()
            throw error
        }
    }
}
