import Glibc
import RelayCore

/// The right to write to a sink's files: held by one process at a time, until it lets go or dies.
///
/// It is an flock(2) on a file of its own beside them, `.NAME.lock`, and so survives rotation and the date in the path.
/// That file holds who has it, and is never removed: two processes would hold locks on two files of one name.
struct FolderLock: Sendable {
    private let descriptor: Descriptor

    /// - Throws: `.unavailable` where another holds it, naming that one's pid; what the system refuses.
    init(_ folder: LogFolder, for template: PathTemplate, mode: UInt32) throws(SinkError) {
        let name = ".\(template.name).lock"
        do throws(DiskError) {
            guard let file = try folder.open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: mode) else {
                throw DiskError(.failed(ENOENT), folder.path(of: name))
            }
            descriptor = file
        } catch {
            throw error.sinkError
        }
        let path = folder.path(of: template.name)
        guard flock(descriptor.number, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw DiskError.last(folder.path(of: name)).sinkError }
            throw SinkError(.unavailable, reason: "\(path) is locked by \(Self.holder(descriptor))")
        }
        // Only people read it: the lock holds whether or not this is written.
        let text = Array("\(getpid()) \(Self.host)\n".utf8)
        _ = ftruncate(descriptor.number, 0)
        _ = pwrite(descriptor.number, text, text.count, 0)
    }

    private static func holder(_ descriptor: Descriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = pread(descriptor.number, &bytes, bytes.count, 0)
        let words = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard let pid = words.first.flatMap({ Int32($0) }) else {
            return "a process that has not written its pid yet; it is tried again"
        }
        let place = words.count > 1 ? " on \(words[1])" : ""
        if pid == getpid(), words.count < 2 || words[1] == host {
            return "this very process, pid \(pid): "
                + "two sinks have one path, or an earlier write still waits for the disk"
        }
        return "the process with the pid \(pid)\(place); end it if it does not end by itself"
    }

    private static var host: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "?" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
