import RelayCore

/// Where a sink's events arrive: one for all relays, like the receiver of a webhook.
///
/// `@unchecked Sendable`: a simulation has one thread.
final class FarSide: @unchecked Sendable {
    enum Mood: Hashable {
        case well, outage, failAfterWrite, holdResponse, respondSlowly
    }

    let name: String
    private let server: SimulatedServer
    var mood = Mood.well { didSet { trace("is \(mood)") } }
    var refusesToOpen = false { didSet { trace(refusesToOpen ? "refuses to open" : "can be opened") } }
    /// Events that it will not accept, until somebody fixes that.
    var rejected: Set<Int64> = []
    /// So many of a thousand events that come while something is wrong are rejected.
    var rejects: UInt64 = 0 { didSet { trace(rejects > 0 ? "rejects events" : "accepts all events") } }

    init(_ name: String, _ server: SimulatedServer) {
        self.name = name
        self.server = server
    }

    /// Takes events in their order.
    ///
    /// - Parameter answer: called for parts of them, in order, until all have an answer or one is not `delivered`; or
    ///   never, where the response is held.
    func take(
        _ events: [SentEvent], from sender: RelayLife,
        answer: (_ count: Int, _ outcome: DeliveryOutcome) async -> Void
    ) async {
        let mood = mood
        if mood == .outage {
            let after: Duration? = server.dice.chance(300) ? .milliseconds(server.dice.number(Int64(1)...500)) : nil
            return await answer(1, .retry(after: after, reason: "down"))
        }
        var taken = 0
        for event in events {
            if mood == .respondSlowly { await server.scheduler.pause(server.dice.number(Int64(10_000)...400_000)) }
            if isRejected(event.row.id) {
                if taken > 0 { await answer(taken, .delivered) }
                server.judge.rejected(event.row, by: name)
                return await answer(1, .rejected(reason: "not this one"))
            }
            server.judge.received(event, by: name, from: sender)
            taken += 1
            if mood == .respondSlowly || server.dice.chance(100) {
                await answer(taken, .delivered)
                taken = 0
            }
        }
        switch mood {
        case .failAfterWrite: await answer(1, .retry(after: nil, reason: "the answer was lost"))
        case .holdResponse: break
        default: if taken > 0 { await answer(taken, .delivered) }
        }
    }

    private func trace(_ text: String) { server.trace("sink \(name): \(text)") }

    private func isRejected(_ id: Int64) -> Bool {
        if rejected.contains(id) { return true }
        guard rejects > 0, server.dice.chance(rejects) else { return false }
        rejected.insert(id)
        return true
    }
}
