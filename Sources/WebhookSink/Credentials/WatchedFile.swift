import Glibc
import WallClock

/// What a file is known by: when one of these has changed, it is read again. A path that leads through a symbolic link
/// is known by what it leads to.
struct FileStamp: Sendable, Hashable {
    private let device: UInt
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    private init(_ status: stat) {
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        seconds = Int(status.st_mtim.tv_sec)
        nanoseconds = Int(status.st_mtim.tv_nsec)
    }

    /// Nil where there is no such file.
    static func of(_ path: String) -> FileStamp? {
        var status = stat()
        return stat(path, &status) == 0 ? FileStamp(status) : nil
    }

    /// Of an open file, if it is a regular one.
    static func ofRegular(_ descriptor: Int32) -> FileStamp? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return FileStamp(status)
    }

    /// Whether another change would show: a clock ticks only every few milliseconds, so a file that was written just
    /// now may be written again under the same stamp.
    var isSettled: Bool { WallClock.seconds - Int64(seconds) > 1 }
}

/// A small file, read at once.
struct SmallFile {
    /// The stamp that its content had before it was read; nil where the content may change under it.
    let stamp: FileStamp?
    let content: [UInt8]

    /// What keeps a file from being read, as the end of a sentence about it.
    struct Problem: Error {
        let text: String
    }

    /// - Parameters:
    ///   - path: The file.
    ///   - limit: Bytes at most.
    init(_ path: String, limit: Int) throws(Problem) {
        // Opening a pipe that nobody writes to would wait.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Problem(text: "cannot be read (\(String(cString: strerror(errno))))")
        }
        defer { close(descriptor) }
        guard let stamp = FileStamp.ofRegular(descriptor) else { throw Problem(text: "is not a regular file") }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes[count...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Problem(text: "cannot be read (\(String(cString: strerror(errno))))") }
            if got == 0 { break }
            count += got
        }
        guard count <= limit else { throw Problem(text: "is larger than \(limit) bytes") }
        self.stamp = stamp.isSettled ? stamp : nil
        content = Array(bytes.prefix(count))
    }
}
