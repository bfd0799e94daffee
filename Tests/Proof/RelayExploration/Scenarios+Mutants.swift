import RelayCore

/// Worlds with a rule that is broken on purpose: each must be found.
extension Scenario {
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
        Scenario("mutant: all reads of a lane fail with one") {
            severalReads(&$0)
            $0.mutation = .failsTogether
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
            $0.mutation = .recheckSkipped
            $0.operatorLocks = 1
        },
        Scenario("mutant: a locked row moves") {
            $0.mutation = .lockOverlooked
            $0.operatorLocks = 1
            $0.ids = 2
        },
    ]
}
