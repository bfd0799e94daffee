import Foundation
import Glibc
import RelayTestKit
import Synchronization

/// The clocks of one relay's host: what its processes are told the time is.
///
/// The kernel's own clocks cannot be set for one process, and must not be for the machine. A library that is loaded
/// before all others adds to what they say; it reads what from a file, so that it takes effect at once. The kernel's
/// timers go on as they are.
final class HostClock: Sendable {
    /// What a process is to be started with; nothing where the library is not there.
    let environment: [String: String]
    private let file: FileHandle?
    private let shift = Mutex((wall: Int64(0), boot: Int64(0)))

    /// - Parameter path: the file of the shifts.
    init(path: String) throws {
        guard let library = try? RelayProcess.executable("libclock-shift.so") else {
            (environment, file) = ([:], nil)
            return
        }
        _ = FileManager.default.createFile(atPath: path, contents: Data(count: 16))
        file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        let preloaded = [library, ChildProcess.passedEnvironment["LD_PRELOAD"] ?? ""].filter { !$0.isEmpty }
        environment = ["LD_PRELOAD": preloaded.joined(separator: ":"), "CLOCK_SHIFT": path]
    }

    /// Whether it can be moved.
    var canMove: Bool { file != nil }

    /// Sets the wall clock by so many seconds; the other one, which counts suspension, only ever goes forwards.
    func move(wall: Int, boot: Int = 0) {
        let nanoseconds: Int64 = 1_000_000_000
        let bytes = shift.withLock { shift in
            shift.wall += Int64(wall) * nanoseconds
            shift.boot += Int64(boot) * nanoseconds
            return withUnsafeBytes(of: shift.wall) { Array($0) } + withUnsafeBytes(of: shift.boot) { Array($0) }
        }
        try? file?.seek(toOffset: 0)
        try? file?.write(contentsOf: Data(bytes))
    }
}
