import DedicatedThreads
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
    /// - Parameter limit: how long the file system may take to answer.
    /// - Returns: how much room is left where the files are.
    /// - Throws: the first that does not hold.
    package func examine(within limit: Duration = .seconds(5)) async throws(SinkError) -> DiskRoom {
        try check()
        let template = try PathTemplate(path)
        let answer: Result<DiskRoom, DiskError>? = await BoundedCall.run(within: limit) {
            Result { () throws(DiskError) in try Self.look(template) }
        }
        guard let answer else {
            throw SinkError(
                .unavailable,
                reason: "\(template.folder) did not answer within \(limit); see whether its file system is reachable")
        }
        do throws(DiskError) {
            return try answer.get()
        } catch {
            throw error.sinkError
        }
    }

    private static func look(_ template: PathTemplate) throws(DiskError) -> DiskRoom {
        try look(at: template.folder, wants: S_IFDIR, rights: W_OK | X_OK)
        let file = "\(template.folder)/\(template.name(at: WallClock.seconds))"
        if access(file, F_OK) == 0 { try look(at: file, wants: S_IFREG, rights: R_OK | W_OK) }
        return try DiskRoom(of: template.folder)
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
