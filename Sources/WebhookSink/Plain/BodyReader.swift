/// Finds the end of a response's body (RFC 9112, sections 6 and 7) and keeps how it begins.
///
/// The status has decided already, so nothing here is an error: a body whose end cannot be found only ends the connection.
struct BodyReader: Sendable {
    private enum State: Sendable, Hashable {
        /// So many bytes are left of the body. Exit: `whole`.
        case length(Int64)
        /// The line that tells a chunk's size. Exits: `chunk`, `trailer`, `lost`.
        case size(SizeLine)
        /// So many bytes are left of a chunk. Exit: `chunkEnd`.
        case chunk(Int64)
        /// Its line end. Exits: `size`, `lost`.
        case chunkEnd
        /// Lines up to an empty one; so many bytes of the present one. Exit: `whole`.
        case trailer(Int)
        /// It ends with the connection.
        case connection
        /// Its end cannot be found.
        case lost
        case whole
    }

    /// `1A;name=value`: what came of it.
    private struct SizeLine: Sendable, Hashable {
        /// Bytes of it, at most.
        static let limit = 256

        var size: Int64 = 0
        var digits = 0
        var count = 0
        /// The digits are over.
        var isExtension = false

        func adding(_ digit: Int64) -> SizeLine {
            var line = self
            line.size = size << 4 | digit
            return line
        }
    }

    private var state: State
    /// How the body begins, at most ``ResponseBody/kept`` bytes.
    private(set) var beginning: [UInt8] = []
    /// Bytes that were read.
    private(set) var count = 0

    init(_ framing: ResponseHead.Framing) {
        switch framing {
        case .none: state = .whole
        case .length(let length): state = length == 0 ? .whole : .length(length)
        case .chunked: state = .size(SizeLine())
        case .connection: state = .connection
        }
    }

    /// Whether nothing is left to read.
    var isWhole: Bool { state == .whole }

    /// Whether reading on leads nowhere.
    var isLost: Bool { state == .lost }

    /// Reads on.
    ///
    /// - Returns: how many of the bytes belong to the response.
    mutating func read(_ bytes: UnsafeRawBufferPointer) -> Int {
        var taken = 0
        while taken < bytes.count, state != .whole, state != .lost {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[taken...])
            taken += step(rest)
        }
        count += taken
        return taken
    }

    /// - Returns: the bytes that it took, at least one.
    private mutating func step(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch state {
        case .length(let left):
            let part = keep(bytes, atMost: left)
            state = left == Int64(part) ? .whole : .length(left - Int64(part))
            return part
        case .chunk(let left):
            let part = keep(bytes, atMost: left)
            state = left == Int64(part) ? .chunkEnd : .chunk(left - Int64(part))
            return part
        case .connection: return keep(bytes, atMost: .max)
        case .size(let line): return readSize(line, bytes)
        case .chunkEnd:
            if bytes[0] == 0x0A {
                state = .size(SizeLine())
            } else if bytes[0] != 0x0D {
                state = .lost
            }
            return 1
        case .trailer(let length):
            if bytes[0] == 0x0A {
                state = length == 0 ? .whole : .trailer(0)
            } else if bytes[0] != 0x0D {
                state = .trailer(length + 1)
            }
            return 1
        case .lost, .whole: return bytes.count
        }
    }

    private mutating func readSize(_ line: SizeLine, _ bytes: UnsafeRawBufferPointer) -> Int {
        let byte = bytes[0]
        if byte == 0x0A {
            state = line.digits == 0 ? .lost : line.size == 0 ? .trailer(0) : .chunk(line.size)
            return 1
        }
        var line = line
        line.count += 1
        if !line.isExtension, let digit = Self.hexDigit(byte) {
            line.digits += 1
            // Sixteen digits would not fit, and nobody has so much to say.
            state = line.digits < 16 && line.count < SizeLine.limit ? .size(line.adding(digit)) : .lost
        } else if line.isExtension || byte == 0x3B || byte == 0x20 || byte == 0x09 || byte == 0x0D {
            line.isExtension = true
            state = line.count < SizeLine.limit ? .size(line) : .lost
        } else {
            state = .lost
        }
        return 1
    }

    private static func hexDigit(_ byte: UInt8) -> Int64? {
        switch byte {
        case 0x30...0x39: Int64(byte - 0x30)
        case 0x41...0x46: Int64(byte - 0x41 + 10)
        case 0x61...0x66: Int64(byte - 0x61 + 10)
        default: nil
        }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer, atMost limit: Int64) -> Int {
        let count = Int(min(Int64(bytes.count), limit))
        beginning += bytes.prefix(min(count, ResponseBody.kept - beginning.count))
        return count
    }
}
