/// The last lines of the files by id and time: what is not to be written again.
///
/// Each line takes a few words, whatever its length.
struct SeenWindow: Sendable {
    /// What the window knows of an event.
    enum Verdict: Sendable, Hashable {
        /// It is not among the lines.
        case absent
        /// It is.
        case present
        /// An event of its id is, with another time.
        case different(FileTime)
    }

    private struct Entry: Sendable {
        var time: FileTime
        /// The number of its line, counted from the first that was noted.
        var line: Int
    }

    private let capacity: Int
    /// The ids of the last lines, from `oldest` around.
    private var ids: [Int64] = []
    private var oldest = 0
    private var count = 0
    private var entries: [Int64: Entry] = [:]

    /// - Parameter capacity: how many lines it knows, at least 1.
    init(capacity: Int) {
        self.capacity = max(capacity, 1)
    }

    /// The highest id that was ever noted, nil where there was none.
    private(set) var highest: Int64?

    func verdict(on id: Int64, _ time: FileTime) -> Verdict {
        // Mostly an event is new, and then there is nothing to look up.
        guard let highest, id <= highest, let entry = entries[id] else { return .absent }
        return entry.time == time ? .present : .different(entry.time)
    }

    /// Notes the next line; the oldest is forgotten where there is no room.
    mutating func append(_ id: Int64, _ time: FileTime) {
        if ids.count < capacity {
            ids.append(id)
        } else {
            // The id may be in a later line too: a file that was put together by hand.
            if entries[ids[oldest]]?.line == count - capacity { entries[ids[oldest]] = nil }
            ids[oldest] = id
            oldest = (oldest + 1) % capacity
        }
        entries[id] = Entry(time: time, line: count)
        highest = max(highest ?? id, id)
        count += 1
    }
}
