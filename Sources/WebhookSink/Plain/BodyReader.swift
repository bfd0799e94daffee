/// Finds the end of a response's body (RFC 9112, sections 6 and 7) and keeps how it begins.
///
/// The status has decided already, so nothing here is an error: a body whose end cannot be found only ends the connection.
struct BodyReader: Sendable {
    private enum State: Sendable, Hashable {
        /// So many bytes are left of the body. Exit: `whole`.
        case length(Int64)
        /// The line that tells a chunk's size: what came of it. Exits: `chunk`, `trailer`, `lost`.
        case size([UInt8])
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

    /// Bytes of the line that tells a chunk's size, at most.
    private static let sizeLimit = 256

    private var state: State
    /// How the body begins, at most ``ResponseBody/kept`` bytes.
    private(set) var beginning: [UInt8] = []
    /// Bytes that were read.
    private(set) var count = 0

    init(_ framing: ResponseHead.Framing) {
        switch framing {
        case .none: state = .whole
        case .length(let length): state = length == 0 ? .whole : .length(length)
        case .chunked: state = .size([])
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
                state = .size([])
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

    private mutating func readSize(_ line: [UInt8], _ bytes: UnsafeRawBufferPointer) -> Int {
        guard bytes[0] == 0x0A else {
            state = line.count < Self.sizeLimit ? .size(line + [bytes[0]]) : .lost
            return 1
        }
        // What follows a semicolon, or a blank, is not the size.
        let digits = line.prefix { $0 != 0x3B && $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }
        guard let size = Int64(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0, digits.first != 0x2B
        else {
            state = .lost
            return 1
        }
        state = size == 0 ? .trailer(0) : .chunk(size)
        return 1
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer, atMost limit: Int64) -> Int {
        let count = Int(min(Int64(bytes.count), limit))
        beginning += bytes.prefix(min(count, ResponseBody.kept - beginning.count))
        return count
    }
}
