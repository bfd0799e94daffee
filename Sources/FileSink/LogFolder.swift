import CLinux
import Glibc

/// The folder that the files are in: finds them, opens them, puts them aside.
struct LogFolder: Sendable {
    private let descriptor: Descriptor
    private let path: String
    private let template: PathTemplate

    init(_ template: PathTemplate) throws(DiskError) {
        path = template.folder
        self.template = template
        let number = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw DiskError.last(path) }
        descriptor = Descriptor(number)
    }

    /// A file's path, for people.
    func path(of name: String) -> String {
        path == "." ? name : path.hasSuffix("/") ? path + name : "\(path)/\(name)"
    }

    /// Whether its path leads to it, and not to another folder or to none.
    func isWhereItsPathLeads() -> Bool {
        var there = stat()
        guard stat(path, &there) == 0, let own = try? descriptor.status(path) else { return false }
        return FileIdentity(there) == FileIdentity(own)
    }

    /// Whether it was removed, and what was in it with it.
    var isRemoved: Bool { (try? descriptor.status(path))?.st_nlink == 0 }

    /// Opens a file of the folder; nil where there is none of that name and the flags do not make one.
    func open(_ name: String, _ flags: Int32, mode: UInt32 = 0) throws(DiskError) -> Descriptor? {
        // A pipe at this path must not hold the thread up before it is refused.
        let number = openat(descriptor.number, name, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode)
        if number < 0, errno == ENOENT, flags & O_CREAT == 0 { return nil }
        guard number >= 0 else { throw refusal(of: name, flags) }
        let opened = Descriptor(number)
        guard try opened.status(path(of: name)).st_mode & S_IFMT == S_IFREG else {
            throw DiskError(.notAFile, path(of: name))
        }
        return opened
    }

    /// Why a file was not opened, by `errno`. Where it is not there yet, it is the folder that does not let it be made.
    private func refusal(of name: String, _ flags: Int32) -> DiskError {
        let code = errno
        if code == EISDIR { return DiskError(.notAFile, path(of: name)) }
        let isMissing = flags & O_CREAT != 0 && status(of: name) == nil
        return DiskError(.failed(code), isMissing ? path : path(of: name))
    }

    /// Which file a name leads to; nil where to none.
    func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor.number, name, &status, 0) == 0 ? status : nil
    }

    /// Whether a name of the folder stands for the very file that is open.
    func holds(_ file: Descriptor, as name: String) -> Bool {
        guard let there = status(of: name), let own = try? file.status(path(of: name)) else { return false }
        return FileIdentity(there) == FileIdentity(own)
    }

    /// Renames a file, never over another one.
    ///
    /// - Returns: false where the new name is taken.
    func rename(_ name: String, to other: String) throws(DiskError) -> Bool {
        if clinux_rename_noreplace(descriptor.number, name, other) == 0 { return true }
        if errno == EEXIST { return false }
        guard errno == EINVAL || errno == ENOSYS else { throw DiskError.last(path(of: name)) }
        // A file system that cannot say it in one step. Nobody else renames here: the lock is held.
        if status(of: other) != nil { return false }
        guard renameat(descriptor.number, name, descriptor.number, other) == 0 else {
            throw DiskError.last(path(of: name))
        }
        return true
    }

    /// Makes new names durable.
    func sync() throws(DiskError) {
        guard fsync(descriptor.number) == 0 else { throw DiskError.last(path) }
    }

    /// The names of this sink's files: the template's, with any date, perhaps with digits behind them. So the files that
    /// this sink has put aside are among them, and those that logrotate has, unless it compressed them.
    ///
    /// A name that another sink writes to in this folder is not: its lock tells.
    func names() throws(DiskError) -> [String] {
        var own: [String] = []
        var others: [PathTemplate] = []
        try read { name in
            if name.hasPrefix("."), name.hasSuffix(".lock") {
                let other = String(name.dropFirst().dropLast(5))
                if other != template.name, let other = try? PathTemplate(other) { others.append(other) }
            } else if let suffix = template.suffix(of: name), Self.tellsOfRotation(suffix) {
                own.append(name)
            }
        }
        return own.filter { name in
            template.suffix(of: name) == "" || !others.contains { $0.suffix(of: name) == "" }
        }
    }

    /// The names of this sink's files, the one that was written to last in front.
    ///
    /// - Parameter current: the file of this moment, which is the first whether it is there or not.
    func namesByAge(current: String) throws(DiskError) -> [String] {
        let others = try names().filter { $0 != current }.compactMap { name in
            status(of: name).map { (name: name, seconds: $0.st_mtim.tv_sec, nanoseconds: $0.st_mtim.tv_nsec) }
        }
        // The system's clock may stand still between two files; their names do not.
        let sorted = others.sorted {
            ($0.seconds, $0.nanoseconds, $0.name) > ($1.seconds, $1.nanoseconds, $1.name)
        }
        return [current] + sorted.map(\.name)
    }

    /// The names that begin so, of whatever.
    func names(beginningWith start: String) throws(DiskError) -> [String] {
        var names: [String] = []
        try read { name in
            if name.hasPrefix(start) { names.append(name) }
        }
        return names
    }

    /// Whether names end like this for files that were put aside: not at all, or `.000001`, `.1`, `-20261120`.
    private static func tellsOfRotation(_ suffix: Substring) -> Bool {
        guard let first = suffix.utf8.first else { return true }
        let separators = ".-_".utf8
        return separators.contains(first) && suffix.utf8.contains(where: \.isDigit)
            && suffix.utf8.allSatisfy { $0.isDigit || separators.contains($0) }
    }

    private func read(_ body: (String) -> Void) throws(DiskError) {
        let number = openat(descriptor.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw DiskError.last(path) }
        guard let folder = fdopendir(number) else {
            let error = DiskError.last(path)
            close(number)
            throw error
        }
        defer { closedir(folder) }
        errno = 0
        while let entry = readdir(folder) {
            body(
                withUnsafeBytes(of: &entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                })
            errno = 0
        }
        guard errno == 0 else { throw DiskError.last(path) }
    }
}
