/// A place where events go: standard output, a file, a webhook.
///
/// What a sink and the lane that feeds it owe each other:
/// 1. Events come in ascending id within a delivery. With `order: id` there is one delivery at a time, each only after
///    the one before has returned; with `order: key` there are as many as the lane's concurrency, and no key is in
///    two of them; one more may hold late events, or parked ones that are tried again, of any key.
/// 2. The sink answers for the events of a delivery in their order, perhaps in parts: `report(count, outcome)` speaks
///    of the next `count` events that have no answer yet, and is called before `deliver` returns, never after. An outage
///    speaks of all of them, whatever the count.
/// 3. `delivered` means durably so, as far as the sink can know: cursors move over those events.
/// 4. After the first answer that is not `delivered`, and after the last, the sink returns promptly: the lane hears of
///    that answer then. What has no answer counts as not delivered.
/// 5. A failure never throws and never traps: it is an answer. The lane alone decides when to try again.
/// 6. Any event may come again, also one that was delivered (its answer was lost): that must be harmless. Late
///    events, and parked ones that are tried again, come with a lower id than those before.
/// 7. When its task is cancelled, `deliver` returns promptly, having answered for what it knows to be delivered.
/// 8. Nothing blocks the calling thread, which is the relay's loop: a sink that must block does so on a thread of its own.
package protocol Sink: Sendable {
    /// The sink's name, by which its cursor is registered: unique among a relay's sinks.
    var name: String { get }

    /// Makes the sink ready to deliver: takes locks, repairs what a crash left behind. Called when this relay becomes
    /// the leader, and again, after a while, where it threw; nothing is delivered before it has returned. When its task
    /// is cancelled it returns promptly.
    func open(_ outbox: OutboxPosition) async throws(SinkError)

    /// Delivers events, in ascending id.
    ///
    /// - Parameters:
    ///   - delivery: The events, at least one.
    ///   - report: Takes the sink's answers, in the order of the events.
    func deliver(
        _ delivery: Delivery, report: @Sendable (_ count: Int, _ outcome: DeliveryOutcome) -> Void
    ) async

    /// Lets go of what ``open(_:)`` took. Called when this relay no longer leads or ends; `open` may follow.
    func close() async
}

/// What a sink that keeps a trace of its own may compare with it, when it is opened.
package struct OutboxPosition: Sendable, Hashable {
    /// The last id that the outbox's sequence has drawn: an event with a higher one is of another outbox, or of a time
    /// that this database has gone back on.
    package let lastValue: Int64

    package init(lastValue: Int64) {
        self.lastValue = lastValue
    }
}

/// Why a sink could not be opened.
package struct SinkError: Error, Sendable, Hashable {
    /// What is to be done about it.
    package enum Code: Sendable, Hashable {
        /// An outage: it may pass by itself, try again.
        case unavailable
        /// It will not pass before somebody changes the configuration or the sink; it is retried nevertheless.
        case misconfigured
    }

    /// What is to be done about it.
    package let code: Code
    /// One sentence: what is wrong, where, and how to fix it. Holds no secret.
    package let reason: String

    /// Makes an error.
    package init(_ code: Code, reason: String) {
        self.code = code
        self.reason = reason
    }
}
