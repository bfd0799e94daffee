import RelayCore

/// A row as a test writes it down.
struct EventFixture {
    var id: Int64 = 42
    var aggregateType = "transfer"
    var aggregateID = "9f1c"
    var eventType = "transfer.posted"
    var payload = "{\"amount\": 1}"
    var headers = "{}"
    var createdAt = "2026-11-20 22:16:30.213327+00"
    var transaction: UInt32 = 0

    func append(to builder: inout EventBatchBuilder) throws(EventEncodingError) {
        // The texts stand one behind the other in an array that outlives the call.
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
            return Result { () throws(EventEncodingError) in
                try builder.append(columns, transaction: transaction)
            }
        }
        try result.get()
    }

    /// The JSON line of a batch that holds just this event, without its line end.
    func line(source: String = "/outbox") throws -> String {
        var builder = EventBatchBuilder(source: source)
        try append(to: &builder)
        let line = builder.finish().line(0)
        return String(line.dropLast(line.hasSuffix("\n") ? 1 : 0))
    }

    /// What stands between `aggregatetype` and `data`.
    func attributes() throws -> String {
        let line = try line()
        let parts = line.components(between: "\"aggregatetype\":\"transfer\"", and: ",\"data\":{\"amount\": 1}}")
        return parts
    }
}

extension String {
    /// What stands between the first `start` and the last `end`.
    fileprivate func components(between start: String, and end: String) -> String {
        let bytes = Array(utf8)
        let from = (0...bytes.count).first { bytes[$0...].starts(with: start.utf8) }.map { $0 + start.utf8.count }
        guard let from, bytes.suffix(end.utf8.count).elementsEqual(end.utf8) else { return "?" + self }
        return String(decoding: bytes[from..<bytes.count - end.utf8.count], as: UTF8.self)
    }
}

extension EventBatch {
    /// The JSON line of an event, as it stands in the batch.
    func line(_ index: Int) -> String {
        withLines(index..<index + 1) { String(decoding: $0, as: UTF8.self) }
    }
}
