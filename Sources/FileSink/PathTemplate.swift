import RelayCore

/// A path whose last part may hold the date: `/var/log/outbox/events-%Y-%m-%d.jsonl`.
package struct PathTemplate: Sendable {
    private enum Piece: Sendable {
        case text([UInt8])
        /// A number of so many digits.
        case year, month, day, hour

        var width: Int {
            switch self {
            case .text(let bytes): bytes.count
            case .year: 4
            case .month, .day, .hour: 2
            }
        }
    }

    /// The folder's path, `.` where the template names none.
    package let folder: String
    /// The last part as it is written, with its placeholders.
    package let name: String
    private let pieces: [Piece]

    /// What a name may have, so that there is room for what is added to it; a file system allows 255.
    private static let longestName = 200

    /// - Throws: one sentence, where no file can have such a path.
    package init(_ path: String) throws(SinkError) {
        func refused(_ problem: String) -> SinkError {
            SinkError(.misconfigured, reason: "the path \"\(path)\" \(problem)")
        }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        guard !name.isEmpty, name != ".", name != ".." else {
            throw refused("names no file; end it with a file's name")
        }
        guard !path.utf8.contains(0) else { throw refused("contains a zero byte; remove it") }
        guard !folder.contains("%") else {
            throw refused("has a % in its folder; remove it, since only the file's name may contain the date")
        }
        var pieces: [Piece] = []
        var text: [UInt8] = []
        var rest = name.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                text.append(byte)
                continue
            }
            let field: Piece
            switch rest.popFirst() {
            case UInt8(ascii: "%"):
                text.append(byte)
                continue
            case UInt8(ascii: "Y"): field = .year
            case UInt8(ascii: "m"): field = .month
            case UInt8(ascii: "d"): field = .day
            case UInt8(ascii: "H"): field = .hour
            default: throw refused("has a % that is not part of %Y, %m, %d, %H or %%; write %% for a percent sign")
            }
            pieces += [.text(text), field]
            text = []
        }
        pieces.append(.text(text))
        // With the date in it: a year takes twice the room of its placeholder.
        guard pieces.reduce(0, { $0 + $1.width }) <= Self.longestName else {
            throw refused("has a name of more than \(Self.longestName) bytes; shorten it")
        }
        self.folder = folder
        self.name = name
        self.pieces = pieces
    }

    /// The file's name at a moment, in seconds since 1970-01-01 00:00 UTC.
    package func name(at seconds: Int64) -> String {
        let day = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let date = CivilDate(daysSince1970: day)
        var bytes: [UInt8] = []
        for piece in pieces {
            switch piece {
            case .text(let text): bytes += text
            case .year: bytes += Self.digits(date.year, piece.width)
            case .month: bytes += Self.digits(date.month, piece.width)
            case .day: bytes += Self.digits(date.day, piece.width)
            case .hour: bytes += Self.digits((seconds - day * 86_400) / 3600, piece.width)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// What is behind the template's own name in a file's name, whatever the date; nil where it is not its name.
    package func suffix(of name: String) -> Substring? {
        var rest = name.utf8[...]
        for piece in pieces {
            let part = rest.prefix(piece.width)
            switch piece {
            case .text(let text): guard part.elementsEqual(text) else { return nil }
            case .year, .month, .day, .hour:
                guard part.count == piece.width, part.allSatisfy(\.isDigit) else { return nil }
            }
            rest = rest.dropFirst(piece.width)
        }
        return Substring(rest)
    }

    private static func digits(_ number: Int64, _ width: Int) -> [UInt8] {
        var rest = max(number, 0)
        var digits: [UInt8] = []
        for _ in 0..<width {
            digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        return digits.reversed()
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}
