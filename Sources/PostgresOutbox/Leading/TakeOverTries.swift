/// Which sessions of this process have tried to raise the epoch since it led last, with nobody else in between.
///
/// A try whose answer was lost may have raised it all the same: the next one then finds a predecessor that is itself.
struct TakeOverTries: Sendable {
    private var lastEpoch: Int64 = -1
    private var sessions: Set<SessionMark> = []

    /// To be asked before the new epoch is committed.
    ///
    /// - Parameter lastEpoch: the epoch in which this process led last.
    /// - Returns: whether nobody else has led since.
    mutating func begin(with session: SessionMark, _ succession: Succession, lastEpoch: Int64) -> Bool {
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
