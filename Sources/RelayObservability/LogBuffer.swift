/// Lines of the log that wait to be written, bounded in bytes: a line that finds no room is dropped and counted, and
/// the loss is said, in its place among the lines, once there is room again.
package struct LogBuffer: Sendable {
    /// Bytes that wait or are being written, at most.
    private let limit: Int
    private var waiting: [UInt8] = []
    /// Bytes that were taken and are not written yet.
    private var taken = 0
    /// Lines that were lost since that was last said.
    package private(set) var lost = 0

    package init(limit: Int) {
        self.limit = limit
    }

    /// Whether nothing waits and nothing is being written.
    package var isEmpty: Bool { waiting.isEmpty && taken == 0 }

    /// Takes a line with its end, or drops it.
    ///
    /// - Parameter notice: the line that says that so many were lost.
    package mutating func add(_ line: String, notice: (_ lost: Int) -> String) {
        // With half of it free, so that a reader that is merely slow is not told of each line by another one.
        if lost > 0, waiting.count + taken <= limit / 2 { tell(notice) }
        if lost == 0, waiting.count + taken + line.utf8.count <= limit {
            waiting.append(contentsOf: line.utf8)
        } else {
            lost += 1
        }
    }

    /// Gives out what waits, to be written; nothing where nothing waits.
    package mutating func take() -> [UInt8] {
        var bytes: [UInt8] = []
        swap(&bytes, &waiting)
        taken = bytes.count
        return bytes
    }

    /// What was taken is written, but for so many lines that cannot be.
    package mutating func finish(losing count: Int, notice: (_ lost: Int) -> String) {
        taken = 0
        lost += count
        // Where nothing can be written at present, the next line tries it.
        if lost > 0, count == 0, waiting.isEmpty { tell(notice) }
    }

    private mutating func tell(_ notice: (_ lost: Int) -> String) {
        waiting.append(contentsOf: notice(lost).utf8)
        lost = 0
    }
}
