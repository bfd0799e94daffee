import Glibc
import RelayCore
import WallClock

extension FileSinkSettings {
    /// Refuses values with which no file can be written.
    package func check() throws(SinkError) {
        if let problem { throw SinkError(.misconfigured, reason: problem) }
    }

    /// Looks at all that can be known without writing or locking anything: the values, the folder, and the file that is
    /// there now.
    ///
    /// - Throws: the first that does not hold.
    package func examine() throws(SinkError) {
        try check()
        let template = try PathTemplate(path)
        do throws(DiskError) {
            try Self.look(at: template.folder, wants: S_IFDIR, rights: W_OK | X_OK)
            let file = "\(template.folder)/\(template.name(at: WallClock.seconds))"
            guard access(file, F_OK) == 0 else { return }
            try Self.look(at: file, wants: S_IFREG, rights: R_OK | W_OK)
        } catch {
            throw error.sinkError
        }
    }

    private static func look(at path: String, wants kind: mode_t, rights: Int32) throws(DiskError) {
        var status = stat()
        guard stat(path, &status) == 0 else { throw DiskError.last(path) }
        guard status.st_mode & S_IFMT == kind else {
            throw DiskError(kind == S_IFDIR ? .failed(ENOTDIR) : .notAFile, path)
        }
        guard access(path, rights) == 0 else { throw DiskError.last(path) }
    }
}
