/// Decodes what the server sends on a logical replication connection with pgoutput, protocol version 1, text format.
///
/// It takes the content of one CopyData message after the other and says which ids were inserted into the outbox's
/// unpublished leaf, and what else happened: of a row it reads nothing but the id. No input makes it trap or read out of
/// bounds.
///
/// Formats: PostgreSQL documentation, "Streaming Replication Protocol" and "Logical Replication Message
/// Formats". Rows are decoded by the names that the last Relation message gave their columns: columns may be added,
/// dropped or reordered while the stream runs.
package struct PgoutputDecoder: Sendable {
    /// What a message meant.
    package enum Effect: Sendable, Hashable {
        /// The server is alive and has sent everything up to `walEnd`; it may want an answer at once.
        case keepalive(walEnd: UInt64, replyRequested: Bool)
        /// A committed transaction begins; its rows follow. `transaction` is the 32-bit id.
        case begin(transaction: UInt32, finalLSN: UInt64)
        /// A row was inserted.
        case inserted(id: Int64)
        /// The transaction's rows are complete. The next transaction begins at or behind `endLSN`.
        case commit(commitLSN: UInt64, endLSN: UInt64)
        /// The unpublished leaf was described, for the first time or anew.
        case relationChanged
        /// Nothing that concerns the outbox.
        case ignored
    }

    /// The highest position in the WAL that the server has told of, keepalives included; 0 before the first message.
    package private(set) var receivedLSN: UInt64 = 0

    private let namespace: [UInt8]
    private let relation: [UInt8]
    private var relations = OutboxRelations()
    private var transaction: UInt32?

    /// Makes a decoder for a new replication connection.
    ///
    /// - Parameters:
    ///   - namespace: The schema of the outbox's unpublished leaf, as it is in the catalog.
    ///   - relation: The leaf's name, as it is in the catalog.
    package init(namespace: String, relation: String) {
        self.namespace = Array(namespace.utf8)
        self.relation = Array(relation.utf8)
    }

    /// Decodes the content of one CopyData message.
    ///
    /// - Parameter message: The content, valid only during the call.
    /// - Returns: What the message meant.
    /// - Throws: Why it could not be decoded. The decoder is not to be used further.
    package mutating func decode(
        _ message: UnsafeRawBufferPointer
    ) throws(PgoutputError) -> Effect {
        guard let type = message.first else { throw .malformed(message: "CopyData", offset: 0) }
        let body = UnsafeRawBufferPointer(rebasing: message.dropFirst())
        switch type {
        case UInt8(ascii: "w"): return try decodeWAL(body)
        case UInt8(ascii: "k"): return try decodeKeepalive(body)
        default: throw .unsupported(message: PgoutputDecoder.name(type))
        }
    }

    private mutating func decodeKeepalive(_ body: UnsafeRawBufferPointer) throws(PgoutputError) -> Effect {
        var reader = MessageReader(body, of: "keepalive")
        let walEnd = try reader.integer(UInt64.self)
        _ = try reader.integer(Int64.self)  // the server's clock
        let replyRequested = try reader.integer(UInt8.self) != 0
        receivedLSN = max(receivedLSN, walEnd)
        return .keepalive(walEnd: walEnd, replyRequested: replyRequested)
    }

    private mutating func decodeWAL(
        _ body: UnsafeRawBufferPointer
    ) throws(PgoutputError) -> Effect {
        var reader = MessageReader(body, of: "XLogData")
        let start = try reader.integer(UInt64.self)
        let end = try reader.integer(UInt64.self)
        _ = try reader.integer(Int64.self)  // the server's clock
        let type = try reader.integer(UInt8.self)
        let effect = try decodeLogical(type, reader.rest())
        receivedLSN = max(receivedLSN, start, end)
        return effect
    }

    private mutating func decodeLogical(
        _ type: UInt8, _ body: UnsafeRawBufferPointer
    ) throws(PgoutputError) -> Effect {
        switch type {
        case UInt8(ascii: "I"): return try decodeInsert(body)
        case UInt8(ascii: "B"): return try decodeBegin(body)
        case UInt8(ascii: "C"): return try decodeCommit(body)
        case UInt8(ascii: "R"): return try decodeRelation(body)
        // A publication of more than inserts is none of ours to fix here: updates, deletes and truncations bring no
        // event. Origins, types and messages of other programs concern nobody.
        case UInt8(ascii: "U"), UInt8(ascii: "D"), UInt8(ascii: "T"), UInt8(ascii: "O"), UInt8(ascii: "Y"),
            UInt8(ascii: "M"):
            return .ignored
        // Streamed and prepared transactions were not asked for: their rows may yet be rolled back.
        default: throw .unsupported(message: PgoutputDecoder.name(type))
        }
    }

    private mutating func decodeBegin(_ body: UnsafeRawBufferPointer) throws(PgoutputError) -> Effect {
        var reader = MessageReader(body, of: "Begin")
        let finalLSN = try reader.integer(UInt64.self)
        _ = try reader.integer(Int64.self)  // when it was committed
        let transaction = try reader.integer(UInt32.self)
        guard self.transaction == nil else { throw .unexpected(message: "Begin") }
        self.transaction = transaction
        return .begin(transaction: transaction, finalLSN: finalLSN)
    }

    private mutating func decodeCommit(_ body: UnsafeRawBufferPointer) throws(PgoutputError) -> Effect {
        var reader = MessageReader(body, of: "Commit")
        _ = try reader.integer(UInt8.self)  // flags, none of which is used
        let commitLSN = try reader.integer(UInt64.self)
        let endLSN = try reader.integer(UInt64.self)
        _ = try reader.integer(Int64.self)  // when it was committed
        guard transaction != nil else { throw .unexpected(message: "Commit") }
        transaction = nil
        return .commit(commitLSN: commitLSN, endLSN: endLSN)
    }

    private mutating func decodeRelation(_ body: UnsafeRawBufferPointer) throws(PgoutputError) -> Effect {
        var reader = MessageReader(body, of: "Relation")
        let id = try reader.integer(UInt32.self)
        let isLeaf = try reader.text().elementsEqual(namespace)
        let hasName = try reader.text().elementsEqual(relation)
        guard isLeaf, hasName else {
            relations.forget(id)
            return .ignored
        }
        relations.describe(id, as: try IDColumn(&reader))
        return .relationChanged
    }

    private func decodeInsert(
        _ body: UnsafeRawBufferPointer
    ) throws(PgoutputError) -> Effect {
        var reader = MessageReader(body, of: "Insert")
        let id = try reader.integer(UInt32.self)
        guard transaction != nil else { throw .unexpected(message: "Insert") }
        switch relations[id] {
        case .unknown: throw .unexpected(message: "Insert")
        case .other: return .ignored
        case .outbox(let column):
            guard try reader.integer(UInt8.self) == UInt8(ascii: "N") else { throw reader.malformed() }
            return .inserted(id: try column.id(&reader))
        }
    }

    /// A message type as it is printed: its letter, or its code.
    private static func name(_ type: UInt8) -> String {
        0x21...0x7E ~= type ? "'\(Character(Unicode.Scalar(type)))'" : "\(type)"
    }
}
