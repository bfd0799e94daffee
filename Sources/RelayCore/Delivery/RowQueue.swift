/// Rows, ascending, that wait for a lane to send them.
package struct RowQueue: Hashable, Sendable {
    package private(set) var slices: [RowSlice] = []
    /// How many rows wait.
    package private(set) var count = 0
    private(set) var uses = BatchUses()

    package var isEmpty: Bool { slices.isEmpty }

    /// - Precondition: the slice is above all that wait.
    mutating func append(_ slice: RowSlice) {
        slices.append(slice)
        count += slice.count
        uses.add(slice.token)
    }

    /// Rows that were taken go back to the front.
    mutating func putBack(_ taken: [RowSlice]) {
        slices.insert(contentsOf: taken, at: 0)
        for slice in taken {
            count += slice.count
            uses.add(slice.token)
        }
    }

    /// Takes up to `room` rows off the front, to be sent together; once their batches hold so many `bytes`, no more.
    package mutating func take(_ room: Int, bytes: Int = .max, of batches: BatchMemory = BatchMemory()) -> [RowSlice] {
        var taken: [RowSlice] = []
        var left = room
        var used = 0
        var held = 0
        while left > 0, used < slices.count, held < bytes {
            let slice = slices[used]
            if let token = slice.token, token != taken.last?.token { held += batches.bytes(of: token) }
            if slice.count <= left {
                taken.append(slice)
                left -= slice.count
                used += 1
                uses.remove(slice.token)
            } else {
                taken.append(slice.prefix(left))
                slices[used] = slice.dropping(left)
                left = 0
            }
        }
        slices.removeFirst(used)
        count -= room - left
        return taken
    }

    mutating func removeAll() {
        slices = []
        count = 0
        uses.removeAll()
    }

    mutating func takeLeft() -> [BatchToken] { uses.takeLeft() }
}
