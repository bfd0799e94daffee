import RelayCore

/// What one producer may do besides drawing an id, inserting its row and committing or rolling back.
package struct ProducerHabits: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Draws a second id in the same transaction.
    package static let drawsTwice = ProducerHabits(rawValue: 1)
    /// Rolls back to a savepoint that it set before it drew.
    package static let usesSavepoint = ProducerHabits(rawValue: 2)
    /// Commits in two phases.
    package static let prepares = ProducerHabits(rawValue: 4)
    /// Ends the transaction that drew and inserts with the id in a later one: its row is late.
    package static let keepsID = ProducerHabits(rawValue: 8)
    /// Gives an id by hand that nobody has used: its row is late.
    package static let givesID = ProducerHabits(rawValue: 16)
    /// The server gives its transaction a new identity at PREPARE.
    package static let isRenamed = ProducerHabits(rawValue: 32)
    /// Deletes a row that the same transaction has inserted.
    package static let withdraws = ProducerHabits(rawValue: 64)
}

/// A bounded world: who takes part, and how often each misfortune may strike.
package struct Scenario: Sendable {
    package var name: String
    /// Ids run from 1 to this; at most 15.
    package var ids: Int64 = 3
    package var producers: [ProducerHabits] = [[], []]
    /// Transactions of each producer.
    package var transactions: UInt8 = 1
    package var sinks: [SinkRegistration] = [SinkRegistration(name: "a")]
    package var policy: RelayPolicy
    package var lanes: [String: LanePolicy] = [:]
    /// How many ordering keys there are, dealt out to the ids in turn; 0: keys do not matter.
    package var keys: Int64 = 0
    /// Rows that the sinks reject, until somebody fixes that.
    package var rejected: [Int64] = []
    /// How often somebody asks for the parked events to be tried again.
    package var retryRequests: UInt8 = 0
    package var rules = RelayRules.sound
    package var mutation: Mutation?

    /// The relay leads, and its slot stands, before anybody draws.
    package var beginsWithSlot = false
    /// The lock on the sequence is taken in a step of its own.
    package var locksApart = false
    /// A statement's snapshot and the arrival of its answer are steps of their own.
    package var answersApart = false
    /// A commit is flushed, and streamed, before it is visible. (Always so where there is a stream.)
    package var flushesApart = false
    /// Each relay that is started runs in another mode than the one before; the first as the policy says.
    package var switchesMode = false
    /// Bytes of one batch of rows, against `policy.memory`.
    package var batchBytes = 0
    /// The relay may be asked to stop.
    package var mayStop = false

    package var relayCrashes: UInt8 = 0
    package var serverCrashes: UInt8 = 0
    package var connectionLosses: UInt8 = 0
    package var streamLosses: UInt8 = 0
    package var outages: UInt8 = 0
    package var lostAnswers: UInt8 = 0
    package var operatorLocks: UInt8 = 0
    /// How many unpublished rows somebody deletes, delivered or not.
    package var cleanUps: UInt8 = 0
    /// How many marks somebody takes back.
    package var undoneMarks: UInt8 = 0
    package var workFailures: UInt8 = 0
    /// A second relay stands by, and takes over.
    package var hasStandby = false
    /// How often the one that leads may be frozen.
    package var freezes: UInt8 = 0
    /// What an administrator asks for, in this order, at any time while the relay leads.
    package var requests: [SinkRequest] = []
    /// A schedule shows the state after each step.
    package var showsStates = false
    /// The search ends, unfinished, at so many states.
    package var limit = 3_000_000

    /// Whether something is broken on purpose.
    package var isMutant: Bool { mutation != nil || rules != .sound }

    package init(_ name: String, _ change: (inout Scenario) -> Void = { _ in }) {
        self.name = name
        policy = RelayPolicy()
        policy.batchSize = 2
        policy.window = 3
        policy.pollInterval = 0
        policy.settleInterval = 0
        policy.gapPatience = 0
        policy.sweepInterval = 1
        policy.netInterval = 1
        policy.faultInterval = 0
        policy.holdNotice = 1 << 40
        policy.retry = RetryPolicy(base: 0, maximum: 0)
        change(&self)
        if policy.usesStream || switchesMode { flushesApart = true }
    }

    func lane(_ sink: String) -> LanePolicy { lanes[sink] ?? LanePolicy(retry: policy.retry) }

    func key(of id: Int64) -> EventKey { EventKey(hash: UInt64(keys == 0 ? 0 : id % keys)) }
}

extension Scenario: CustomStringConvertible {
    package var description: String { name }
}

/// A fault of what surrounds the deciding core: each breaks one clause of the design, and an exploration must find it.
package enum Mutation: String, CaseIterable, Sendable {
    /// The holders are listed before the last value is read.
    case holdersFirst
    /// A prepared transaction, which has no pid, is not among the holders.
    case preparedOverlooked
    /// A settlement waits for a delivered row that somebody has deleted.
    case goneWaitedFor
    /// A settlement does not write the ranges.
    case rangesUnwritten
    /// A settlement does not write what is parked.
    case parkedUnwritten
    /// A settlement does not look for what its lane passed as absent.
    case passedUnseen
    /// The look at a closed gap finds nothing.
    case recheckSkipped
    /// A settlement takes a locked row for one that it may move.
    case lockOverlooked
    /// What a read says of transactions is asked after its rows were looked for.
    case askedTooLate
    /// Where one of a lane's reads fails, the others are said to have failed, too, though their answers come.
    case failsTogether
}
