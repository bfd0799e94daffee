import Libpq
import PostgresOutbox
import Testing

/// The halving rule, without a server: which rows it finds, and whose fault it says it is.
@Suite struct RowNarrowingTests {
    private static let refused = PostgresError(.server, "refused", sqlState: "ZZ001")

    /// A statement that fails where one of the bad rows is among its own.
    private struct Statement {
        var bad: [Int64: PostgresError] = [:]
        /// Rows that it does nothing with, without an error.
        var ignored: Set<Int64> = []
        var attempts = 0

        mutating func run(_ ids: ArraySlice<Int64>) throws -> [Int64] {
            attempts += 1
            for id in ids { if let error = bad[id] { throw error } }
            return ids.filter { !ignored.contains($0) }
        }
    }

    @Test func oneAmongAThousandIsFoundAndTheOthersAreDone() async throws {
        for bad in [Int64(1), 500, 501, 1000] {
            var statement = Statement(bad: [bad: Self.refused])
            let found = try await RowNarrowing(of: Array(1...1000)) { try statement.run($0) }
            #expect(found.failures.map(\.id) == [bad])
            #expect(found.failures.map(\.reason) == ["refused"])
            #expect(found.done.sorted() == (1...1000).filter { $0 != bad })
            #expect(found.skipped.isEmpty && found.untried.isEmpty)
            // The whole twice, then two a level.
            #expect(statement.attempts <= 2 + 2 * 10)
        }
    }

    @Test(arguments: [
        [1, 2], [1, 1000], Array(1...10), Array(400...600), Array(stride(from: 1, through: 999, by: 2)),
    ])
    func severalAreFoundWhereverTheyAre(_ bad: [Int64]) async throws {
        var statement = Statement(bad: Dictionary(uniqueKeysWithValues: bad.map { ($0, Self.refused) }))
        let found = try await RowNarrowing(of: Array(1...1000)) { try statement.run($0) }
        #expect(found.failures.map(\.id).sorted() == bad)
        #expect(found.done.sorted() == (1...1000).filter { !bad.contains($0) })
    }

    @Test func whatPassesOnceMoreIsNobodysFault() async throws {
        var attempts = 0
        let found = try await RowNarrowing(of: [1, 2, 3]) { ids in
            attempts += 1
            if attempts == 1 { throw Self.refused }
            return Array(ids)
        }
        #expect(found.done == [1, 2, 3])
        #expect(attempts == 2)
    }

    @Test func whereAllFailAlikeItIsTheStatementsFault() async throws {
        let full = PostgresError(.server, "no space left on device", sqlState: "53100")
        await #expect(throws: PostgresError.self) {
            _ = try await RowNarrowing(of: Array(1...100)) { _ in throw full }
        }
    }

    @Test func rowsThatFailDifferentlyFailForTheirOwn() async throws {
        var statement = Statement(bad: [1: Self.refused, 2: PostgresError(.server, "too large", sqlState: "54000")])
        let found = try await RowNarrowing(of: [1, 2]) { try statement.run($0) }
        #expect(found.failures.map(\.id) == [1, 2])
    }

    @Test func aRowAloneIsGivenBack() async throws {
        var statement = Statement(bad: [7: Self.refused])
        let found = try await RowNarrowing(of: [7]) { try statement.run($0) }
        #expect(found.failures.map(\.id) == [7])
        #expect(found.done.isEmpty)
    }

    @Test func aRowThatIsSilentlySkippedIsKnown() async throws {
        var statement = Statement(bad: [3: Self.refused], ignored: [5, 9])
        let found = try await RowNarrowing(of: Array(1...10)) { try statement.run($0) }
        #expect(found.skipped.sorted() == [5, 9])
        #expect(found.failures.map(\.id) == [3])
        #expect(found.done.sorted() == [1, 2, 4, 6, 7, 8, 10])
    }

    /// A lock that every part waits for must not be waited for a thousand times.
    @Test func itEndsWhenItHasTakenLongEnough() async throws {
        let locked = PostgresError(.server, "canceling statement due to lock timeout", sqlState: "55P03")
        var attempts = 0
        await #expect(throws: PostgresError.self) {
            _ = try await RowNarrowing(of: Array(1...1000), mayGoOn: { attempts < 5 }) { _ in
                attempts += 1
                throw locked
            }
        }
        #expect(attempts == 5)
        var statement = Statement(bad: [1: Self.refused, 1000: Self.refused])
        var left = 6
        let found = try await RowNarrowing(of: Array(1...1000)) {
            left -= 1
            return left > 0
        } attempt: {
            try statement.run($0)
        }
        #expect((found.done + found.untried + found.failures.map(\.id)).sorted() == Array(1...1000))
        #expect(!found.done.isEmpty && !found.untried.isEmpty)
    }

    @Test func theLossOfTheSessionIsNoRowsFault() async throws {
        let lost = PostgresError(.connection, "the connection was lost", connectionIsLost: true)
        var attempts = 0
        await #expect(throws: PostgresError.self) {
            _ = try await RowNarrowing(of: [1, 2, 3]) { _ in
                attempts += 1
                throw lost
            }
        }
        #expect(attempts == 1)
    }
}
