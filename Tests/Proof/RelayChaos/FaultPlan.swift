import RelayTestKit

/// Which faults come in which order and after which pauses: the same ones for the same seed and the same options,
/// whatever becomes of them.
struct FaultPlan: Sendable {
    /// A pause in milliseconds, and then a fault.
    struct Step: Hashable, Sendable {
        var pause: Int
        var fault: Fault
    }

    /// What it is made of.
    enum Course: Sendable {
        /// Faults of these kinds by their weights, without an end.
        case endless([FaultKind])
        /// So many kills of a relay and of the server in any order, and nothing else.
        case kills(relay: Int, server: Int)
    }

    private var course: Course
    private let hosts: Int
    private let pauses: ClosedRange<Int>
    /// The longest time for which a fault lasts, in milliseconds.
    private let longest: Int
    private var random: SeededRandom

    /// - Parameters:
    ///   - hosts: how many relays there are, from 1.
    ///   - pauses: the shortest and the longest pause between faults, in milliseconds.
    ///   - longest: the longest time for which a fault lasts, in milliseconds, from 300.
    init(seed: UInt64, course: Course, hosts: Int, pauses: ClosedRange<Int>, longest: Int) {
        (self.course, self.hosts, self.pauses, self.longest) = (course, hosts, pauses, longest)
        random = SeededRandom(seed: seed)
    }

    /// The next step; nil once all kills are done.
    mutating func next() -> Step? {
        guard let kind = kind() else { return nil }
        return Step(pause: Int.random(in: pauses, using: &random), fault: fault(kind))
    }

    private mutating func kind() -> FaultKind? {
        switch course {
        case .endless(let kinds):
            var place = Int.random(in: 0..<max(kinds.reduce(0) { $0 + $1.weight }, 1), using: &random)
            return kinds.first { kind in
                place -= kind.weight
                return place < 0
            }
        case .kills(let relay, let server):
            guard relay + server > 0 else { return nil }
            if Int.random(in: 0..<(relay + server), using: &random) < relay {
                course = .kills(relay: relay - 1, server: server)
                return .kill
            }
            course = .kills(relay: relay, server: server - 1)
            return FaultKind.server.randomElement(using: &random)
        }
    }

    private mutating func fault(_ kind: FaultKind) -> Fault {
        switch kind {
        case .kill: .kill(target(), down: number(0...min(800, longest)))
        case .freeze: .freeze(target(), time())
        case .stop: .stop(target(), down: number(0...min(800, longest)))
        case .serverFast: .restartServer(.fast)
        case .serverImmediate: .restartServer(.immediate)
        case .serverCrash: .crashServer
        case .sessions: .endSessions(role: ["leader", "work", "read", "stream", "standby", ""][number(0...5)])
        case .databaseNetwork: .databaseNetwork(target(), networkFault(canCopy: false), time())
        case .webhookNetwork: .webhookNetwork(target(), networkFault(canCopy: true), time())
        case .webhook: .receiver(receiverFault(), time())
        case .disk: .fullDisk(time())
        case .clock: .clock(target(), seconds: number(-90_000...90_000))
        case .suspension: .suspend(target(), number(10...min(longest, 4000)), seconds: number(1...90_000))
        }
    }

    /// The leader, more often than not.
    private mutating func target() -> Target {
        random.chance(0.6) ? .leader : .host(number(1...hosts))
    }

    private mutating func networkFault(canCopy: Bool) -> NetworkFault {
        switch number(0...(canCopy ? 5 : 4)) {
        case 0: .cut
        case 1: .cutTowardsServer
        case 2: .cutFromServer
        case 3: .slow(number(5...150))
        case 4: .reset
        default: .copy
        }
    }

    private mutating func receiverFault() -> ReceiverFault {
        switch number(0...3) {
        case 0: .unavailable
        case 1: .hangsUpAfterwards
        case 2: .hangsUpBefore
        default: .slow(number(10...3500))
        }
    }

    private mutating func time() -> Int { number(200...longest) }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
}
