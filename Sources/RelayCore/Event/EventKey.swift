/// An ordering key (`aggregate_id`) as the deciding part knows it: a 64-bit hash, good within one process.
///
/// Two keys that share a hash are ordered as if they were one, and parked as if they were one: nothing is lost by it.
/// The hash is seeded, so that no producer can choose such keys.
package struct EventKey: Hashable, Sendable {
    package var hash: UInt64

    package init(hash: UInt64) {
        self.hash = hash
    }

    /// The key of these UTF-8 bytes.
    package init(_ text: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.combine(bytes: text)
        hash = UInt64(bitPattern: Int64(hasher.finalize()))
    }

    package init(_ text: String) {
        var text = text
        self = text.withUTF8 { EventKey(UnsafeRawBufferPointer($0)) }
    }
}

extension EventBatch {
    /// The ordering key of each event, in the order of ``ids``.
    package var keys: [EventKey] { (0..<count).map { withKey($0) { EventKey($0) } } }
}
