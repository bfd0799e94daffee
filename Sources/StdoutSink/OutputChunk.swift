import Glibc
import RelayCore

/// Bytes to be written next, in one call.
enum OutputChunk: Sendable {
    /// Some of the lines of a slice: the bytes, counted from where the slice begins.
    struct Part: Sendable {
        let slice: Delivery.Slice
        let bytes: Range<Int>
    }

    /// How many slices go into one call: with a stream of small transactions each holds one event.
    static let mostParts = 64

    /// The end of a torn line that will never be completed.
    case lineEnd
    case lines([Part])

    /// Gives out where the bytes lie, for writev(2).
    func withVectors<R>(_ body: (UnsafeBufferPointer<iovec>) -> R) -> R {
        switch self {
        case .lineEnd:
            let text: StaticString = "\n"
            var end = iovec(
                iov_base: UnsafeMutableRawPointer(mutating: text.utf8Start), iov_len: text.utf8CodeUnitCount)
            return withUnsafePointer(to: &end) { body(UnsafeBufferPointer(start: $0, count: 1)) }
        case .lines(let parts):
            return withUnsafeTemporaryAllocation(of: iovec.self, capacity: parts.count) { vectors in
                Self.gather(parts[...], into: vectors, body)
            }
        }
    }

    /// One call inside the other, so that all the bytes stand still until the innermost is over.
    private static func gather<R>(
        _ parts: ArraySlice<Part>, into vectors: UnsafeMutableBufferPointer<iovec>,
        _ body: (UnsafeBufferPointer<iovec>) -> R
    ) -> R {
        guard let part = parts.first else { return body(UnsafeBufferPointer(vectors)) }
        return part.slice.batch.withLines(part.slice.range) { lines in
            let bytes = UnsafeRawBufferPointer(rebasing: lines[part.bytes])
            vectors.initializeElement(
                at: parts.startIndex,
                to: iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count))
            return gather(parts.dropFirst(), into: vectors, body)
        }
    }
}
