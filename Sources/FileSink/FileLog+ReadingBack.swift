import Glibc
import RelayCore

extension FileLog {
    /// Learns from the files what their last lines are, cutting what a crash tore.
    ///
    /// The file of this moment is looked at first, then the others from the one that was written to last, until there
    /// are as many lines as the window has.
    func readBack() throws(DiskError) {
        guard let folder = place?.folder else { return }
        file = nil
        var newestFirst: [[TailReader.Line]] = []
        var missing = settings.window
        for name in try folder.namesByAge(current: template.name(at: now)) where missing > 0 {
            let lines = try lastLines(of: name, in: folder, limit: missing)
            newestFirst.append(lines)
            missing -= lines.count
        }
        var seen = elsewhere ?? SeenWindow(capacity: settings.window)
        for lines in newestFirst.reversed() {
            for line in lines { seen.append(line.id, line.time) }
        }
        self.seen = seen
        mustReadBack = false
    }

    /// Cuts what is behind the last whole line.
    func cutTornLine(_ tail: TailReader, _ descriptor: Descriptor, _ path: String) throws(DiskError) {
        guard tail.size > tail.end else { return }
        try tail.verifyTornLine()
        guard ftruncate(descriptor.number, tail.end) == 0, fsync(descriptor.number) == 0 else {
            throw DiskError.last(path)
        }
    }

    private func lastLines(
        of name: String, in folder: LogFolder, limit: Int
    ) throws(DiskError) -> [TailReader.Line] {
        let path = folder.path(of: name)
        guard let descriptor = try folder.open(name, O_RDONLY) else { return [] }
        var tail = try TailReader(descriptor, path: path, limit: limit)
        while tail.hasHole {
            // Only in a file that is ours.
            _ = try tail.lines()
            try tail.verifyTornLine()
            guard let writable = try folder.open(name, O_RDWR) else { return [] }
            try folder.keepCopy(of: descriptor, from: tail.end, to: tail.size, name: name, mode: settings.mode)
            try cutTornLine(tail, writable, path)
            tail = try TailReader(descriptor, path: path, limit: limit)
        }
        let lines = try tail.lines()
        if tail.size > tail.end, let writable = try folder.open(name, O_RDWR) {
            try cutTornLine(tail, writable, path)
        }
        return lines
    }
}
