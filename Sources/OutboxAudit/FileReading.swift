import FileSink
import RelayCore

/// Reads the lines of a sink's files in their order, and goes on where they grow or are rotated.
struct FileReading: Sendable {
    /// Some lines.
    struct Portion {
        var events: [AuditLine] = []
        /// Lines that are no events, and whether they break off.
        var others: [(place: AuditLine.Place, isTorn: Bool)] = []
        /// There are no more for now.
        var isLast = false
    }

    /// How far a file was read.
    private struct Progress {
        let number: Int
        var offset = 0
        var lines = 0
        var parser = LineParser()
    }

    /// Bytes that are read at once.
    private static let chunk = 1 << 16

    private let files: SinkFiles
    private var progress: [FileIdentity: Progress] = [:]
    private var open: ArraySlice<ReadableFile> = []
    private var newest: FileIdentity?
    /// Every file that was met, under the name it had then.
    private(set) var paths: [String] = []
    /// Bytes that were read.
    private(set) var byteCount = 0

    init(_ files: SinkFiles) {
        self.files = files
    }

    /// Whole lines that were read.
    var lineCount: Int { progress.values.reduce(0) { $0 + $1.lines } }

    /// Whether the file that was written to last ends within a line.
    var newestIsWithinLine: Bool { newest.flatMap { progress[$0] }?.parser.isWithinLine ?? false }

    /// Where files end within a line.
    var tornPlaces: [AuditLine.Place] {
        progress.values.filter(\.parser.isWithinLine).sorted { $0.number < $1.number }
            .map { AuditLine.Place(file: $0.number, line: $0.lines + 1) }
    }

    /// Looks at the files as they are now; `next` reads what they have more.
    mutating func openFiles() throws(SinkError) {
        open = try files.open()[...]
        newest = open.last?.identity
    }

    /// The next lines, as many as a chunk holds beyond `count`.
    mutating func next(_ count: Int) throws(SinkError) -> Portion {
        var portion = Portion()
        while let file = open.first {
            if progress[file.identity] == nil {
                progress[file.identity] = Progress(number: paths.count)
                paths.append(file.path)
            }
            while let offset = progress[file.identity]?.offset, offset < file.size {
                guard portion.events.count + portion.others.count < count else { return portion }
                guard try read(file, at: offset, into: &portion) else { break }
            }
            open = open.dropFirst()
        }
        portion.isLast = true
        return portion
    }

    /// - Returns: false where the file is shorter than it was.
    private mutating func read(
        _ file: ReadableFile, at offset: Int, into portion: inout Portion
    ) throws(SinkError) -> Bool {
        guard var place = progress.removeValue(forKey: file.identity) else { return false }
        defer { progress[file.identity] = place }
        var buffer = [UInt8](repeating: 0, count: min(Self.chunk, file.size - offset))
        let count = try file.read(at: offset, into: &buffer)
        guard count > 0 else { return false }
        buffer.withUnsafeBytes { bytes in
            place.parser.take(UnsafeRawBufferPointer(rebasing: bytes[..<count])) { line in
                place.lines += 1
                let at = AuditLine.Place(file: place.number, line: place.lines)
                switch line {
                case .event(let id, let time, let payload):
                    portion.events.append(AuditLine(id: id, time: time, payload: payload, place: at))
                case .torn: portion.others.append((at, true))
                case .foreign: portion.others.append((at, false))
                }
            }
        }
        place.offset += count
        byteCount += count
        return true
    }
}
