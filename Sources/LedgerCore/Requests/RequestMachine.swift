/// Decides how one request under an Idempotency-Key goes on: what to ask of the database next, and what to answer.
///
/// A request takes two transactions. The first one reserves the key; the second does what is asked for and completes the key
/// with the answer, both or neither. Where that is refused, a third one completes the key with the refusal, so that whoever
/// asks again gets the same answer.
///
/// What makes it safe is the key's row, not this machine: it names the attempt that works on it, and whoever writes an answer
/// locks it and finds it his own and open. So an attempt may be taken over at any time, also one that is only slow: of the two
/// one alone writes. A key of which nobody knows how it ended is taken over once its row is old enough, by the next
/// request under it.
///
/// It knows no clock and no database; `LedgerExploration` walks all that can happen to three of them.
package struct RequestMachine<Attempt: Hashable & Sendable>: Hashable, Sendable {
    /// What the row of a key says.
    package struct Row: Hashable, Sendable {
        /// Whether what was asked under it is what this request asks.
        package let isSameRequest: Bool
        package let attempt: Attempt
        package let stage: Stage

        package enum Stage: Hashable, Sendable {
            /// Not answered yet.
            case inFlight(isAbandoned: Bool)
            case answered
        }

        package init(isSameRequest: Bool, attempt: Attempt, stage: Stage) {
            self.isSameRequest = isSameRequest
            self.attempt = attempt
            self.stage = stage
        }
    }

    /// What is to be done next.
    package enum Action: Hashable, Sendable {
        /// First transaction: enter the key's row for this attempt, or read the one that is there.
        case reserve
        /// Make the row this attempt's, if it is still in flight and that attempt's.
        case takeOver(from: Attempt)
        /// Second transaction: where the row is this attempt's and in flight, do what is asked and complete it.
        case perform
        /// Third transaction: where the row is this attempt's and in flight, complete it with the refusal.
        case recordRefusal
        /// Where the row is this attempt's and in flight, delete it: nothing was done, and the next one may try at once.
        case free
        case answer(Answer)
    }

    /// What became of an action.
    package enum Outcome: Hashable, Sendable {
        /// The row is this attempt's: entered, or taken over.
        case isOurs
        /// Another row was there.
        case found(Row)
        /// The row that stood in the way was not there to be read, or not to be taken over any more.
        case changed
        /// The answer is in the row, or was a moment ago.
        case performed
        /// The row is not this attempt's, or is answered: nothing was done.
        case notOurs
        /// The ledger refuses, and would again.
        case refused
        /// Nothing was done, and trying again may help: a deadlock, a serialization failure.
        case undone
        /// Nobody knows whether it was done: the connection went.
        case unknown
        /// The refusal is in the row.
        case recorded
        case freed
    }

    package enum Answer: Hashable, Sendable {
        /// What stands in the row, of this attempt: that it was done, or that it is refused.
        case answered
        /// What stands in the row, of an earlier one.
        case replayed
        /// The key was used for something else.
        case keyReused
        /// Somebody else is at it.
        case keyInFlight
        /// It could not be done in time; whether it will be is known to who asks again.
        case unavailable
    }

    package let attempt: Attempt
    /// What is under way, or decided.
    package private(set) var action = Action.reserve
    /// Whether time is up: what follows only puts things in order.
    private var isLate = false

    package init(attempt: Attempt) { self.attempt = attempt }

    /// The deadline has passed. What is under way is waited for; nothing more is begun but to free the key.
    package mutating func deadlinePassed() { isLate = true }

    /// Takes the outcome of `action`, and decides on the next one.
    package mutating func took(_ outcome: Outcome) {
        switch (action, outcome) {
        case (.answer, _): break
        case (_, .performed), (_, .recorded): action = .answer(.answered)
        case (.free, _): action = .answer(.unavailable)
        case (_, .isOurs): action = isLate ? .free : .perform
        case (_, .found(let row)): action = afterFinding(row)
        case (_, .refused): action = .recordRefusal
        case (.perform, .undone): action = isLate ? .free : .perform
        // Whether the row is ours, and how it is, is read again; and the refusal may be another one by now.
        case (_, .undone), (_, .unknown), (_, .notOurs), (_, .changed), (_, .freed):
            action = isLate ? .free : .reserve
        }
    }

    private func afterFinding(_ row: Row) -> Action {
        guard row.isSameRequest else { return .answer(.keyReused) }
        switch row.stage {
        case .answered:
            // Of this attempt where its own outcome was not heard of.
            return .answer(row.attempt == attempt ? .answered : .replayed)
        case .inFlight where row.attempt == attempt: return isLate ? .free : .perform
        case .inFlight(isAbandoned: true) where !isLate: return .takeOver(from: row.attempt)
        case .inFlight: return .answer(.keyInFlight)
        }
    }
}
