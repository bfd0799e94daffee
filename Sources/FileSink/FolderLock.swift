import Glibc

/// The right to write to a sink's files: held by one process at a time, until it lets go or dies.
///
/// It is an flock(2) on a file of its own beside them, `.NAME.lock`, and so survives rotation and the date in the path.
/// That file holds who has it, and is never removed: two processes would hold locks on two files of one name.
///
/// Whoever can open a file can lock it: the lock's is for those alone who may write to the sink's files.
struct FolderLock: Sendable {
    private let descriptor: Descriptor
    private let name: String

    /// - Parameter mode: that of the sink's files.
    /// - Throws: `.locked` where another holds it, naming that one's pid; what the system refuses.
    init(_ folder: LogFolder, for template: PathTemplate, mode: UInt32) throws(DiskError) {
        name = ".\(template.name).lock"
        let path = folder.path(of: name)
        // Between the opening and the lock the file may be replaced, and the lock would be on what nobody else asks.
        for _ in 0..<10 {
            let file = try Self.open(name, in: folder, mode: mode)
            guard flock(file.number, LOCK_EX | LOCK_NB) == 0 else {
                guard errno == EWOULDBLOCK else { throw DiskError.last(path) }
                throw DiskError(.locked(by: Self.holder(file)), folder.path(of: template.name))
            }
            guard folder.holds(file, as: name) else { continue }
            Self.sign(file)
            descriptor = file
            return
        }
        throw DiskError(.failed(EBUSY), path)
    }

    /// Whether the folder's lock is this one.
    func stands(in folder: LogFolder) -> Bool { folder.holds(descriptor, as: name) }

    private static func open(_ name: String, in folder: LogFolder, mode: UInt32) throws(DiskError) -> Descriptor {
        let path = folder.path(of: name)
        guard let file = try folder.open(name, O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600) else {
            throw DiskError(.failed(ENOENT), path)
        }
        // Those who may write to the files, and nobody else.
        let wanted = [0o600, 0o060, 0o006].reduce(UInt32(0)) { mode & 0o222 & $1 == 0 ? $0 : $0 | $1 }
        let present = try file.status(path).st_mode & 0o777
        if present != wanted, fchmod(file.number, wanted) != 0, present & ~wanted != 0 {
            throw DiskError(.openToOthers(mode: present, wanted: wanted), path)
        }
        return file
    }

    /// Only people read it: the lock holds whether or not this is written.
    private static func sign(_ file: Descriptor) {
        let text = Array("\(getpid()) \(host)\n".utf8)
        _ = ftruncate(file.number, 0)
        _ = pwrite(file.number, text, text.count, 0)
    }

    /// Who holds it, as far as the file says; what a process wrote that is gone tells of somebody else.
    private static func holder(_ descriptor: Descriptor) -> String {
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = pread(descriptor.number, &bytes, bytes.count, 0)
        let words = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).split { $0 == " " || $0 == "\n" }
        let (pid, place) = (words.first.flatMap { Int32($0) }, words.dropFirst().first.map(String.init) ?? host)
        guard let pid, place != host || kill(pid, 0) == 0 || errno == EPERM else {
            return "a process that did not write its pid there; lslocks(8) names it"
        }
        if pid == getpid(), place == host {
            return "this process itself, pid \(pid): "
                + "two sinks have the same path, or an earlier write still waits for the disk"
        }
        return "the process with the pid \(pid) on \(place); end it if it does not end by itself"
    }

    private static var host: String {
        var bytes = [CChar](repeating: 0, count: 256)
        guard gethostname(&bytes, bytes.count - 1) == 0 else { return "?" }
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
