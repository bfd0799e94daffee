import Foundation
import Synchronization

/// What was done and when, in a file from the first line on.
final class Journal: Sendable {
    private let state: Mutex<(file: FileHandle, lines: [String])>
    private let begin = ContinuousClock.now

    /// - Parameter path: where it is written.
    init(path: String) throws {
        _ = FileManager.default.createFile(atPath: path, contents: nil)
        state = Mutex((try FileHandle(forWritingTo: URL(fileURLWithPath: path)), []))
    }

    /// Seconds since the beginning.
    var elapsed: Double { (ContinuousClock.now - begin) / .seconds(1) }

    /// All lines so far.
    var lines: [String] { state.withLock { $0.lines } }

    func note(_ text: String) {
        let line = String(format: "%9.3f  ", elapsed) + text
        state.withLock { state in
            state.lines.append(line)
            try? state.file.write(contentsOf: Data("\(line)\n".utf8))
        }
    }
}
