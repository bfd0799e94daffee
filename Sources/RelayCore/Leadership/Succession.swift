/// A session's name for good.
package struct SessionMark: Hashable, Sendable {
    package var pid: Int64
    package var backendStart: String

    package init(pid: Int64, backendStart: String) {
        self.pid = pid
        self.backendStart = backendStart
    }
}

/// How leadership began.
package struct Succession: Hashable, Sendable {
    package var epoch: Int64
    /// The epoch before: the one this process led in, if nobody led in between.
    package var previousEpoch: Int64
    /// The session that raised the epoch before; nil where none is recorded.
    package var previousLeader: SessionMark?
    /// The server was restarted, or is another timeline, since a leader last recorded it; or there is no record, and it was
    /// promoted once, and may lack it.
    package var serverIsNew: Bool

    package init(epoch: Int64, previousEpoch: Int64, previousLeader: SessionMark?, serverIsNew: Bool) {
        self.epoch = epoch
        self.previousEpoch = previousEpoch
        self.previousLeader = previousLeader
        self.serverIsNew = serverIsNew
    }
}

/// Which sessions of this process have tried to raise the epoch since it led last, with nobody else in between.
///
/// A try whose answer was lost may have raised it nevertheless: the next one then finds a predecessor that is itself.
package struct TakeOverTries: Sendable {
    private var lastEpoch: Int64 = -1
    private var sessions: Set<SessionMark> = []

    package init() {}

    /// To be asked before the new epoch is committed.
    ///
    /// - Parameter lastEpoch: the epoch in which this process led last.
    /// - Returns: whether nobody else has led since.
    package mutating func begin(with session: SessionMark, _ succession: Succession, lastEpoch: Int64) -> Bool {
        if lastEpoch != self.lastEpoch { self = TakeOverTries() }
        self.lastEpoch = lastEpoch
        let isOwn = succession.previousLeader.map(sessions.contains) ?? false
        guard succession.previousEpoch == lastEpoch || isOwn else {
            sessions = []
            return false
        }
        sessions.insert(session)
        return true
    }
}
