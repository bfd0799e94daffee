import Foundation
import RelayTestKit
import Testing

/// Random sequences of steps, each compared with the model. `PROP_SEQUENCES` says how many, 200 unless it is set, and
/// `PROP_SEED` the first seed.
@Suite struct PropertyTests {
    private static func number(_ name: String, default number: UInt64) throws -> UInt64 {
        guard let text = ProcessInfo.processInfo.environment[name] else { return number }
        guard let number = UInt64(text), number < 1 << 60 else {
            throw KitFailure("\(name) is a whole number, not \(text)")
        }
        return number
    }

    @Test func everySequenceDoesWhatTheModelSays() async throws {
        let first = try Self.number("PROP_SEED", default: 1)
        let seeds = first..<(first + (try Self.number("PROP_SEQUENCES", default: 200)))
        try await Turn.heavy.take {
            let search = try await SequenceSearch()
            if let failure = try await search.failure(in: seeds) { Issue.record("\(failure)") }
            #expect(try await search.database.query(LedgerCall.reconcile) == [], "seeds \(seeds)")
        }
    }

    /// Without a database: what sequences are made of.
    @Test func sequencesReachEveryOutcome() {
        var refusals: Set<Refusal> = []
        var kinds: Set<ReferenceLedger.Kind> = []
        var repeated = 0
        for seed in UInt64(1)...200 {
            var model = ReferenceLedger()
            let steps = SequenceGenerator.sequence(seed: seed)
            #expect(SequenceGenerator.lengths.contains(steps.count))
            for step in steps {
                do throws(Refusal) {
                    if case .repeated = try model.apply(step) { repeated += 1 }
                } catch {
                    refusals.insert(error)
                }
            }
            kinds.formUnion(model.transfers.map(\.kind))
        }
        let all: Set<Refusal> = [
            .badLegs, .unbalanced, .beyondHold, .unknownAccount, .assetMismatch, .negative, .outOfRange,
            .externalIDUsed, .alreadyReversed, .unknownTransfer, .nothingSettled, .notAHold, .nothingHeld,
        ]
        #expect(refusals == all, "not reached: \(all.subtracting(refusals))")
        #expect(kinds == Set(ReferenceLedger.Kind.allCases))
        #expect(repeated > 20)
    }

    @Test func aSeedGivesTheSameSequence() {
        #expect(SequenceGenerator.sequence(seed: 7) == SequenceGenerator.sequence(seed: 7))
        #expect(SequenceGenerator.sequence(seed: 7) != SequenceGenerator.sequence(seed: 8))
    }

    /// A model that is wrong on purpose, and how many steps show it.
    static let flaws: [(ReferenceLedger.Flaw, steps: ClosedRange<Int>)] = [
        // An account that may not go negative holds more than it has.
        (.holdsCanBeSpent, 2...2),
        // An account, and the same request twice.
        (.externalIDsAreForgotten, 3...3),
        // An account, a transfer, and two reversals of it; or a hold and its settlement, and two reversals of that.
        (.reversedAsOftenAsAsked, 4...5),
        // An account, a hold, and a settlement of more.
        (.settlesBeyondTheHold, 3...3),
        // An account, a hold, and two ends of it.
        (.releasesWhatIsGone, 4...4),
    ]

    /// What a wrong model foresees is found not to be so, and told in as few steps as it takes.
    @Test(arguments: flaws) func aWrongModelIsFoundAndToldInFewSteps(
        _ flaw: ReferenceLedger.Flaw, _ steps: ClosedRange<Int>
    ) async throws {
        try await Turn.heavy.take {
            let search = try await SequenceSearch()
            let failure = try #require(try await search.failure(in: 1..<201, flaw: flaw))
            #expect(steps.contains(failure.steps.count), "\(failure)")
            let amounts = failure.steps.compactMap(\.action.request).flatMap(\.legs).map(\.amount.magnitude)
            #expect(amounts.allSatisfy { $0 <= 2 }, "\(failure)")
            #expect("\(failure)".contains("seed \(failure.seed): ") && "\(failure)".contains("\(failure.steps[0])"))
        }
    }

    @Test func everyFlawIsTried() {
        #expect(Self.flaws.map(\.0) == ReferenceLedger.Flaw.allCases)
    }
}
