import OutboxAudit
import PostgresOutbox
import RelayCore

extension FuzzTarget {
    /// The stream: messages, each behind the two bytes of its length.
    static let pgoutput = FuzzTarget("pgoutput") { input throws(BrokenPromise) in
        var decoder = PgoutputDecoder(namespace: "public", relation: "outbox_unpublished")
        var rest = input
        var isTaken = input.count > 1
        var isOpen = false
        while rest.count >= 2 {
            let length = min(Int(rest[0]) << 8 | Int(rest[1]), rest.count - 2)
            let message = UnsafeRawBufferPointer(rebasing: rest[2..<2 + length])
            rest = UnsafeRawBufferPointer(rebasing: rest[(2 + length)...])
            guard let effect = try? decoder.decode(message) else {
                isTaken = false
                break
            }
            if case .begin = effect {
                try promise(!isOpen, "a transaction within another")
                isOpen = true
            }
            if case .inserted = effect { try promise(isOpen, "a row outside a transaction") }
            if case .commit = effect { isOpen = false }
        }
        return isTaken
    }

    /// A row: payload, headers, created_at, key, event type, aggregate type.
    static let row = FuzzTarget("row") { input throws(BrokenPromise) in
        var parts = InputParts(input)
        let (payload, headers, createdAt) = (parts.next(), parts.next(), parts.next())
        let (key, eventType, aggregateType) = (parts.next(), parts.next(), parts.next())
        var builder = EventBatchBuilder(source: "/outbox")
        let columns = EventColumns(
            id: Int64(truncatingIfNeeded: input.count) - 9, aggregateType: aggregateType, aggregateID: key,
            eventType: eventType, payload: payload, headers: headers, createdAt: createdAt)
        var isTaken = false
        for _ in 0..<2 {
            let before = builder.count
            isTaken = (try? builder.append(columns)) != nil
            try promise(builder.count == before + (isTaken ? 1 : 0), "a row that was refused left a trace")
        }
        try expectWhole(builder.finish())
        return isTaken
    }

    /// A line of an event, or what only looks like one, in one piece and in pieces.
    static let line = FuzzTarget("line") { input throws(BrokenPromise) in
        var whole = LineParser()
        var lines: [LineParser.Line] = []
        whole.take(input) { lines.append($0) }
        var pieces = LineParser()
        var others: [LineParser.Line] = []
        let step = max(1, Int(input.first ?? 1) % 9)
        for start in stride(from: 0, to: input.count, by: step) {
            let piece = UnsafeRawBufferPointer(rebasing: input[start..<min(start + step, input.count)])
            pieces.take(piece) { others.append($0) }
        }
        try promise(lines == others && whole.isWithinLine == pieces.isWithinLine, "pieces make other lines")
        for (line, bytes) in zip(lines, input.split(separator: 0x0A, omittingEmptySubsequences: false)) {
            guard case .event(let id, let time, _) = line else { continue }
            let start = Array(#"{"specversion":"1.0","id":"\#(id)","#.utf8)
            try promise(bytes.starts(with: start), "event \(id) is not so written")
            guard let time else { continue }
            let member = Array(#","time":"\#(time.text ?? "")""#.utf8)
            try promise(contains(member, in: bytes), "the time of event \(id) is not so written")
        }
        return !lines.isEmpty && lines.allSatisfy { if case .event = $0 { true } else { false } }
    }

    private static func contains(_ piece: [UInt8], in bytes: Slice<UnsafeRawBufferPointer>) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: piece) }
    }

    /// What the builder made must be readable, whatever it was made of.
    private static func expectWhole(_ batch: EventBatch) throws(BrokenPromise) {
        for index in 0..<batch.count {
            let id = batch.ids[index]
            var parser = LineParser()
            var lines: [LineParser.Line] = []
            batch.withLines(index..<index + 1) { line in parser.take(line) { lines.append($0) } }
            guard lines.count == 1, case .event(let read, let time, _) = lines[0] else {
                throw BrokenPromise("an event's line is read back as \(lines)")
            }
            try promise(read == id, "event \(id) is read back as \(read)")
            let created = EventTime(microseconds: batch.createdAt[index])
            try promise(time == (created.isWritable ? created : nil), "the time is read back as another")
            var names: [String] = []
            batch.forEachAttribute(index) { name, _ in names.append(name) }
            try promise(names.starts(with: ["specversion", "id", "source", "type"]), "the attributes are \(names)")
            try promise(Set(names).count == names.count, "an attribute stands there twice: \(names)")
            let size =
                batch.withPayload(index) { $0.count } + batch.withKey(index) { $0.count }
                + batch.withHeaders(index) { $0.count } + batch.withEventType(index) { $0.count }
                + batch.withAggregateType(index) { $0.count }
            try promise(size <= batch.byteCount + 2, "the columns are larger than what holds them")
        }
    }
}
