import RelayCore

/// A session as the server knows it.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class Backend: @unchecked Sendable {
    let pid: Int32
    /// The run of the server in which it began.
    let incarnation: Int
    /// The client's process.
    let process: SimulatedProcess
    private(set) var isAlive = true
    /// Rows that the open claim holds locked; nil where none is open.
    var claimed: Set<Int64>?
    var slot: ReplicationSlot?
    /// Milliseconds of silence between two statements after which the server ends the session; nil: it waits for ever.
    var patience: Int64?
    /// The same within a transaction.
    var patienceInTransaction: Int64?
    /// What the client sent last.
    var last: Task<Void, Never>?
    var statements = 0
    var isBusy = false
    /// The client's end went away: the session ends with its statement.
    var isAbandoned = false
    /// Tells the client's end.
    var whenEnded: (() -> Void)?

    init(pid: Int32, incarnation: Int, process: SimulatedProcess) {
        self.pid = pid
        self.incarnation = incarnation
        self.process = process
    }

    /// - Throws: ``ServerFailure/connectionLost`` where the session was ended meanwhile.
    func check() throws {
        guard isAlive else { throw ServerFailure.connectionLost }
    }

    func markEnded() { isAlive = false }
}

/// Why a statement has no answer.
enum ServerFailure: Error, Hashable {
    case connectionLost
    case unreachable
    /// The server refused the statement, and rolled back.
    case failed(String)
    /// Somebody else leads: the epoch was raised.
    case deposed
}

/// What a temporary slot has for its session.
final class ReplicationSlot: @unchecked Sendable {
    /// Transactions that were running when it was created, and that it waits for.
    private(set) var waitsFor: Set<UInt32>
    /// Its consistent point: what was written to the log before it is not streamed.
    private(set) var beginning: Int?
    var isConsistent: Bool { beginning != nil }
    var queue: [Announcement] = []
    var waiting: Reply<Void>?

    /// - Parameter end: of the log.
    init(waitsFor: Set<UInt32>, end: Int) {
        self.waitsFor = waitsFor
        if waitsFor.isEmpty { beginning = end }
    }

    /// A transaction is over.
    func hasEnded(_ transaction: UInt32, end: Int) {
        guard waitsFor.remove(transaction) != nil, waitsFor.isEmpty else { return }
        beginning = end
        wake()
    }

    /// - Parameter place: in the log.
    func bring(_ announcement: Announcement, at place: Int) {
        guard let beginning, place >= beginning else { return }
        queue.append(announcement)
        wake()
    }

    func wake() {
        let reply = waiting
        waiting = nil
        reply?.give(.success(()))
    }
}
