/// A process of a relay, as the operating system knows it.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class SimulatedProcess: @unchecked Sendable {
    let number: Int
    let scheduler: Scheduler
    private(set) var isAlive = true
    private(set) var isFrozen = false
    /// Nothing reaches it and nothing leaves it.
    private(set) var isCut = false
    /// How far its clock is behind, in microseconds: a host that was paused with its clock knows nothing of it.
    private(set) var clockLag: Int64 = 0
    private var frozenWithClockAt: Int64?
    private var sleepers: [Int: Sleeper] = [:]
    private var sleeperNumber = 0
    private var waitingForNetwork: [Reply<Void>] = []
    private var atDeath: [() -> Void] = []

    init(_ number: Int, _ scheduler: Scheduler) {
        self.number = number
        self.scheduler = scheduler
    }

    var clock: VirtualClock { VirtualClock(process: self) }
    /// Milliseconds on the process's own clock. It does not begin at zero: no clock does.
    var milliseconds: Int64 { Self.epoch + ((frozenWithClockAt ?? scheduler.now) - clockLag) / 1000 }
    private static let epoch: Int64 = 1_000_000

    /// Later than any simulation lasts; somebody may sleep for ever.
    private static let never: Int64 = 1 << 40

    private func microseconds(of time: Int64) -> Int64 { (min(time, Self.never) - Self.epoch) * 1000 + clockLag }

    // MARK: - What befalls it

    /// It ends between two instructions: nothing of what it was about to do is done.
    func kill() {
        guard isAlive else { return }
        isAlive = false
        heal()
        for (_, sleeper) in sleepers.sorted(by: { $0.key < $1.key }) { sleeper.wake() }
        let actions = atDeath
        atDeath = []
        for action in actions { action() }
        scheduler.reap(number)
    }

    /// Does something at its death: what the kernel does for it, like closing its sockets.
    func whenKilled(_ action: @escaping () -> Void) { atDeath.append(action) }

    /// SIGSTOP; with its clock: the host is paused and does not notice.
    func freeze(withClock: Bool) {
        guard isAlive, !isFrozen else { return }
        isFrozen = true
        if withClock { frozenWithClockAt = scheduler.now }
        scheduler.freeze(number)
    }

    func thaw() {
        guard isFrozen else { return }
        isFrozen = false
        if let since = frozenWithClockAt { clockLag += scheduler.now - since }
        frozenWithClockAt = nil
        for (_, sleeper) in sleepers.sorted(by: { $0.key < $1.key }) { arm(sleeper) }
        scheduler.thaw(number)
    }

    func cut() { isCut = isAlive }

    func heal() {
        isCut = false
        let waiting = waitingForNetwork
        waitingForNetwork = []
        for reply in waiting { reply.give(.success(())) }
    }

    /// Waits while the process is cut off.
    func reachable() async {
        while isCut, !scheduler.isOver {
            let reply = Reply<Void>(for: 0, scheduler)
            waitingForNetwork.append(reply)
            try? await reply.value
        }
    }

    // MARK: - Sleeping

    func sleeper(until time: Int64) -> Sleeper { Sleeper(until: time, self) }

    func begin(_ sleeper: Sleeper) {
        // What is left of a dead process must not turn round and round in no time, or nothing else would ever happen.
        guard isAlive else { return scheduler.at(scheduler.now + 1000, for: number) { sleeper.wake() } }
        guard !sleeper.isCancelled, milliseconds < sleeper.until else { return sleeper.wake() }
        sleeperNumber += 1
        sleeper.number = sleeperNumber
        sleepers[sleeperNumber] = sleeper
        arm(sleeper)
    }

    /// Nobody is woken by a clock that stands still: those who sleep are armed again when it goes on.
    private func arm(_ sleeper: Sleeper) {
        guard frozenWithClockAt == nil, !sleeper.isArmed else { return }
        sleeper.isArmed = true
        scheduler.at(microseconds(of: sleeper.until), for: number) { [weak self] in
            sleeper.isArmed = false
            guard let self, sleeper.isAsleep else { return }
            // A clock that stood still meanwhile has not come so far.
            if isAlive, milliseconds < sleeper.until, !scheduler.isOver { arm(sleeper) } else { sleeper.wake() }
        }
    }

    func forget(_ number: Int) { sleepers[number] = nil }
}
