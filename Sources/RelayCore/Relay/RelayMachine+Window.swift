/// How much a lane's sink may hold beside what is not settled: a crash repeats at most the window, in turn and out of turn.
extension RelayMachine {
    /// Rows in turn that the lane may be handed. While others wait out of turn a part of the window is left to them.
    func roomInTurn(_ lane: Lane) -> Int {
        let kept = lane.waitsOutOfTurn ? min(policy.window - 1, max(1, policy.window / 8)) : 0
        return policy.window - kept - lane.unsettled
    }

    /// Owed or parked rows that the lane may be handed.
    func roomOutOfTurn(_ lane: Lane) -> Int { policy.window - lane.unsettled }
}
