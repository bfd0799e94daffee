import RelayTestKit

/// What a process may have repeated, and why.
struct RunHistory: Sendable {
    /// How often it began to lead: each time it begins where its predecessor had settled.
    var tenures = 0
    /// How often of these another may have led since it did itself: then it forgets what it delivered and had not
    /// settled (decision 6).
    var successions = 0
    /// How often it was frozen or cut off from its database: what it had in flight then comes beside its successor's.
    var interruptions = 0
    /// How often its way to the webhooks was disturbed.
    var disturbances = 0
}

/// What came to one webhook, judged.
struct HookAudit: Sendable {
    /// In the order in which each first came.
    private(set) var firsts: [HookEvent] = []
    /// Events that came once more from another process than the first time.
    private(set) var takenOver = 0
    /// Events that came once more from the same process.
    private(set) var ownRepeats = 0
    /// Events that a process sent once more because the receiver had not answered it.
    private(set) var retried = 0
    /// The most that one process repeated of what others had delivered, and how often it began to lead.
    private(set) var worst = (repeats: 0, tenures: 0)
    /// Events of requests that the network delivered a second time.
    private(set) var copies = 0
    /// What is wrong with it; empty where nothing is.
    private(set) var complaints: [String] = []

    /// - Parameters:
    ///   - isKeyed: whether the order holds only among events of one key.
    ///   - inFlight: events that may be under way at once: requests times events of each.
    ///   - window: what a relay is told that it may hand out and not have settled.
    init(
        _ deliveries: [HookDelivery], isKeyed: Bool, inFlight: Int, window: Int, runs: [Int: RunHistory]
    ) {
        /// Which process delivered it first.
        var seen: [Int64: Int] = [:]
        var repeats: [Int: (others: Int, own: Int)] = [:]
        /// What each process sent and got no answer to: it must send that again.
        var unanswered: [Int: Set<Int64>] = [:]
        for delivery in deliveries {
            if delivery.isCopy {
                copies += delivery.events.count
                // What comes for the first time now was taken away from its place before.
                note(delivery.events.filter { seen[$0.id] == nil }.map(\.id), "came first as a copy")
                continue
            }
            for event in delivery.events {
                if seen[event.id] == nil {
                    seen[event.id] = delivery.run
                    firsts.append(event)
                } else if unanswered[delivery.run]?.contains(event.id) == true {
                    retried += 1
                } else if seen[event.id] == delivery.run {
                    repeats[delivery.run, default: (0, 0)].own += 1
                } else {
                    repeats[delivery.run, default: (0, 0)].others += 1
                }
            }
            let ids = delivery.events.map(\.id)
            if delivery.isAnswered {
                unanswered[delivery.run]?.subtract(ids)
            } else {
                unanswered[delivery.run, default: []].formUnion(ids)
            }
        }
        judgeOrder(isKeyed: isKeyed)
        for (run, count) in repeats.sorted(by: { $0.key < $1.key }) {
            // What it could not know of: requests whose answers went astray.
            let history = runs[run] ?? RunHistory()
            judgeRepeats(of: run, count.others, count.own, history, window, unknown: inFlight * history.disturbances)
        }
    }

    private mutating func judgeRepeats(
        of run: Int, _ others: Int, _ own: Int, _ history: RunHistory, _ window: Int, unknown: Int
    ) {
        takenOver += others
        ownRepeats += own
        if others > worst.repeats { worst = (others, history.tenures) }
        let reasons =
            "(window \(window), \(history.tenures) tenures, \(history.successions) of them after another's, "
            + "\(history.interruptions) interruptions, \(unknown) events whose answers may be astray)"
        let allowed = window * (history.tenures + history.interruptions) + unknown
        if others + own > allowed {
            complaints.append("process \(run) repeated \(others + own) events where \(allowed) are allowed \(reasons)")
        }
        let allowedOwn = window * history.successions + unknown
        if own > allowedOwn {
            complaints.append(
                "process \(run) repeated \(own) events of its own where \(allowedOwn) are allowed \(reasons)")
        }
    }

    /// What of these never came, and what came that is none of them.
    func complaints(against expected: [Int64]) -> [String] {
        let audit = Audit(firsts.map(\.id))
        return complaints
            + [("lost", audit.lost(of: expected)), ("never committed", audit.phantoms(against: expected))]
            .compactMap { Self.sentence($1, $0) }
    }

    private mutating func judgeOrder(isKeyed: Bool) {
        var highest: [String: Int64] = [:]
        var found: [Int64] = []
        for event in firsts {
            let key = isKeyed ? event.key : ""
            if let last = highest[key], event.id < last { found.append(event.id) } else { highest[key] = event.id }
        }
        note(found, "out of order")
    }

    private mutating func note(_ ids: [Int64], _ what: String) {
        if let sentence = Self.sentence(ids, what) { complaints.append(sentence) }
    }

    /// How many, and the first of them; nil where there are none.
    static func sentence(_ ids: [Int64], _ what: String) -> String? {
        guard !ids.isEmpty else { return nil }
        let shown = ids.prefix(8).map(String.init).joined(separator: ", ")
        return "\(ids.count) \(what): \(shown)\(ids.count > 8 ? ", …" : "")"
    }
}
