import RelayCore

/// Worlds with a stream, with rows that are deleted, and with relays of both modes.
extension Scenario {
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
            // A second producer makes more states than can be walked through.
            $0.producers = [[.drawsTwice, .withdraws]]
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
            $0.ids = 2
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
            $0.producers = [[.drawsTwice]]
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
        Scenario("poll, one of a lane's reads fails", severalReads),
        Scenario("poll, a mark is undone") {
            $0.undoneMarks = 1
            $0.ids = 2
        },
    ]

    /// A lane has read after read under way, and one of them may fail.
    static func severalReads(_ world: inout Scenario) {
        world.producers = [[.drawsTwice]]
        world.undoneMarks = 2
        world.outages = 1
        world.workFailures = 1
        world.answersApart = true
        world.policy.batchSize = 1
        world.ids = 2
    }

    /// Relays of both modes, one after the other and side by side.
    package static let switching: [Scenario] = [
        Scenario("a relay that polled crashes, and streams when it comes again") {
            $0.switchesMode = true
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
            $0.ids = 2
            $0.relayCrashes = 1
        },
        Scenario("a relay that streamed crashes, and polls when it comes again") {
            $0.switchesMode = true
            $0.policy.usesStream = true
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
            $0.ids = 2
            $0.relayCrashes = 1
        },
        Scenario("two relays, one polls and one streams, the leader is frozen") {
            $0.switchesMode = true
            $0.hasStandby = true
            $0.freezes = 1
            $0.policy.sweepInterval = never
            $0.policy.netInterval = never
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
}
