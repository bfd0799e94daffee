/// Reads the fields of a protocol message, in network byte order, and never beyond its end.
struct MessageReader {
    private let bytes: UnsafeRawBufferPointer
    /// What the message is, for the error that says where it ended too soon.
    private let message: StaticString
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer, of message: StaticString) {
        self.bytes = bytes
        self.message = message
    }

    /// How many bytes are left.
    var remaining: Int { bytes.count - position }

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ type: T.Type = T.self) throws(PgoutputError) -> T {
        let field = try take(MemoryLayout<T>.size)
        return T(bigEndian: field.loadUnaligned(as: T.self))
    }

    /// The given number of bytes, in place.
    mutating func take(_ count: Int) throws(PgoutputError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= remaining else { throw .malformed(message: "\(message)", offset: position) }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
    }

    /// A text that ends with a zero byte, in place and without it.
    mutating func text() throws(PgoutputError) -> UnsafeRawBufferPointer {
        guard let end = bytes[position...].firstIndex(of: 0) else {
            throw .malformed(message: "\(message)", offset: position)
        }
        defer { position = end + 1 }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<end])
    }

    /// All that is left, in place.
    mutating func rest() -> UnsafeRawBufferPointer {
        defer { position = bytes.count }
        return UnsafeRawBufferPointer(rebasing: bytes[position...])
    }

    /// What to throw where a field says something that cannot be.
    func malformed() -> PgoutputError {
        .malformed(message: "\(message)", offset: position)
    }
}
