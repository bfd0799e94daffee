/// Why the relay ends without having been asked to.
package struct RelayStop: Error, Hashable, Sendable {
    /// What kind of reason it is; the executable has an exit code for each.
    package enum Reason: Hashable, Sendable {
        /// The database was not reached within the time that it was given.
        case unreachable
        /// The server refuses the login, or the role lacks a grant.
        case denied
        /// The database or the configuration is not what a relay needs.
        case configuration
        /// Ids are issued a second time, or are about to be.
        case wentBack
        /// What should not happen.
        case unexpected
    }

    package var reason: Reason
    /// One sentence.
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var wentBack: Bool { reason == .wentBack }
}
