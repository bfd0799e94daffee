/// Why a replication message could not be decoded. After any of these the stream is given up: the rows are in the
/// table.
package enum PgoutputError: Error, Sendable, Hashable {
    /// The message ends too soon or contradicts itself; `offset` counts from the beginning of its fields.
    case malformed(message: String, offset: Int)
    /// A message that belongs to an option that was not asked for, or to a later protocol.
    case unsupported(message: String)
    /// A row or a commit outside a transaction, or of a table that was never described.
    case unexpected(message: String)
    /// The unpublished leaf does not have a column that an event needs.
    case shape(missing: String)
    /// A column that an event needs is null, or holds something that is no such value.
    case value(column: String)
}

extension PgoutputError: CustomStringConvertible {
    /// One sentence: what is wrong, where, and how to fix it.
    package var description: String {
        switch self {
        case .malformed(let message, let offset):
            "the replication stream sent a \(message) message that is malformed at byte \(offset); "
                + "check for a proxy between the relay and the server"
        case .unsupported(let message):
            "the replication stream sent a message of type \(message), which pgoutput protocol 1 does not have; "
                + "check the server's version"
        case .unexpected(let message):
            "the replication stream sent a \(message) message out of turn; "
                + "check for a proxy between the relay and the server"
        case .shape(let missing):
            "the unpublished outbox table has no column \(missing); add it, or run the migrations"
        case .value(let column):
            "the replication stream sent a row whose column \(column) holds no usable value; "
                + "give the column its type and NOT NULL"
        }
    }
}
