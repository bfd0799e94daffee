import RelayCore

extension LeaderSession: LeaderWatch {
    package func describe(_ cause: OrderHold.Cause) async throws -> HolderDescription? {
        switch cause {
        case .transaction(let holder): try await describe(holder)
        case .lockedRow(let id): try await describeLock(ofRow: id)
        // Nobody's transaction: it holds from now on.
        case .aboveSequence, .unreadableRow: try await describeMoment()
        case .unknown: nil
        }
    }

    package func standingWaits() async throws -> [StandingWait] {
        try await waits().map { wait in
            StandingWait(
                sentence: wait.sentence, milliseconds: Int64(wait.seconds * 1000), isCommit: wait.isSynchronousCommit)
        }
    }

    package func writeStop(_ travel: TimeTravel) async throws -> Bool {
        try await writeStop(travel.reason, condition: travel.condition([], session.schema))
    }
}
