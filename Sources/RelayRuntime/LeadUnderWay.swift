import RelayCore

/// What lives as long as one lead: made when the sessions are open, gone when they close.
final class LeadUnderWay {
    let sessions: any LeaderSessions
    /// Why it is to end; nil while it goes on.
    var end: LeadEnd?
    /// Resumed once `end` is set.
    var isOver: CheckedContinuation<Void, Never>?

    /// When the last beat that came back was sent.
    var lastBeat: Int64
    /// Inputs that wait because the leader has been silent for too long.
    var postponed: [RelayInput] = []

    var tasks: [Int: Task<Void, Never>] = [:]
    /// By the time at which they go off.
    var alarms: [Int64: Task<Void, Never>] = [:]
    var stream: Task<Void, Never>?
    /// What the next piece of work waits for.
    var lastWork: Task<Void, Never>?
    /// What is watched for taking long; nil: the work session is idle.
    var work: WorkUnderWay?
    var isWorkWatched = false

    /// What was noted for `status` last, and when to look again whether that has changed.
    var status: LeaderStatus?
    var nextStatus: Int64
    var isNoting = false
    var orderHold: (OrderHold, HolderDescription?)?
    var pollingReason: String?
    var isStreamingTold = false

    /// Sinks that nobody serves and that are told of as soon as what they hold is counted.
    var uncounted: Set<String> = []
    var isReminding = false

    /// Milliseconds between two such looks: a busy relay decides thousands of times a second.
    static let statusPause: Int64 = 100

    init(_ sessions: any LeaderSessions, at now: Int64) {
        self.sessions = sessions
        lastBeat = now
        nextStatus = now
    }

    /// Ends whatever runs for it.
    func cancelTasks() {
        for alarm in alarms.values { alarm.cancel() }
        stream?.cancel()
        for task in tasks.values { task.cancel() }
    }
}

/// Why a lead ends.
enum LeadEnd: Sendable {
    case lost(String)
    case finished(RelayEnd)
    case stop(RelayStop)
}

struct WorkUnderWay {
    var number: Int
    var since: Int64
}
