import Glibc
import RelayCore

/// Reads the last lines of a file backwards, in bounded memory, by what is on the disk.
struct TailReader {
    /// One line.
    struct Line: Hashable {
        var id: Int64
        var time: FileTime
    }

    private let descriptor: Descriptor
    private let path: String
    /// How much is read at once, in bytes.
    private let step: Int
    /// Behind the last line end, 0 where there is none; or where the line begins in which there is a hole.
    let end: Int
    /// Whether one of the last lines has zeros in it, which no line of ours has: after a crash of the system the file is
    /// as long as it was to be, and what the disk did not get of it is zeros.
    let hasHole: Bool
    /// The file's length.
    let size: Int
    /// Where the last lines begin, ascending.
    private var starts: [Int] = []

    /// Finds the last lines.
    ///
    /// What was written and not synced is synced, and then read from the disk and not from memory: after an fsync that
    /// failed the memory may show what the disk does not have, and the next fsync says nothing of it.
    ///
    /// - Parameter limit: how many lines, at least 0.
    init(_ descriptor: Descriptor, path: String, limit: Int, step: Int = 1 << 16) throws(DiskError) {
        self.descriptor = descriptor
        self.path = path
        self.step = step
        guard fsync(descriptor.number) == 0 else { throw DiskError.last(path) }
        posix_fadvise(descriptor.number, 0, 0, Int32(POSIX_FADV_DONTNEED))
        size = Int(try descriptor.status(path).st_size)
        var buffer = [UInt8](repeating: 0, count: step)
        var end = 0
        var hole: Int?
        var position = size
        while position > 0, starts.count < limit || end == 0 {
            let count = min(step, position)
            position -= count
            try Self.read(descriptor, path, at: position, count, into: &buffer)
            for index in stride(from: count - 1, through: 0, by: -1) where buffer[index] <= UInt8(ascii: "\n") {
                let start = position + index + 1
                if buffer[index] == 0 {
                    if end > 0, starts.count < limit { hole = start - 1 }
                } else if buffer[index] != UInt8(ascii: "\n") {
                    continue
                } else if end == 0 {
                    end = start
                } else if starts.count < limit {
                    starts.append(start)
                } else {
                    break
                }
            }
        }
        if position == 0, end > 0, starts.count < limit { starts.append(0) }
        starts.reverse()
        if let hole {
            end = starts.last { $0 <= hole } ?? 0
            starts.removeAll { $0 >= end }
        }
        hasHole = hole != nil
        self.end = end
    }

    /// The last lines, in the file's order.
    ///
    /// - Throws: `.foreign` where one of them is not a line of ours.
    func lines() throws(DiskError) -> [Line] {
        var lines: [Line] = []
        lines.reserveCapacity(starts.count)
        var buffer = [UInt8](repeating: 0, count: min(step, 1024))
        for (index, start) in starts.enumerated() {
            let next = index + 1 < starts.count ? starts[index + 1] : end
            lines.append(try line(start..<next - 1, &buffer))
        }
        return lines
    }

    /// Checks that what is at the end is a line of ours that broke off, or zeros that a crash of the system left,
    /// and so may be cut.
    ///
    /// - Throws: `.foreign` where it is not.
    func verifyTornLine() throws(DiskError) {
        var buffer = [UInt8](repeating: 0, count: min(step, size - end, 32))
        try Self.read(descriptor, path, at: end, buffer.count, into: &buffer)
        let isOurs = buffer.withUnsafeBytes { bytes in
            EnvelopeReader.canBegin(UnsafeRawBufferPointer(rebasing: bytes.prefix { $0 != 0 }))
        }
        // A hole ends where a block does.
        let zeros = buffer.firstIndex(of: 0).map { start in
            buffer[start...].prefix((end + start) / Self.block * Self.block + Self.block - end - start)
        }
        guard isOurs, zeros?.allSatisfy({ $0 == 0 }) != false else { throw DiskError(.foreign(offset: end), path) }
    }

    /// The smallest that a disk writes at once, in bytes.
    private static let block = 512

    private func line(_ range: Range<Int>, _ buffer: inout [UInt8]) throws(DiskError) -> Line {
        var reader = EnvelopeReader()
        var position = range.lowerBound
        while position < range.upperBound {
            let count = min(buffer.count, range.upperBound - position)
            try Self.read(descriptor, path, at: position, count, into: &buffer)
            position += count
            switch buffer.withUnsafeBytes({ reader.read(UnsafeRawBufferPointer(rebasing: $0[..<count])) }) {
            case .unfinished: continue
            case .foreign: throw DiskError(.foreign(offset: range.lowerBound), path)
            case .event(let id, let time): return Line(id: id, time: FileTime(time))
            }
        }
        throw DiskError(.foreign(offset: range.lowerBound), path)
    }

    private static func read(
        _ descriptor: Descriptor, _ path: String, at offset: Int, _ count: Int, into buffer: inout [UInt8]
    ) throws(DiskError) {
        var done = 0
        while done < count {
            let got = buffer.withUnsafeMutableBytes { bytes in
                pread(descriptor.number, bytes.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw DiskError.last(path) }
            // Somebody made it shorter meanwhile.
            guard got > 0 else { throw DiskError(.failed(EIO), path) }
            done += got
        }
    }
}
