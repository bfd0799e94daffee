import Glibc
import RelayTestKit
import Testing

@testable import Ledger

@Suite struct AccountChoiceTests {
    /// Accounts called `USD 0`, `USD 1` and so on.
    private func accounts(_ asset: String, _ count: Int) -> [(asset: String, id: String)] {
        (0..<count).map { (asset, "\(asset) \($0)") }
    }

    /// How often each account of a book was drawn, as payer or payee.
    private func draws(
        _ count: Int, _ choice: AccountChoice, exponent: Double = 1, from book: AccountBook
    ) throws -> [String: Int] {
        var generator = SeededRandom(seed: 12)
        let draw = try #require(AccountDraw(choice, exponent: exponent, from: book))
        var found: [String: Int] = [:]
        for _ in 0..<count {
            let pair = draw.pair(using: &generator)
            #expect(pair.payer != pair.payee && [pair.payer, pair.payee].allSatisfy { $0.hasPrefix(pair.asset) })
            found[pair.payer, default: 0] += 1
            found[pair.payee, default: 0] += 1
        }
        return found
    }

    /// Six standard deviations of a binomial distribution: once in five hundred million.
    private func expect(
        _ count: Int, of draws: Int, tobe probability: Double, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let bound = 6 * (Double(draws) * probability * (1 - probability)).squareRoot()
        #expect(abs(Double(count) - Double(draws) * probability) <= bound, sourceLocation: sourceLocation)
    }

    @Test(arguments: [0, 0.5, 1, 1.2, 3])
    func zipfianPlacesHaveTheirWeights(exponent: Double) {
        let (places, draws) = (50, 200_000)
        let weights = (1...places).map { 1 / pow(Double($0), exponent) }
        let sum = weights.reduce(0, +)
        let sampler = ZipfWeights(count: places, exponent: exponent)
        var generator = SeededRandom(seed: 4)
        var found = [Int](repeating: 0, count: places)
        for _ in 0..<draws { found[sampler.place(using: &generator)] += 1 }
        for (count, weight) in zip(found, weights) { expect(count, of: draws, tobe: weight / sum) }
    }

    /// Of the places that are left each keeps its weight.
    @Test(arguments: [0, 1, 9])
    func theSecondPlaceIsAnother(taken: Int) {
        let (places, draws) = (10, 100_000)
        let weights = (1...places).map { $0 - 1 == taken ? 0 : 1 / pow(Double($0), 1.2) }
        let sum = weights.reduce(0, +)
        let sampler = ZipfWeights(count: places, exponent: 1.2)
        var generator = SeededRandom(seed: 5)
        var found = [Int](repeating: 0, count: places)
        for _ in 0..<draws { found[sampler.place(besides: taken, using: &generator)] += 1 }
        for (count, weight) in zip(found, weights) { expect(count, of: draws, tobe: weight / sum) }
    }

    /// Where all the others weigh less than what a double can hold beside the first.
    @Test func theSecondPlaceIsAnotherAlsoWhereNothingIsLeft() {
        let sampler = ZipfWeights(count: 1000, exponent: 10)
        var generator = SeededRandom(seed: 6)
        for taken in [0, 1, 998, 999] {
            for _ in 0..<1000 {
                let place = sampler.place(besides: taken, using: &generator)
                #expect(place != taken && (0..<1000).contains(place))
            }
        }
    }

    @Test(arguments: AccountChoice.allCases)
    func drawsTwoAccountsOfOneAsset(_ choice: AccountChoice) throws {
        for count in [2, 3, 200] {
            let book = AccountBook(accounts("USD", count) + accounts("EUR", 2) + accounts("JPY", 1))
            let found = try draws(2000, choice, from: book)
            #expect(found.keys.contains { $0.hasPrefix("USD") } && !found.keys.contains { $0.hasPrefix("JPY") })
        }
    }

    @Test func aUniformChoiceLikesAllAlike() throws {
        let found = try draws(100_000, .uniform, from: AccountBook(accounts("USD", 20) + accounts("EUR", 10)))
        #expect(found.count == 30)
        for count in found.values { expect(count, of: 100_000, tobe: 1 / 15) }
    }

    /// Nine transfers in ten have it for sure; of the rest it has the share of any other. It is one, with several assets too.
    @Test func aHotChoiceHasOneAccount() throws {
        let book = AccountBook(accounts("EUR", 10) + accounts("USD", 20))
        let found = try draws(100_000, .hot, from: book)
        expect(found["USD 0"] ?? 0, of: 100_000, tobe: 0.9 + 0.1 / 15)
        expect(found["EUR 0"] ?? 0, of: 100_000, tobe: 0.1 / 15)
    }

    @Test func noPairOfAnEmptyBook() {
        for book in [AccountBook([]), AccountBook(accounts("USD", 1) + accounts("EUR", 1))] {
            #expect(AccountDraw(.uniform, exponent: 1, from: book) == nil)
        }
    }

    @Test func aPathIsPartOfAQuery() {
        #expect(AccountBook.percentEncoded("Assets:A b&ü%\t~") == "Assets%3AA%20b%26%C3%BC%25%09~")
    }
}
