/// The batches that are still needed, and the memory that they take.
///
/// Whoever holds rows counts how many lie in each batch, and says which batches he has let go of. These, and those that
/// are new, are *suspects*: only of them is asked after an input whether anybody needs them.
package struct BatchMemory: Hashable, Sendable {
    private struct Batch: Hashable, Sendable {
        var bytes: Int
        /// Brought by a claim or a read of the tail, for every lane on the tail.
        var isOfTail: Bool
        /// Rows of it wait for their turn, in a lane's queue.
        var isQueued = false
    }

    private var batches: [BatchToken: Batch] = [:]
    /// The memory of them all.
    private(set) var bytes = 0
    /// The memory of what the tail has brought and waits in a queue.
    private(set) var queuedTailBytes = 0
    private var suspects: [BatchToken] = []
    /// The batch of a claim whose gaps are being rechecked.
    private var ofClaim: BatchToken?

    package init() {}

    var count: Int { batches.count }

    func contains(_ token: BatchToken) -> Bool { batches[token] != nil }

    func bytes(of token: BatchToken) -> Int { batches[token]?.bytes ?? 0 }

    func isQueued(_ token: BatchToken) -> Bool { batches[token]?.isQueued == true }

    mutating func add(_ batch: RowBatch, isOfTail: Bool) {
        guard let token = batch.token else { return }
        batches[token] = Batch(bytes: batch.bytes, isOfTail: isOfTail)
        bytes += batch.bytes
        suspects.append(token)
    }

    /// Somebody has nothing of these any more.
    mutating func suspect(_ tokens: [BatchToken]) { suspects += tokens }

    /// The claim whose gaps are being rechecked needs this batch, and no other any more.
    mutating func claimNeeds(_ token: BatchToken?) {
        guard token != ofClaim else { return }
        if let ofClaim { suspects.append(ofClaim) }
        ofClaim = token
    }

    mutating func takeSuspects() -> [BatchToken] {
        guard !suspects.isEmpty else { return [] }
        defer { suspects = [] }
        return suspects
    }

    /// The batch is needed.
    mutating func keep(_ token: BatchToken, isQueued: Bool) {
        guard let batch = batches[token], batch.isQueued != isQueued else { return }
        batches[token]?.isQueued = isQueued
        if batch.isOfTail { queuedTailBytes += isQueued ? batch.bytes : -batch.bytes }
    }

    /// Nobody needs the batch.
    ///
    /// - Returns: whether it was needed until now.
    mutating func letGo(_ token: BatchToken) -> Bool {
        keep(token, isQueued: false)
        guard let batch = batches.removeValue(forKey: token) else { return false }
        bytes -= batch.bytes
        return true
    }
}
