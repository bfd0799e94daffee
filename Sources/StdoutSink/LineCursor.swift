import RelayCore

/// How the output ends at the moment, as far as this sink knows.
enum OutputTail: Sendable, Hashable {
    /// With a line end, or it is empty.
    case lineStart
    /// In the middle of a line of ours: `written` bytes of it are there, of which `digest` is the hash.
    case torn(written: Int, digest: Int)
    /// In the middle of a line that an earlier process left.
    case foreign
}

/// The way through the lines of a delivery: what is to be written next, and which events are whole.
///
/// A line that was torn the last time is gone on with where it broke off if the delivery begins with the very same
/// line; else it gets its line end, and is for its readers a last line without an end, which counts for nothing.
struct LineCursor {
    private let slices: [Delivery.Slice]
    private let before: OutputTail
    private var owesLineEnd = false
    private var slice = 0
    /// Bytes of the slice that are written.
    private var offset = 0
    /// The first event of the slice that is not wholly written.
    private var event = 0

    init(_ delivery: Delivery, after tail: OutputTail) {
        slices = delivery.slices.filter { !$0.range.isEmpty }
        before = tail
        event = slices.first?.range.lowerBound ?? 0
        switch tail {
        case .lineStart: break
        case .foreign: owesLineEnd = true
        case .torn(let written, let digest):
            if goesOn(written: written, digest: digest) {
                offset = written
            } else {
                owesLineEnd = true
            }
        }
    }

    /// What to write next, at most `limit` bytes of it; `nil` when all is written.
    func next(limit: Int) -> OutputChunk? {
        guard slice < slices.count else { return nil }
        if owesLineEnd { return .lineEnd }
        var parts: [OutputChunk.Part] = []
        var room = limit
        var start = offset
        for current in slices[slice...].prefix(OutputChunk.mostParts) where room > 0 {
            let end = min(current.batch.lineBytes(current.range).count, start + room)
            parts.append(OutputChunk.Part(slice: current, bytes: start..<end))
            room -= end - start
            start = 0
        }
        return .lines(parts)
    }

    /// Notes that `count` bytes of what came next are written.
    ///
    /// - Returns: How many more events are whole.
    mutating func advance(_ count: Int) -> Int {
        if owesLineEnd {
            owesLineEnd = count == 0
            return 0
        }
        var left = count
        var completed = 0
        while left > 0, slice < slices.count {
            let current = slices[slice]
            let lines = current.batch.lineBytes(current.range)
            let written = min(left, lines.count - offset)
            offset += written
            left -= written
            while event < current.range.upperBound,
                current.batch.lineRange(event).upperBound - lines.lowerBound <= offset
            {
                event += 1
                completed += 1
            }
            guard offset == lines.count else { break }
            slice += 1
            offset = 0
            event = slice < slices.count ? slices[slice].range.lowerBound : 0
        }
        return completed
    }

    /// How the output ends now.
    var tail: OutputTail {
        if owesLineEnd || slices.isEmpty { return before }
        guard slice < slices.count else { return .lineStart }
        let current = slices[slice]
        let start = current.batch.lineRange(event).lowerBound - current.batch.lineBytes(current.range).lowerBound
        let written = offset - start
        return written == 0 ? .lineStart : .torn(written: written, digest: digest(current, event, written))
    }

    private func goesOn(written: Int, digest: Int) -> Bool {
        guard let first = slices.first, first.batch.lineRange(first.range.lowerBound).count > written else {
            return false
        }
        return self.digest(first, first.range.lowerBound, written) == digest
    }

    private func digest(_ slice: Delivery.Slice, _ event: Int, _ written: Int) -> Int {
        slice.batch.withLines(event..<event + 1) { line in
            var hasher = Hasher()
            hasher.combine(bytes: UnsafeRawBufferPointer(rebasing: line.prefix(written)))
            return hasher.finalize()
        }
    }
}
