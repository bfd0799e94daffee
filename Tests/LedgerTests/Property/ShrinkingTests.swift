import RelayTestKit
import Testing

/// The shrinking alone, by faults that are planted in sequences: no database is asked.
@Suite struct ShrinkingTests {
    /// Shrinks the first sequence in which `fails` finds a fault, and gives it with what is left of it.
    private func shrunk(
        _ fails: ([LedgerStep]) -> Bool
    ) async throws -> (before: [LedgerStep], after: [LedgerStep]) {
        let seeds = UInt64(1)...10_000
        let sequences = seeds.lazy.map(SequenceGenerator.sequence(seed:))
        let before = try #require(sequences.first { $0.count > 12 && fails($0) })
        return (before, try await Shrinking.shrink(before) { fails($0) })
    }

    /// What is left is enough, no step of it can go, and the steps are in their order.
    @Test func keepsTheStepsThatItTakes() async throws {
        let (before, after) = try await shrunk { steps in
            steps.contains { step in
                guard case .hold = step.action else { return false }
                return steps.contains { $0.action == .release(hold: step.label) }
            } && steps.contains { $0.action.kind?.mayGoNegative == false }
        }
        #expect(after.count == 3)
        #expect(after.map(\.label) == before.map(\.label).filter { label in after.contains { $0.label == label } })
        #expect(after.compactMap(\.action.kind).map(\.isDebit) == [true])
    }

    /// The least amount that fails, found from a large one.
    @Test func findsTheSmallestAmount() async throws {
        let (_, after) = try await shrunk { steps in
            steps.contains { step in
                guard case .post(let request) = step.action else { return false }
                return request.legs.contains { $0.amount >= 37 } && request.legs.reduce(0) { $0 &+ $1.amount } == 0
            }
        }
        #expect(after.count == 1)
        let request = try #require(after.first?.action.request)
        #expect(request.externalID == nil)
        #expect(request.legs.map(\.amount).sorted() == [-37, 37])
        #expect(Set(request.legs.map(\.account)).count == 1)
    }

    /// Two steps that only fail together, however far apart.
    @Test func keepsBothOfAPair() async throws {
        let (before, after) = try await shrunk { steps in
            guard let first = steps.first(where: { $0.label == 1 }), let last = steps.last else { return false }
            return first.label == 1 && last.label == 12
        }
        #expect(after.map(\.label) == [1, 12])
        #expect(before.count > after.count)
    }

    @Test func leavesNothingOfWhatAlwaysFails() async throws {
        let (_, after) = try await shrunk { _ in true }
        #expect(after.isEmpty)
    }

    /// Every simpler form is simpler: the search comes to an end from anywhere, whichever way it takes.
    @Test func comesToAnEnd() throws {
        for seed in UInt64(1)...100 {
            var random = SeededRandom(seed: seed)
            let steps = SequenceGenerator.sequence(seed: seed)
            for var step in steps {
                var forms = 0
                while let simpler = step.simpler(among: steps.map(\.label)).randomElement(using: &random) {
                    step = simpler
                    forms += 1
                    try #require(forms < 2000, "seed \(seed): \(step)")
                }
            }
        }
    }
}
