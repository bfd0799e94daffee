import RelayCore

/// A row as a test writes it down.
package struct EventFixture {
    package var id: Int64
    package var aggregateType: String
    package var aggregateID: String
    package var eventType: String
    package var payload: String
    package var headers: String
    package var createdAt: String
    package var transaction: UInt32

    package init(
        id: Int64 = 42, aggregateType: String = "transfer", aggregateID: String = "9f1c",
        eventType: String = "transfer.posted", payload: String = "{\"amount\": 1}", headers: String = "{}",
        createdAt: String = "2026-11-20 22:16:30.213327+00", transaction: UInt32 = 0
    ) {
        self.id = id
        self.aggregateType = aggregateType
        self.aggregateID = aggregateID
        self.eventType = eventType
        self.payload = payload
        self.headers = headers
        self.createdAt = createdAt
        self.transaction = transaction
    }

    /// Encodes the row.
    package func append(to builder: inout EventBatchBuilder) throws(EventEncodingError) {
        try withColumns { (columns) throws(EventEncodingError) in
            try builder.append(columns, transaction: transaction)
        }
    }

    /// Appends the row with its payload cut after so many bytes each; what is left comes last, if it is to be whole.
    package func splice(
        into builder: inout EventBatchBuilder, pieces: [Int], whole: Bool = true
    ) throws(EventEncodingError) {
        try withColumns { (columns) throws(EventEncodingError) in
            try builder.beginSpliced(columns, payloadWidth: columns.payload.count)
            var rest = columns.payload[...]
            for count in pieces {
                try builder.splice(UnsafeRawBufferPointer(rebasing: rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            if whole { try builder.splice(UnsafeRawBufferPointer(rebasing: rest)) }
        }
    }

    private func withColumns(
        _ body: (EventColumns) throws(EventEncodingError) -> Void
    ) throws(EventEncodingError) {
        // The texts are one behind the other in an array that outlives the call.
        let texts = [aggregateType, aggregateID, eventType, payload, headers, createdAt].map { [UInt8]($0.utf8) }
        let joined = texts.flatMap { $0 }
        let result = joined.withUnsafeBytes { (bytes) -> Result<Void, EventEncodingError> in
            var start = 0
            let parts = texts.map { text in
                defer { start += text.count }
                return UnsafeRawBufferPointer(rebasing: bytes[start..<start + text.count])
            }
            let columns = EventColumns(
                id: id, aggregateType: parts[0], aggregateID: parts[1], eventType: parts[2], payload: parts[3],
                headers: parts[4], createdAt: parts[5])
            return Result { () throws(EventEncodingError) in try body(columns) }
        }
        try result.get()
    }
}
