/// A part of the relay that reads what others wrote, as something that takes any bytes.
///
/// A target neither traps nor reads beyond its input, whatever that is; what more must hold it says itself.
package struct FuzzTarget: Sendable {
    /// As its folder of the corpus is called.
    package let name: String
    /// The longest input that makes sense, in bytes.
    package let longest: Int
    private let body: @Sendable (UnsafeRawBufferPointer) throws(BrokenPromise) -> Void

    init(
        _ name: String, longest: Int = 4096,
        _ body: @escaping @Sendable (UnsafeRawBufferPointer) throws(BrokenPromise) -> Void
    ) {
        self.name = name
        self.longest = longest
        self.body = body
    }

    /// Reads an input.
    ///
    /// - Throws: what should have held and did not.
    package func run(_ input: UnsafeRawBufferPointer) throws(BrokenPromise) { try body(input) }

    /// All of them.
    package static let all: [FuzzTarget] = [
        .pgoutput, .row, .line, .connection, .configuration, .option, .quantity, .answer, .recovery,
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
