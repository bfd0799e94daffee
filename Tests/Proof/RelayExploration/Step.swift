/// One atomic step of the explored world.
package struct Step: Hashable, Sendable {
    package enum Kind: UInt8, Sendable {
        // Producers.
        case lock, draw, withdraw, rollBackToSavepoint, commit, becomeVisible, unlock, rollBack, prepare, keepID,
            insertLate, giveID
        // The operator and the server.
        case lockRow, unlockRow, cleanUp, undoMark, crashServer, loseSessions, loseAnswer
        // The relay's statements.
        case readLastValue, listHolders
        case executeWork, answerWork, failWork, executeRead, answerRead, failRead
        case executeTailRead, answerTailRead, failTailRead
        // The stream.
        case reachConsistency, standStream, ring, loseStream
        // Sinks.
        case deliver, deliverOne, failDelivery, loseReceipt, repairSinks, requestRetry
        // The relay.
        case tick, crashRelay, startRelay, openSessions, stop
        // Two relays: the one that leads, and the other.
        case freeze, wake, takeOver, wakeFormer, arriveFromFormer, loseFromFormer
        // An administrator.
        case administer
    }

    package var kind: Kind
    package var subject: UInt8
    package var value: UInt8

    init(_ kind: Kind, _ subject: Int = 0, _ value: Int64 = 0) {
        self.kind = kind
        self.subject = UInt8(subject)
        self.value = UInt8(value)
    }

    /// A misfortune: never needed for progress.
    var isMisfortune: Bool {
        switch kind {
        case .lockRow, .cleanUp, .undoMark, .crashServer, .loseSessions, .loseAnswer, .failWork, .failRead,
            .failTailRead, .loseStream, .failDelivery,
            .loseReceipt, .crashRelay, .stop, .requestRetry, .freeze, .loseFromFormer, .administer:
            true
        default: false
        }
    }
}

extension Step: CustomStringConvertible {
    package var description: String {
        switch kind {
        case .lock, .draw, .withdraw, .rollBackToSavepoint, .commit, .becomeVisible, .unlock, .rollBack, .prepare,
            .keepID, .insertLate, .giveID:
            "producer \(subject): \(kind)\(value > 0 ? " \(value)" : "")"
        case .lockRow, .unlockRow, .cleanUp, .undoMark: "operator: \(kind) \(value)"
        case .deliver, .deliverOne, .failDelivery, .loseReceipt: "sink \(subject): \(kind), flight \(value)"
        case .arriveFromFormer, .loseFromFormer: "former leader, sink \(subject): \(kind), flight \(value)"
        case .executeRead, .answerRead, .failRead: "\(kind) \(subject)"
        case .crashServer: "SERVER CRASH, last value \(value)"
        case .crashRelay: "RELAY CRASH\(value > 0 ? ", the sinks have what was in flight" : "")"
        case .loseSessions: "SESSIONS LOST"
        case .loseAnswer: "SESSIONS LOST, the work was committed"
        default: "\(kind)\(value > 0 ? " \(value)" : "")"
        }
    }
}
