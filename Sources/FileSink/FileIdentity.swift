import Glibc

/// Which file or folder it is, by device and inode, whatever its path and however that is spelled.
package struct FileIdentity: Sendable, Hashable {
    private let device: UInt
    private let number: UInt

    init(_ status: stat) {
        device = UInt(status.st_dev)
        number = UInt(status.st_ino)
    }
}
