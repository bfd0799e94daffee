import DedicatedThreads
import Glibc

/// How much room a file system has left for a user without privileges (statvfs(3)).
package struct DiskRoom: Sendable, Hashable {
    /// How little that is.
    package enum Shortage: Sendable, Hashable {
        /// Less than a hundredth of the bytes, or of the files.
        case nearlyFull
        /// Less than a tenth of the bytes, and of 10 GiB; or less than a tenth of the files.
        case little
    }

    /// Bytes that can still be written.
    package let free: UInt64
    /// Bytes in all; 0 where the file system does not say.
    package let size: UInt64
    /// Files that can still be created.
    package let freeFiles: UInt64
    /// Files in all; 0 where there is no such limit.
    package let files: UInt64

    package init(free: UInt64, size: UInt64, freeFiles: UInt64 = 0, files: UInt64 = 0) {
        self.free = free
        self.size = size
        self.freeFiles = freeFiles
        self.files = files
    }

    /// That of the file system which a folder is on.
    init(of folder: String) throws(DiskError) {
        var status = statvfs()
        guard statvfs(folder, &status) == 0 else { throw DiskError.last(folder) }
        self.init(
            free: Self.bytes(UInt64(status.f_bavail), of: UInt64(status.f_frsize)),
            size: Self.bytes(UInt64(status.f_blocks), of: UInt64(status.f_frsize)),
            freeFiles: UInt64(status.f_favail), files: UInt64(status.f_files))
    }

    /// The same, for folders that need not be there or answer.
    ///
    /// - Returns: nil where it is not known.
    package static func of(_ folder: String, within limit: Duration = .seconds(5)) async -> DiskRoom? {
        let room: DiskRoom?? = await BoundedCall.run(within: limit) { try? DiskRoom(of: folder) }
        return room ?? nil
    }

    /// Nil where there is enough.
    package var shortage: Shortage? {
        guard size > 0 else { return nil }
        if free < size / 100 || freeFiles < files / 100 { return .nearlyFull }
        return free < min(size / 10, 10 << 30) || freeFiles < files / 10 ? .little : nil
    }

    /// Some file systems of the network name more blocks than there can be bytes.
    private static func bytes(_ blocks: UInt64, of size: UInt64) -> UInt64 {
        let (bytes, isTooLarge) = blocks.multipliedReportingOverflow(by: size)
        return isTooLarge ? .max : bytes
    }
}
