/// What a reader got, held against what it should have got.
package struct Audit: Sendable, CustomStringConvertible {
    /// Every id in the order of its first delivery.
    package private(set) var firsts: [Int64] = []
    /// Deliveries beyond the first of their id, in order.
    package private(set) var duplicates: [Int64] = []
    private var seen: Set<Int64> = []

    package init(_ ids: some Sequence<Int64>) {
        for id in ids {
            if seen.insert(id).inserted { firsts.append(id) } else { duplicates.append(id) }
        }
    }

    /// The deliveries of several relays, by the time at which each arrived.
    package init(_ outputs: [RelayOutput]) {
        self.init(outputs.flatMap(\.deliveries).sorted { $0.arrived < $1.arrived }.map(\.id))
    }

    /// What of `expected` never came.
    package func lost(of expected: some Sequence<Int64>) -> [Int64] { expected.filter { !seen.contains($0) } }

    /// What came though nothing of `expected` is it: an event whose transaction did not commit.
    package func phantoms(against expected: some Sequence<Int64>) -> [Int64] {
        let known = Set(expected)
        return firsts.filter { !known.contains($0) }
    }

    /// First deliveries that came after a higher id, those known to be late left out.
    package func outOfOrder(exempt late: Set<Int64> = []) -> [Int64] {
        var highest = Int64.min
        var found: [Int64] = []
        for id in firsts where !late.contains(id) {
            if id < highest { found.append(id) } else { highest = id }
        }
        return found
    }

    /// All of it in one sentence: empty where nothing is wrong.
    /// - Parameter duplicates: how many are allowed.
    package func complaints(
        expected: [Int64], duplicates allowed: Int = 0, late: Set<Int64> = []
    ) -> String {
        var found: [String] = []
        func note(_ ids: [Int64], _ what: String) {
            if !ids.isEmpty {
                found.append("\(ids.count) \(what) (\(ids.prefix(5).map(String.init).joined(separator: ", "))…)")
            }
        }
        note(lost(of: expected), "lost")
        note(phantoms(against: expected), "never committed")
        note(outOfOrder(exempt: late), "out of order")
        if duplicates.count > allowed { note(duplicates, "duplicates where \(allowed) are allowed") }
        return found.joined(separator: "; ")
    }

    package var description: String { "\(firsts.count) events, \(duplicates.count) duplicates" }
}
