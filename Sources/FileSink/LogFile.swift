import Glibc

/// The file that is being written to, which this process alone may change.
///
/// What a failed call leaves in doubt is cut off before anything else happens: after an fsync that failed, Linux takes
/// the pages for written, and the next fsync succeeds without them ("fsyncgate"). So it is never repeated over the same
/// bytes; they are cut and written anew.
struct LogFile {
    let name: String
    let path: String
    let descriptor: Descriptor
    private let calls: DiskCalls
    /// How long the file is for sure, on the disk.
    private(set) var durable: Int
    /// How long the file is with what was written since.
    private(set) var end: Int
    /// How much of it may still become durable: not what an fsync failed on.
    private(set) var trusted: Int
    /// When the last line was written, in seconds since 1970-01-01.
    private(set) var lastWrite: Int64
    /// Lines that wait to be written together.
    private var staged: [UInt8] = []
    /// Something behind `durable` must go.
    private(set) var needsCut = false

    /// Lines shorter than this are written together.
    private static let stage = 1 << 18

    /// Goes on with a file that ends with a line end, all of which is durable.
    init(_ descriptor: Descriptor, name: String, path: String, calls: DiskCalls) throws(DiskError) {
        let status = try descriptor.status(path)
        self.descriptor = descriptor
        self.name = name
        self.path = path
        self.calls = calls
        durable = Int(status.st_size)
        end = durable
        trusted = durable
        lastWrite = Int64(status.st_mtim.tv_sec)
    }

    /// Where the file will end with all that was given to it.
    var givenEnd: Int { end + staged.count }

    /// Takes whole lines.
    mutating func append(_ lines: UnsafeRawBufferPointer) throws(DiskError) {
        if staged.count + lines.count > Self.stage { try flush() }
        if lines.count > Self.stage {
            if let failure = write(lines) { throw failure }
        } else {
            staged.append(contentsOf: lines)
        }
    }

    /// Makes what was given durable.
    mutating func sync(at now: Int64) throws(DiskError) {
        try flush()
        guard end > durable else { return }
        guard calls.sync(descriptor.number) == 0 else {
            let error = DiskError.last(path)
            // Nothing of it may be made durable by trying again.
            trusted = durable
            needsCut = true
            throw error
        }
        durable = end
        trusted = end
        lastWrite = now
    }

    /// Gives up what lies behind `size`, and what was not written yet; `size` lies between `durable` and `trusted`.
    mutating func cut(to size: Int) throws(DiskError) {
        staged.removeAll(keepingCapacity: true)
        guard needsCut || size < end else { return }
        needsCut = true
        guard calls.truncate(descriptor.number, size) == 0 else { throw DiskError.last(path) }
        end = size
        trusted = size
        needsCut = false
    }

    /// Cuts all that is not durable, where a failure left something that could not be cut at once.
    mutating func repair() throws(DiskError) {
        if needsCut { try cut(to: durable) }
    }

    private mutating func flush() throws(DiskError) {
        guard !staged.isEmpty else { return }
        // Taken out for the time, so that neither of the two is copied.
        var bytes: [UInt8] = []
        swap(&bytes, &staged)
        let failure = bytes.withUnsafeBytes { write($0) }
        bytes.removeAll(keepingCapacity: true)
        swap(&bytes, &staged)
        if let failure { throw failure }
    }

    private mutating func write(_ bytes: UnsafeRawBufferPointer) -> DiskError? {
        var rest = bytes
        while !rest.isEmpty {
            let count = calls.write(descriptor.number, rest)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                // What takes nothing, and gives no reason, has no room.
                let error = count < 0 ? DiskError.last(path) : DiskError(.failed(ENOSPC), path)
                needsCut = true
                return error
            }
            end += count
            trusted = end
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return nil
    }
}
