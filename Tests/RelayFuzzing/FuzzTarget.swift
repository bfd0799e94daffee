/// A part of the relay, or of the ledger, that reads what others wrote, as something that takes any bytes.
///
/// A target neither traps nor reads beyond its input, whatever that is; what more must hold it says itself.
package struct FuzzTarget: Sendable {
    /// As its folder of the corpus is called.
    package let name: String
    /// The longest input that makes sense, in bytes.
    package let longest: Int
    private let body: @Sendable (UnsafeRawBufferPointer) throws(BrokenPromise) -> Bool

    init(
        _ name: String, longest: Int = 4096,
        _ body: @escaping @Sendable (UnsafeRawBufferPointer) throws(BrokenPromise) -> Bool
    ) {
        self.name = name
        self.longest = longest
        self.body = body
    }

    /// Reads an input.
    ///
    /// - Returns: whether it was taken for what it should be, rather than refused.
    /// - Throws: what should have held and did not.
    package func run(_ input: UnsafeRawBufferPointer) throws(BrokenPromise) -> Bool { try body(input) }

    /// All of them.
    package static let all: [FuzzTarget] = [
        .pgoutput, .row, .line, .connection, .configuration, .option, .quantity, .answer, .recovery, .endpoint, .proxy,
        .path, .statement, .request, .query,
    ]
}

/// What a target found broken.
package struct BrokenPromise: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// Throws unless a condition holds.
func promise(_ holds: Bool, _ what: @autoclosure () -> String) throws(BrokenPromise) {
    if !holds { throw BrokenPromise(what()) }
}

/// Throws if a piece of a secret is in what is shown, unless it is in what may be shown as well.
func promiseHidden(_ secret: String, in shown: String, open: [String], _ what: String) throws(BrokenPromise) {
    // Eight of what stands for itself: of bytes, three make one of what cannot be decoded, and stand anywhere.
    let width = 8
    let (secret, shown) = (Array(secret.unicodeScalars), Array(shown.unicodeScalars))
    let open = open.map { Array($0.unicodeScalars) }
    guard secret.count >= width else { return }
    for start in 0...(secret.count - width) {
        let piece = secret[start..<start + width]
        if shown.firstRange(of: piece) != nil, open.allSatisfy({ $0.firstRange(of: piece) == nil }) {
            throw BrokenPromise("\(what) shows a piece of a secret: \(String(String.UnicodeScalarView(piece)))")
        }
    }
}

/// Throws if what is said to people has a second line, what could rewrite a terminal, or marks of direction.
func promiseOneLine(_ text: String) throws(BrokenPromise) {
    let isOneLine = text.unicodeScalars.allSatisfy { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
    try promise(isOneLine, "a message that is more than a line of text: \(text)")
}

/// Cuts an input into parts, the way libFuzzer's own provider does it: by a byte that is rare in texts.
struct InputParts {
    private var rest: UnsafeRawBufferPointer

    init(_ input: UnsafeRawBufferPointer) { rest = input }

    /// Up to the next 0xFF, or the end.
    mutating func next() -> UnsafeRawBufferPointer {
        let count = rest.firstIndex(of: 0xFF) ?? rest.count
        defer { rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count + 1)) }
        return UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    }

    mutating func text() -> String { String(decoding: next(), as: UTF8.self) }

    var isEmpty: Bool { rest.isEmpty }
}
