import Glibc
import Synchronization

/// The two ends of a pipe; neither is passed on to a process that is started later.
struct Pipe {
    let reading: Int32
    let writing: Int32

    /// Held while a pipe is made and while a process is started, so that none is born between a descriptor's making
    /// and its mark. (pipe2, which does both at once, is not visible to Swift.)
    static let starting = Mutex(())

    init() throws {
        (reading, writing) = try Self.starting.withLock { _ in
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw KitFailure("no pipe: \(String(cString: strerror(errno)))") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            return (ends[0], ends[1])
        }
    }
}
