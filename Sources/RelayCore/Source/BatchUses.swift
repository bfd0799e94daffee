/// In which batches the rows of a queue, or of what is in flight, lie: so that nobody need walk the rows to tell.
///
/// There are as many rows as memory allows; what is done after every input may not be as much.
struct BatchUses: Hashable, Sendable {
    private var counts: [BatchToken: Int] = [:]
    private var left: [BatchToken] = []

    /// The batches, each once.
    var tokens: some Sequence<BatchToken> { counts.keys }

    func contains(_ token: BatchToken) -> Bool { counts[token] != nil }

    mutating func add(_ token: BatchToken?) {
        if let token { counts[token, default: 0] += 1 }
    }

    mutating func remove(_ token: BatchToken?) {
        guard let token, let count = counts[token] else { return }
        counts[token] = count > 1 ? count - 1 : nil
        if count == 1 { left.append(token) }
    }

    mutating func removeAll() {
        left += counts.keys
        counts = [:]
    }

    /// The batches that have left the queue since this was last asked.
    mutating func takeLeft() -> [BatchToken] {
        guard !left.isEmpty else { return [] }
        defer { left = [] }
        return left
    }
}
