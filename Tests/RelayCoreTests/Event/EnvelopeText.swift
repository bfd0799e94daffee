import RelayCore
import RelayTestKit

extension EventFixture {
    /// The JSON line of a batch that holds just this event, without its line end.
    func line(source: String = "/outbox") throws -> String {
        var builder = EventBatchBuilder(source: source)
        try append(to: &builder)
        let line = builder.finish().line(0)
        return String(line.dropLast(line.hasSuffix("\n") ? 1 : 0))
    }

    /// What is between `aggregatetype` and `data`.
    func attributes() throws -> String {
        let line = try line()
        let parts = line.components(between: "\"aggregatetype\":\"transfer\"", and: ",\"data\":{\"amount\": 1}}")
        return parts
    }
}

extension String {
    /// What is between the first `start` and the last `end`.
    fileprivate func components(between start: String, and end: String) -> String {
        let bytes = Array(utf8)
        let from = (0...bytes.count).first { bytes[$0...].starts(with: start.utf8) }.map { $0 + start.utf8.count }
        guard let from, bytes.suffix(end.utf8.count).elementsEqual(end.utf8) else { return "?" + self }
        return String(decoding: bytes[from..<bytes.count - end.utf8.count], as: UTF8.self)
    }
}

extension EventBatch {
    /// The JSON line of an event, as it is in the batch.
    func line(_ index: Int) -> String { text(index..<index + 1) }
}
