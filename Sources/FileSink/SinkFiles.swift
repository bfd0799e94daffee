import Glibc
import RelayCore
import WallClock

/// The files of a sink, for a reader: the one at the path and those that were put aside.
package struct SinkFiles: Sendable {
    private let template: PathTemplate

    /// - Parameter path: as a file sink is given it; perhaps with a date in the name.
    /// - Throws: where no file can have such a path.
    package init(path: String) throws(SinkError) {
        template = try PathTemplate(path)
    }

    /// Opens the files as they are now, the oldest in front.
    ///
    /// - Throws: where there are none, or one cannot be read.
    package func open() throws(SinkError) -> [ReadableFile] {
        do throws(DiskError) {
            let folder = try LogFolder(template)
            // A file that is put aside between the look and the opening would be met under another name.
            for _ in 0..<10 {
                let files = try open(in: folder)
                guard !files.isEmpty else { throw DiskError(.failed(ENOENT), folder.path(of: template.name)) }
                if try files.map(\.identity) == open(in: folder).map(\.identity) { return files }
            }
            throw DiskError(.failed(EBUSY), folder.path(of: template.name))
        } catch {
            throw error.sinkError
        }
    }

    private func open(in folder: LogFolder) throws(DiskError) -> [ReadableFile] {
        var files: [ReadableFile] = []
        for name in try folder.namesByAge(current: template.name(at: WallClock.seconds)).reversed() {
            guard let descriptor = try folder.open(name, O_RDONLY) else { continue }
            files.append(try ReadableFile(descriptor, path: folder.path(of: name)))
        }
        return files
    }
}

/// A file that is open for reading.
package struct ReadableFile: Sendable {
    package let path: String
    package let identity: FileIdentity
    /// How long it was when it was opened, in bytes.
    package let size: Int
    private let descriptor: Descriptor

    init(_ descriptor: Descriptor, path: String) throws(DiskError) {
        let status = try descriptor.status(path)
        self.descriptor = descriptor
        self.path = path
        identity = FileIdentity(status)
        size = Int(status.st_size)
    }

    /// Reads what is at an offset, as much as fits; 0 is the end.
    package func read(at offset: Int, into buffer: inout [UInt8]) throws(SinkError) -> Int {
        while true {
            let count = buffer.withUnsafeMutableBytes { bytes in
                pread(descriptor.number, bytes.baseAddress, bytes.count, off_t(offset))
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw DiskError.last(path).sinkError }
            return count
        }
    }
}
