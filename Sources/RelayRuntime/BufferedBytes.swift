import Synchronization

/// How many bytes of events a relay holds in memory, for whoever looks from outside and must not wait.
package final class BufferedBytes: Sendable {
    private let count = Atomic<Int>(0)

    package init() {}

    package var bytes: Int64 { Int64(count.load(ordering: .relaxed)) }

    func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }
    func set(_ bytes: Int) { count.store(bytes, ordering: .relaxed) }
}
