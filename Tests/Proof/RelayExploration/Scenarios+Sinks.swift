import RelayCore

/// Worlds of sinks that differ, of relays side by side, and of an administrator.
extension Scenario {
    static let byKey = LanePolicy.Order.key(concurrency: 2, batch: 1)
    static let atOnce = RetryPolicy(base: 0, maximum: 0)

    /// Sinks that take several deliveries at once, or reject events.
    package static let sinks: [Scenario] = [
        Scenario("by key, outages") {
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.outages = 1
            $0.lostAnswers = 1
            $0.producers = [[.drawsTwice], []]
            $0.policy.sweepInterval = never
        },
        Scenario("by key, a connection is lost") {
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.connectionLosses = 1
            $0.outages = 1
            $0.producers = [[.drawsTwice]]
            $0.transactions = 2
            $0.policy.sweepInterval = never
        },
        Scenario("by key, the relay crashes") {
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.relayCrashes = 1
            $0.producers = [[.drawsTwice], []]
            $0.policy.sweepInterval = never
        },
        Scenario("by key, the buffer is full") {
            $0.ids = 3
            $0.sinks = two
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.batchBytes = 8
            $0.policy.memory = 32
            $0.producers = [[.drawsTwice]]
            $0.transactions = 2
            $0.policy.sweepInterval = never
        },
        Scenario("by key, a rejected event blocks its key") {
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.rejected = [1]
            $0.producers = [[.drawsTwice], []]
            $0.policy.sweepInterval = never
        },
        Scenario("by key, a late row is rejected") {
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.rejected = [1]
            $0.producers = [[.keepsID], []]
            $0.ids = 2
        },
        Scenario("parked, tried again") {
            $0.lanes = ["a": LanePolicy(onReject: .park, retry: atOnce)]
            $0.keys = 2
            $0.rejected = [1]
            $0.retryRequests = 1
            $0.connectionLosses = 1
            $0.producers = [[.drawsTwice]]
        },
        Scenario("parked by key, tried again") {
            $0.lanes = ["a": LanePolicy(onReject: .parkKey, retry: atOnce)]
            $0.keys = 1
            $0.rejected = [1]
            $0.retryRequests = 2
            $0.producers = [[.drawsTwice]]
            $0.transactions = 2
        },
        Scenario("parked by key, another key is rejected behind it") {
            $0.ids = 4
            $0.lanes = ["a": LanePolicy(onReject: .parkKey, retry: atOnce)]
            $0.keys = 2
            $0.rejected = [1, 4]
            $0.producers = [[.drawsTwice]]
            $0.transactions = 2
        },
        Scenario("parked by key, by key, the relay crashes") {
            $0.lanes = ["a": LanePolicy(order: byKey, onReject: .parkKey, retry: atOnce)]
            $0.keys = 2
            $0.rejected = [1]
            $0.retryRequests = 1
            $0.relayCrashes = 1
            $0.producers = [[.drawsTwice]]
            $0.transactions = 2
        },
        Scenario("parked by key, a connection is lost") {
            $0.lanes = ["a": LanePolicy(onReject: .parkKey, retry: atOnce)]
            $0.keys = 1
            $0.rejected = [1]
            $0.retryRequests = 1
            $0.connectionLosses = 1
            $0.producers = [[.drawsTwice]]
        },
        Scenario("parked, a late row") {
            $0.lanes = ["a": LanePolicy(onReject: .park, retry: atOnce)]
            $0.keys = 1
            $0.rejected = [1]
            $0.retryRequests = 1
            $0.producers = [[.keepsID], []]
            $0.ids = 2
        },
    ]

    /// Two relays: the one that leads is frozen at any step, and the other takes over.
    package static let relays: [Scenario] = [
        Scenario("two relays, poll, the leader is frozen") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
            $0.transactions = 2
            $0.policy.sweepInterval = never
        },
        Scenario("two relays, poll, frozen twice, with savepoints") {
            $0.hasStandby = true
            $0.freezes = 2
            $0.ids = 2
            $0.producers = [[.drawsTwice, .usesSavepoint]]
            $0.policy.sweepInterval = never
        },
        Scenario("two relays, poll, frozen and crashed, a late row") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.relayCrashes = 1
            $0.ids = 2
            $0.producers = [[.keepsID]]
        },
        Scenario("two relays, stream, the leader is frozen") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.ids = 1
            $0.policy.usesStream = true
            $0.producers = [[]]
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
        },
        Scenario("two relays, two sinks at different places") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.ids = 1
            $0.sinks = two
            $0.producers = [[]]
            $0.policy.sweepInterval = never
        },
        Scenario("two relays, by key") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.lanes = ["a": LanePolicy(order: byKey, retry: atOnce)]
            $0.keys = 2
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
        },
        Scenario("two relays, parked by key") {
            $0.hasStandby = true
            $0.freezes = 1
            $0.lanes = ["a": LanePolicy(onReject: .parkKey, retry: atOnce)]
            $0.keys = 1
            $0.rejected = [1]
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
        },
    ]

    /// An administrator at work beside the relay.
    package static let administration: [Scenario] = [
        Scenario("a sink is moved back and forth") {
            $0.requests = [.move(name: "a", to: .beginning), .move(name: "a", to: .latest)]
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
        },
        Scenario("a sink is moved beside another") {
            $0.requests = [.move(name: "a", to: .id(2))]
            $0.sinks = two
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
        },
        Scenario("a sink is added from the beginning, and removed") {
            $0.requests = [.add(name: "b", from: .beginning), .remove(name: "b")]
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
        },
        Scenario("a sink is removed, with a late row") {
            $0.requests = [.remove(name: "b")]
            $0.sinks = two
            $0.ids = 2
            $0.producers = [[.keepsID]]
        },
        Scenario("sinks from the oldest and the latest are added") {
            $0.requests = [.add(name: "b", from: .oldest), .add(name: "c", from: .latest)]
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
        },
        Scenario("a sink is moved back while the relay crashes") {
            $0.requests = [.move(name: "a", to: .beginning)]
            $0.relayCrashes = 1
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
        },
    ]
}
