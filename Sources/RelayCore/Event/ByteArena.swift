import Glibc

/// Bytes on the heap that grow by `realloc`, which on Linux moves large blocks by page tables and not by copying: a
/// payload of 100 MB is never there twice.
///
/// `@unchecked Sendable`: it is written only by the builder that holds the sole reference to it, and by nobody once it
/// belongs to a batch.
final class ByteArena: @unchecked Sendable {
    /// Where the bytes begin; `nil` until something was reserved.
    private(set) var base: UnsafeMutableRawPointer?
    /// How many bytes are written.
    private(set) var count = 0
    private var capacity = 0

    deinit {
        free(base)
    }

    /// Makes room for `additional` bytes behind those written and says where it begins; `nil` if memory is out.
    ///
    /// A small need grows the block by half, so that growing stays cheap; a need that is larger than that gets exactly
    /// what it asks for.
    func reserve(_ additional: Int) -> UnsafeMutableRawPointer? {
        if let base, capacity - count >= additional {
            return base + count
        }
        let wanted = max(count + additional, capacity + capacity / 2, 1)
        guard let grown = realloc(base, wanted) else { return nil }
        base = grown
        capacity = wanted
        return grown + count
    }

    /// Counts bytes as written that were put where ``reserve(_:)`` said.
    func commit(_ additional: Int) {
        assert(count + additional <= capacity)
        count += additional
    }

    /// Copies bytes behind those written; there must be room for them.
    func append(_ bytes: UnsafeRawBufferPointer) {
        guard let base, let source = bytes.baseAddress else { return }
        assert(count + bytes.count <= capacity)
        memcpy(base + count, source, bytes.count)
        count += bytes.count
    }

    /// Gives back what was reserved and not written.
    func trim() {
        guard capacity > count, let smaller = realloc(base, max(count, 1)) else { return }
        base = smaller
        capacity = max(count, 1)
    }

    /// An arena of its own with the same bytes; `nil` if memory is out.
    func copy() -> ByteArena? {
        let twin = ByteArena()
        guard twin.reserve(count) != nil else { return nil }
        twin.append(bytes(0..<count))
        return twin
    }

    /// The written bytes at `range`, valid while the arena lives and is not written to.
    func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}
