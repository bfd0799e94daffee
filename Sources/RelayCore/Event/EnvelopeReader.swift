/// Reads id and time back from the beginning of an event's line, in pieces of any size, without the rest of it.
///
/// It knows the members that `EventBatchBuilder` writes and their order, and nothing else of JSON. It trusts nothing:
/// what is not so written is `foreign`.
package struct EnvelopeReader: Sendable {
    /// What the bytes so far came to.
    package enum Outcome: Sendable, Hashable {
        /// An event may still come of it.
        case unfinished
        /// An event; `time` is nil where it lies outside the years that a line can name.
        case event(id: Int64, time: EventTime?)
        /// It is not a line of ours.
        case foreign
    }

    private enum Place: Sendable {
        /// In what every line begins with; so many bytes of it were there.
        case beginning(Int)
        case id
        /// Before a member's name: so many bytes of `,"` were there.
        case beforeName(Int)
        case name
        /// Between a member's name and the inside of its value: so many bytes of `:"` were there.
        case beforeValue(Int)
        case value
        /// In a value, behind a backslash.
        case escape
    }

    private static let beginning = StaticBytes(#"{"specversion":"1.0","id":""#)
    private static let beforeName = StaticBytes(",\"")
    private static let beforeValue = StaticBytes(":\"")
    /// The members behind the id. Those that a line may lack are marked.
    private static let members: [(name: StaticBytes, isOptional: Bool)] = [
        (StaticBytes("source"), false), (StaticBytes("type"), false), (StaticBytes("subject"), true),
        (StaticBytes("time"), true), (StaticBytes("datacontenttype"), false),
    ]
    private static let time = 3
    private static let last = 4
    /// Longer than any id, name or time.
    private static let longest = 32

    private var place = Place.beginning(0)
    private var id: Int64 = 0
    /// Which of the members is being read.
    private var member = -1
    /// What was read of the id, of a member's name or of the time.
    private var text: [UInt8] = []

    package init() {}

    /// Whether a line of ours can begin with these bytes, which may be few or none.
    package static func canBegin(_ bytes: UnsafeRawBufferPointer) -> Bool {
        zip(bytes, 0..<beginning.count).allSatisfy { $0 == beginning[$1] }
    }

    /// Takes the next bytes of the line.
    package mutating func read(_ bytes: UnsafeRawBufferPointer) -> Outcome {
        for byte in bytes {
            let outcome = take(byte)
            if outcome != .unfinished { return outcome }
        }
        return .unfinished
    }

    private mutating func take(_ byte: UInt8) -> Outcome {
        switch place {
        case .beginning(let count):
            guard byte == Self.beginning[count] else { return .foreign }
            place = count + 1 == Self.beginning.count ? .id : .beginning(count + 1)
        case .id:
            return byte == UInt8(ascii: "\"") ? endID() : keep(byte)
        case .beforeName(let count):
            guard byte == Self.beforeName[count] else { return .foreign }
            place = count + 1 == Self.beforeName.count ? .name : .beforeName(count + 1)
        case .name:
            return byte == UInt8(ascii: "\"") ? endName() : keep(byte)
        case .beforeValue(let count):
            guard byte == Self.beforeValue[count] else { return .foreign }
            place = count + 1 == Self.beforeValue.count ? .value : .beforeValue(count + 1)
        case .value:
            if byte == UInt8(ascii: "\"") { return endValue() }
            if byte == UInt8(ascii: "\\") { place = .escape }
            if byte < 0x20 { return .foreign }
            if member == Self.time { return keep(byte) }
        case .escape:
            place = .value
        }
        return .unfinished
    }

    private mutating func keep(_ byte: UInt8) -> Outcome {
        text.append(byte)
        return text.count > Self.longest ? .foreign : .unfinished
    }

    private mutating func endID() -> Outcome {
        // As it is written, and not only as a number can be: no sign or zeros in front.
        guard let id = Int64(String(decoding: text, as: UTF8.self)), text.elementsEqual("\(id)".utf8) else {
            return .foreign
        }
        self.id = id
        text.removeAll(keepingCapacity: true)
        place = .beforeName(0)
        return .unfinished
    }

    private mutating func endName() -> Outcome {
        repeat {
            member += 1
            if member > Self.last { return .foreign }
        } while !Self.members[member].name.equals(text) && Self.members[member].isOptional
        guard Self.members[member].name.equals(text) else { return .foreign }
        text.removeAll(keepingCapacity: true)
        if member == Self.last { return .event(id: id, time: nil) }
        place = .beforeValue(0)
        return .unfinished
    }

    private mutating func endValue() -> Outcome {
        place = .beforeName(0)
        guard member == Self.time else { return .unfinished }
        guard let time = text.withUnsafeBytes(EventTime.init(envelope:)) else { return .foreign }
        return .event(id: id, time: time)
    }
}

/// The bytes of a text that is known at compile time.
private struct StaticBytes: Sendable {
    private let text: StaticString

    init(_ text: StaticString) {
        self.text = text
    }

    var count: Int { text.utf8CodeUnitCount }

    subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        return text.utf8Start[index]
    }

    func equals(_ bytes: [UInt8]) -> Bool {
        bytes.count == count && bytes.indices.allSatisfy { bytes[$0] == self[$0] }
    }
}
