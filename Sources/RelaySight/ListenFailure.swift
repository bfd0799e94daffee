import Glibc
import NIOCore

/// Why an address cannot be listened on.
package struct ListenFailure: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// Somebody else listens there; that may end.
        case inUse
        /// It is none of this machine's, or this user may not.
        case impossible
    }

    package let kind: Kind
    /// One sentence: what is wrong, and how to fix it.
    package let message: String

    /// - Parameters:
    ///   - error: what the server ended with.
    ///   - address: as it was asked for.
    init(_ error: any Error, at address: String) {
        guard let error = error as? IOError else {
            kind = .impossible
            message = "\(address) cannot be listened on: it is no address of this machine; correct --listen"
            return
        }
        let reason = String(cString: strerror(error.errnoCode))
        kind = error.errnoCode == EADDRINUSE ? .inUse : .impossible
        message =
            switch error.errnoCode {
            case EADDRINUSE:
                "\(address) cannot be listened on: another process does; choose another --listen, or stop that process"
            case EACCES: "\(address) cannot be listened on: \(reason); choose a port from 1024 on for --listen"
            default: "\(address) cannot be listened on: \(reason); correct --listen"
            }
    }
}
