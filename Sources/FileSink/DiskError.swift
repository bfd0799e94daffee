import Glibc
import RelayCore

/// What the system refused to do with a file.
struct DiskError: Error, Sendable, Hashable {
    /// What somebody has to fix before it can work, or what passes with the disk's trouble.
    enum Problem: Sendable, Hashable {
        /// A call failed with this `errno`.
        case failed(Int32)
        /// It is a folder, a pipe or a device.
        case notAFile
        /// It holds what this sink did not write, at this offset.
        case foreign(offset: Int)
        /// Another process holds the lock, or this one does for another sink.
        case locked(by: String)
        /// The lock may be taken by users who may not write the files.
        case openToOthers(mode: UInt32, wanted: UInt32)
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

    /// One sentence: what is wrong, where, how to fix it.
    var reason: String {
        switch problem {
        case .notAFile: return "\(path) is not a regular file; give the sink the path of one, or of a new file"
        case .foreign(let offset):
            return "\(path) has data at byte \(offset) that is not an event of a relay; "
                + "give the sink a path of its own, or move that file to another folder"
        case .locked(let holder): return "\(path) is locked by \(holder)"
        case .openToOthers(let mode, let wanted):
            return
                "\(path) has the mode \(Self.octal(mode)), so users who may not write the files could lock them; "
                + "change its mode to \(Self.octal(wanted))"
        case .failed(let code):
            let (problem, remedy) = Self.words(for: code)
            return "\(path) \(problem) (\(String(cString: strerror(code)))); \(remedy)"
        }
    }

    private static func words(for code: Int32) -> (problem: String, remedy: String) {
        switch code {
        case ENOSPC: ("is on a disk that is full", "free space on it")
        case EDQUOT: ("is beyond this user's quota", "raise the quota, or remove files of this user")
        case EFBIG: ("has reached the limit on file sizes", "raise the limit on file sizes, or rotate it earlier")
        case EROFS: ("is on a read-only file system", "mount it for writing")
        case EACCES: ("may not be used by this user", "give the user the right to read and write it")
        case EPERM: ("is protected", "remove its protection, such as chattr +i or +a")
        case ENOENT: ("does not exist", "create the folder")
        case ENOTDIR: ("is not a folder", "create a folder there, or give the sink another path")
        case ELOOP: ("is a symbolic link, which is not allowed here", "remove it")
        case ENAMETOOLONG: ("has a name that is too long for its file system", "give the sink a shorter path")
        case EMFILE, ENFILE: ("cannot be opened", "raise the limit on open files")
        case EIO: ("is on a disk that fails", "see the kernel's log")
        default: ("cannot be used", "check it and its file system")
        }
    }

    private static func octal(_ mode: UInt32) -> String { "0" + String(mode, radix: 8) }

    /// Whether somebody has to act before it can work; else it may pass by itself.
    private var needsSomebody: Bool {
        switch problem {
        case .failed, .locked: false
        case .notAFile, .foreign, .openToOthers: true
        }
    }

    /// For `Sink.open`.
    var sinkError: SinkError {
        SinkError(needsSomebody ? .misconfigured : .unavailable, reason: reason)
    }

    /// For `Sink.deliver`.
    var outcome: DeliveryOutcome {
        needsSomebody ? .blocked(reason: reason) : .retry(after: nil, reason: reason)
    }
}
