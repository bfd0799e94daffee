import Glibc

/// An open file descriptor, closed with its last reference.
final class Descriptor: Sendable {
    let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit { close(number) }

    /// Facts about what is open.
    func status(_ path: String) throws(DiskError) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw DiskError.last(path) }
        return status
    }
}
