import Glibc
import RelayCore

/// What the system refused to do with a file.
struct DiskError: Error, Sendable, Hashable {
    /// What somebody has to mend before it can work, or what passes with the disk's trouble.
    enum Problem: Sendable, Hashable {
        /// A call failed with this `errno`.
        case failed(Int32)
        /// It is a folder, a pipe or a device.
        case notAFile
        /// It holds what this sink did not write, at this offset.
        case foreign(offset: Int)
    }

    let problem: Problem
    /// The file or folder.
    let path: String

    init(_ problem: Problem, _ path: String) {
        self.problem = problem
        self.path = path
    }

    /// Of the call that failed just now.
    static func last(_ path: String) -> DiskError { DiskError(.failed(errno), path) }

    /// One sentence: what is wrong, where, how to mend it.
    var reason: String {
        switch problem {
        case .notAFile: return "\(path) is no regular file; give the sink the path of one, or of none yet"
        case .foreign(let offset):
            return "\(path) holds at byte \(offset) what is no event of a relay; "
                + "give the sink a path of its own, or move that file away"
        case .failed(let code):
            let text = String(cString: strerror(code))
            switch code {
            case ENOSPC, EDQUOT: return "the disk of \(path) is full (\(text)); make room on it"
            case EFBIG: return "\(path) may not grow (\(text)); raise the limit on file sizes, or rotate it earlier"
            case EROFS: return "\(path) is on a read-only file system (\(text)); mount it for writing"
            case EACCES, EPERM: return "\(path) may not be written by this user (\(text)); change its permissions"
            case ENOENT, ENOTDIR: return "\(path) is not there (\(text)); make the folder"
            case EIO: return "the disk of \(path) fails (\(text)); the kernel's log says how"
            default: return "\(path) cannot be used (\(text)); check it and its file system"
            }
        }
    }

    /// For `Sink.open`.
    var sinkError: SinkError {
        if case .failed = problem { return SinkError(.unavailable, reason: reason) }
        return SinkError(.misconfigured, reason: reason)
    }

    /// For `Sink.deliver`.
    var outcome: DeliveryOutcome {
        if case .failed = problem { return .retry(after: nil, reason: reason) }
        return .blocked(reason: reason)
    }
}
