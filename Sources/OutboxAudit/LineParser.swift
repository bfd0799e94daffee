import Crypto
import RelayCore

/// Makes events of a file's bytes as they come, in pieces of any size, without ever holding a line.
///
/// Of a line it keeps id, time and the digest of `data`. It trusts nothing.
package struct LineParser: Sendable {
    /// What a whole line was.
    package enum Line: Sendable, Hashable {
        case event(id: Int64, time: EventTime?, payload: PayloadDigest)
        /// It begins as an event does and breaks off.
        case torn
        /// It is no event.
        case foreign
    }

    private enum Place {
        /// Before the payload; the event, once it is known; and how many bytes of `,"data":` were there.
        case members(EnvelopeReader, event: (id: Int64, time: EventTime?)?, matched: Int)
        /// In the payload; the last byte is held back, since the envelope's brace ends the line.
        case data(id: Int64, time: EventTime?, SHA256, held: UInt8?)
        case foreign
    }

    /// It may be in a header's value too, but there its quotes are escaped.
    private static let dataKey = Array(#","data":"#.utf8)

    private var place = Place.members(EnvelopeReader(), event: nil, matched: 0)
    /// Whether bytes came behind the last line end.
    package private(set) var isWithinLine = false

    package init() {}

    /// Takes the next bytes, and gives out every line that they end.
    package mutating func take(_ bytes: UnsafeRawBufferPointer, _ body: (Line) -> Void) {
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return continueLine(rest) }
            continueLine(rest[..<end])
            body(endLine())
            rest = rest[(end + 1)...]
        }
    }

    private mutating func continueLine(_ piece: Slice<UnsafeRawBufferPointer>) {
        if !piece.isEmpty { isWithinLine = true }
        switch place {
        case .foreign: return
        case .members(let reader, let event, let matched): readMembers(piece, reader, event, matched)
        case .data(let id, let time, let hash, let held): readData(piece, id, time, hash, held)
        }
    }

    private mutating func readMembers(
        _ piece: Slice<UnsafeRawBufferPointer>, _ reader: EnvelopeReader, _ event: (id: Int64, time: EventTime?)?,
        _ matched: Int
    ) {
        var (reader, event, matched) = (reader, event, matched)
        if event == nil {
            switch reader.read(UnsafeRawBufferPointer(rebasing: piece)) {
            case .unfinished: break
            case .foreign:
                place = .foreign
                return
            case .event(let id, let time): event = (id, time)
            }
        }
        for index in piece.indices {
            let byte = piece[index]
            matched = byte == Self.dataKey[matched] ? matched + 1 : byte == Self.dataKey[0] ? 1 : 0
            guard matched == Self.dataKey.count else { continue }
            guard let event else { break }
            readData(piece[(index + 1)...], event.id, event.time, SHA256(), nil)
            return
        }
        place = matched == Self.dataKey.count ? .foreign : .members(reader, event: event, matched: matched)
    }

    private mutating func readData(
        _ piece: Slice<UnsafeRawBufferPointer>, _ id: Int64, _ time: EventTime?, _ hash: SHA256, _ held: UInt8?
    ) {
        // The place gives its hash away for the time, so that it is not copied.
        place = .foreign
        var hash = hash
        guard let last = piece.last else {
            place = .data(id: id, time: time, hash, held: held)
            return
        }
        if let held { withUnsafeBytes(of: held) { hash.update(bufferPointer: $0) } }
        hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: piece.dropLast()))
        place = .data(id: id, time: time, hash, held: last)
    }

    private mutating func endLine() -> Line {
        defer {
            place = .members(EnvelopeReader(), event: nil, matched: 0)
            isWithinLine = false
        }
        if case .data(let id, let time, let hash, held: UInt8(ascii: "}")) = place,
            let payload = PayloadDigest(Array(hash.finalize()))
        {
            return .event(id: id, time: time, payload: payload)
        }
        if case .foreign = place { return .foreign }
        return isWithinLine ? .torn : .foreign
    }
}
