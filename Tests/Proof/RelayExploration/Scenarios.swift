import RelayCore

extension Scenario {
    /// No sweep but where leadership begins and where the core asks for one.
    static let never: Int64 = 1 << 40
    static let two = [SinkRegistration(name: "a"), SinkRegistration(name: "b")]

    /// What `relay-model` explores: each to its end, in a few minutes together.
    package static let all: [Scenario] = polling + streaming + cleaning + switching + sinks + relays + administration

    /// Poll mode.
    package static let polling: [Scenario] = [
        Scenario("poll, three producers") {
            $0.producers = [[], [], []]
            $0.policy.sweepInterval = never
        },
        Scenario("poll, savepoints and a prepared transaction") {
            $0.policy.sweepInterval = never
            $0.producers = [[.usesSavepoint, .drawsTwice], [.prepares]]
        },
        Scenario("poll, a transaction is renamed at PREPARE") { $0.producers = [[.prepares, .isRenamed], []] },
        Scenario("poll, locks and answers in steps of their own") {
            $0.answersApart = true
            $0.locksApart = true
        },
        Scenario("poll, the relay crashes") { $0.relayCrashes = 1 },
        Scenario("poll, the server crashes beside a prepared transaction") {
            $0.policy.sweepInterval = never
            $0.serverCrashes = 1
            $0.producers = [[.prepares], []]
        },
        Scenario("poll, the server crashes and ids are drawn again") {
            $0.serverCrashes = 1
            $0.ids = 2
            $0.transactions = 2
        },
        Scenario("poll, a connection is lost") {
            $0.policy.sweepInterval = never
            $0.connectionLosses = 1
            $0.ids = 2
            $0.lostAnswers = 1
        },
        Scenario("poll, outages") {
            $0.policy.sweepInterval = never
            $0.outages = 1
            $0.lostAnswers = 1
        },
        Scenario("poll, two sinks, one is down") {
            $0.policy.sweepInterval = never
            $0.outages = 1
            $0.sinks = two
            $0.ids = 2
        },
        Scenario("poll, a late row") { $0.producers = [[.keepsID], []] },
        Scenario("poll, ids given by hand") { $0.producers = [[.givesID], []] },
        Scenario("poll, a late row between two sinks that differ") {
            $0.producers = [[.keepsID], []]
            $0.sinks = two
            $0.ids = 2
        },
        Scenario("poll, a row that somebody locks") { $0.operatorLocks = 1 },
        Scenario("poll, a locked row between two sinks that differ") {
            $0.operatorLocks = 1
            $0.sinks = two
            $0.outages = 1
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
        },
        Scenario("poll, statements fail") { $0.workFailures = 1 },
        Scenario("poll, stopped and started again") { $0.mayStop = true },
        Scenario("poll until drained, with a late row") {
            $0.policy.untilDrained = true
            $0.producers = [[.keepsID], []]
            $0.ids = 2
        },
        Scenario("poll, new sinks from the oldest and the latest") {
            $0.sinks = [SinkRegistration(name: "a", start: .oldest), SinkRegistration(name: "b", start: .latest)]
            $0.ids = 2
        },
    ]
}
