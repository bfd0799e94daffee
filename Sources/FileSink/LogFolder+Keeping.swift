import Glibc

extension LogFolder {
    /// Copies what is to be cut off a file into one beside it, `.NAME.cut-OFFSET`, and makes it durable.
    ///
    /// Lines behind a hole were never called delivered where a crash of the system made the hole; where a disk that lost
    /// what it had made it, they may have been. Nothing but a look at them can tell.
    func keepCopy(of file: Descriptor, from start: Int, to end: Int, name: String, mode: UInt32) throws(DiskError) {
        let (copy, path) = try makeCopy(".\(name).cut-\(start)", mode: mode)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var position = start
        while position < end {
            let count = pread(file.number, &buffer, min(buffer.count, end - position), off_t(position))
            guard count > 0 else { throw count < 0 ? DiskError.last(self.path(of: name)) : .init(.failed(EIO), path) }
            var written = 0
            while written < count {
                let more = buffer[written..<count].withUnsafeBytes { write(copy.number, $0.baseAddress, $0.count) }
                if more < 0, errno == EINTR { continue }
                guard more > 0 else { throw more < 0 ? DiskError.last(path) : DiskError(.failed(ENOSPC), path) }
                written += more
            }
            position += count
        }
        guard fsync(copy.number) == 0 else { throw DiskError.last(path) }
        try sync()
    }

    /// Makes a file that was not there; where the name is taken, with a number behind it.
    private func makeCopy(_ name: String, mode: UInt32) throws(DiskError) -> (Descriptor, path: String) {
        for number in 1...1000 {
            let name = number == 1 ? name : "\(name).\(number)"
            if status(of: name) != nil { continue }
            guard let made = try open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode) else { break }
            return (made, path(of: name))
        }
        throw DiskError(.failed(EEXIST), path(of: name))
    }
}
