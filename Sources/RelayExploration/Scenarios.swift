import RelayCore

extension Scenario {
    /// No sweep but where leadership begins and where the core asks for one.
    private static let never: Int64 = 1 << 40
    private static let two = [SinkRegistration(name: "a"), SinkRegistration(name: "b")]

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

    /// The stream rings, and the table is read.
    package static let streaming: [Scenario] = [
        Scenario("stream, two producers") {
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.answersApart = true
            $0.ids = 2
        },
        Scenario("stream, rows that their own transaction withdraws") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.producers = [[.drawsTwice, .withdraws], []]
        },
        Scenario("stream, nothing but the bell") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.answersApart = true
        },
        Scenario("stream, it is lost") {
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.streamLosses = 1
            $0.ids = 2
        },
        Scenario("stream, no room for announcements") {
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.policy.announcements = 0
            $0.answersApart = true
            $0.ids = 2
        },
        Scenario("stream, portions of one row") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.policy.batchSize = 1
            $0.policy.announcements = 1
        },
        Scenario("stream, no room for rows") {
            $0.policy.usesStream = true
            $0.batchBytes = 8
            $0.policy.memory = 16
            $0.ids = 2
        },
        Scenario("stream, a late row") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.ids = 2
            $0.producers = [[.keepsID], []]
        },
        Scenario("stream, a mark is undone") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.undoneMarks = 1
            $0.ids = 2
        },
        Scenario("stream, rows are cleaned up") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.cleanUps = 2
            $0.ids = 3
            $0.producers = [[.drawsTwice], []]
        },
        Scenario("stream, the relay crashes") {
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
            $0.policy.usesStream = true
            $0.ids = 2
            $0.relayCrashes = 1
        },
        Scenario("stream, the server crashes") {
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
            $0.policy.usesStream = true
            $0.ids = 2
            $0.serverCrashes = 1
        },
        Scenario("stream, the sessions are lost") {
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
            $0.policy.usesStream = true
            $0.ids = 2
            $0.connectionLosses = 1
        },
        Scenario("stream, reads and settlements fail") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.ids = 2
            $0.workFailures = 1
        },
        Scenario("stream, a row that somebody locks") {
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.ids = 2
            $0.operatorLocks = 1
        },
        Scenario("stream, two sinks, one is down") {
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
            $0.policy.usesStream = true
            $0.ids = 2
            $0.sinks = two
            $0.outages = 1
            $0.producers = [[.drawsTwice]]
        },
    ]

    /// Rows that somebody deletes, whatever the relay has done with them.
    package static let cleaning: [Scenario] = [
        Scenario("poll, rows are cleaned up") {
            $0.cleanUps = 2
            $0.policy.sweepInterval = never
        },
        Scenario("poll, rows are cleaned up between two sinks that differ") {
            $0.cleanUps = 1
            $0.outages = 1
            $0.sinks = two
            $0.ids = 2
            $0.policy.sweepInterval = never
            $0.producers = [[.drawsTwice]]
        },
        Scenario("poll, an owed row is cleaned up") {
            $0.cleanUps = 1
            $0.producers = [[.keepsID], []]
            $0.ids = 2
        },
        Scenario("poll, rows are cleaned up and a connection is lost") {
            $0.cleanUps = 1
            $0.connectionLosses = 1
            $0.ids = 2
            $0.policy.sweepInterval = never
        },
        Scenario("poll, a mark is undone") {
            $0.undoneMarks = 1
            $0.ids = 2
        },
    ]

    /// Relays of both modes, one after the other and side by side.
    package static let switching: [Scenario] = [
        Scenario("a relay that polled crashes, and streams when it comes again") {
            $0.switchesMode = true
            $0.policy.sweepInterval = never
            $0.ids = 2
            $0.relayCrashes = 1
        },
        Scenario("a relay that streamed crashes, and polls when it comes again") {
            $0.switchesMode = true
            $0.policy.usesStream = true
            $0.policy.sweepInterval = never
            $0.ids = 2
            $0.relayCrashes = 1
        },
        Scenario("two relays, one polls and one streams, the leader is frozen") {
            $0.switchesMode = true
            $0.hasStandby = true
            $0.freezes = 1
            $0.policy.sweepInterval = never
            $0.ids = 2
            $0.producers = [[.drawsTwice]]
        },
        Scenario("a late row across a change of modes") {
            $0.switchesMode = true
            $0.policy.usesStream = true
            $0.ids = 2
            $0.relayCrashes = 1
            $0.producers = [[.keepsID]]
            $0.transactions = 2
        },
    ]

    private static let byKey = LanePolicy.Order.key(concurrency: 2, batch: 1)
    private static let atOnce = RetryPolicy(base: 0, maximum: 0)

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
            $0.ids = 2
            $0.policy.usesStream = true
            $0.producers = [[.drawsTwice]]
            $0.policy.sweepInterval = never
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

    /// Each breaks one clause of the design, and its exploration must find that.
    package static let mutants: [Scenario] = [
        Scenario("mutant: floor from this scan's last value") {
            $0.rules.floorIsPreviousScan = false
            $0.ids = 2
            $0.transactions = 2
        },
        Scenario("mutant: horizon kept over a restart") {
            $0.rules.horizonEndsWithSession = false
            $0.serverCrashes = 1
            $0.ids = 2
            $0.transactions = 2
        },
        Scenario("mutant: absent by a horizon learnt after the rows were read") {
            $0.rules.absenceNeedsEarlierHorizon = false
            $0.outages = 1
            $0.ids = 2
            $0.answersApart = true
        },
        Scenario("mutant: holders listed before the last value") {
            $0.mutation = .holdersFirst
        },
        Scenario("mutant: prepared transactions overlooked") {
            $0.mutation = .preparedOverlooked
            $0.producers = [[.prepares], []]
        },
        Scenario("mutant: a settlement waits for a row that is gone") {
            $0.mutation = .goneWaitedFor
            $0.cleanUps = 1
            $0.policy.window = 1
            $0.ids = 2
        },
        Scenario("mutant: the entry of a row that is gone stays") {
            $0.mutation = .goneStaysOwed
            $0.producers = [[.keepsID], []]
            $0.sinks = two
            $0.outages = 1
            $0.cleanUps = 1
            $0.ids = 2
        },
        Scenario("mutant: transactions are asked about after the rows were looked for") {
            $0.mutation = .askedTooLate
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.answersApart = true
            $0.ids = 2
        },
        Scenario("mutant: nobody looks for what was flushed before the slot stood") {
            $0.rules.standingIsUnheard = false
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.ids = 2
        },
        Scenario("mutant: nobody looks on where an announcement found no room") {
            $0.rules.overflowIsUnheard = false
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.policy.announcements = 0
            $0.ids = 2
        },
        Scenario("mutant: what a full portion does not hold is absent") {
            $0.rules.absenceNeedsCover = false
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.policy.batchSize = 1
            $0.answersApart = true
        },
        Scenario("mutant: what is missing is asked for once") {
            $0.rules.missingIsAskedAgain = false
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.answersApart = true
            $0.ids = 2
        },
        Scenario("mutant: what rings below the tail is forgotten") {
            $0.rules.passedAsksSweep = false
            $0.beginsWithSlot = true
            $0.policy.usesStream = true
            $0.policy.netInterval = never
            $0.policy.sweepInterval = never
            $0.ids = 2
            $0.producers = [[.keepsID], []]
        },
        Scenario("mutant: ranges not written") {
            $0.mutation = .rangesUnwritten
            $0.sinks = two
            $0.producers = [[.keepsID], []]
            $0.ids = 2
        },
        Scenario("mutant: passed ids not looked at") {
            $0.mutation = .passedUnseen
            $0.sinks = two
            $0.producers = [[.keepsID], []]
            $0.ids = 2
        },
        Scenario("mutant: parked events not written") {
            $0.mutation = .parkedUnwritten
            $0.lanes = ["a": LanePolicy(onReject: .park, retry: atOnce)]
            $0.rejected = [1]
            $0.ids = 2
        },
        Scenario("mutant: gaps closed without a look") {
            $0.mutation = .lookSkipped
            $0.operatorLocks = 1
        },
        Scenario("mutant: a locked row moves") {
            $0.mutation = .lockOverlooked
            $0.operatorLocks = 1
            $0.ids = 2
        },
    ]
}
