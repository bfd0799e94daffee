import NIOCore
import RelayCore

/// Consecutive events of a delivery, found by their place in it.
struct EventRuns: Sendable {
    private let slices: [Delivery.Slice]
    /// The place in the delivery of each slice's first event.
    private let starts: [Int]

    init(_ delivery: Delivery) {
        slices = delivery.slices
        var starts: [Int] = []
        var count = 0
        for slice in slices {
            starts.append(count)
            count += slice.range.count
        }
        self.starts = starts
    }

    /// Bytes of an event's JSON line, its end included.
    func width(_ place: Int) -> Int {
        let (batch, index) = find(place)
        return batch.lineRange(index).count
    }

    /// The events at `places`, which lie within the delivery.
    subscript(places: Range<Int>) -> EventRun {
        var pieces: [Delivery.Slice] = []
        var slice = sliceIndex(places.lowerBound)
        while slice < slices.count, starts[slice] < places.upperBound {
            let whole = slices[slice]
            let from = whole.range.lowerBound + max(0, places.lowerBound - starts[slice])
            let to = whole.range.lowerBound + min(whole.range.count, places.upperBound - starts[slice])
            if from < to { pieces.append(Delivery.Slice(batch: whole.batch, range: from..<to)) }
            slice += 1
        }
        return EventRun(pieces: pieces)
    }

    private func find(_ place: Int) -> (EventBatch, Int) {
        let slice = sliceIndex(place)
        return (slices[slice].batch, slices[slice].range.lowerBound + place - starts[slice])
    }

    /// The slice that holds a place: the last that begins at or before it.
    private func sliceIndex(_ place: Int) -> Int {
        var (low, high) = (0, starts.count)
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= place { low = middle } else { high = middle }
        }
        return low
    }
}

/// The events of one request: at least one.
struct EventRun: Sendable {
    let pieces: [Delivery.Slice]

    var first: (batch: EventBatch, index: Int) { (pieces[0].batch, pieces[0].range.lowerBound) }
    var firstID: Int64 { first.batch.ids[first.index] }
    var lastID: Int64 {
        let last = pieces[pieces.count - 1]
        return last.batch.ids[last.range.upperBound - 1]
    }

    /// Bytes of their lines, ends included.
    var byteCount: Int { pieces.reduce(0) { $0 + $1.batch.lineBytes($1.range).count } }

    /// The JSON of the first event.
    func single() -> ByteBuffer {
        let (batch, index) = first
        return batch.withLines(index..<index + 1) { line in
            // Without the line end, which belongs to files.
            ByteBuffer(bytes: line.dropLast())
        }
    }

    /// The payload of the first event.
    func payload() -> ByteBuffer {
        let (batch, index) = first
        return batch.withPayload(index) { ByteBuffer(bytes: $0) }
    }

    /// A JSON array of all events: their lines, whose ends become what is between the elements.
    func array() -> ByteBuffer {
        var buffer = ByteBufferAllocator().buffer(capacity: byteCount + 1)
        buffer.writeInteger(UInt8(ascii: "["))
        for piece in pieces {
            let start = buffer.writerIndex - piece.batch.lineBytes(piece.range).lowerBound
            piece.batch.withLines(piece.range) { _ = buffer.writeBytes($0) }
            for index in piece.range {
                let end = start + piece.batch.lineRange(index).upperBound
                buffer.setInteger(UInt8(ascii: ","), at: end - 1)
            }
        }
        buffer.setInteger(UInt8(ascii: "]"), at: buffer.writerIndex - 1)
        return buffer
    }
}
