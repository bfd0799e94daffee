import DedicatedThreads
import Glibc
import RelayCore

/// The files of one sink, as the thread of their own sees them: everything that touches the disk runs there.
actor FileLog {
    /// What is held from open to close.
    struct Place {
        let folder: LogFolder
        /// Held for as long as it is referred to.
        let lock: FolderLock
    }

    /// Held strongly: the actor's jobs run on it.
    private nonisolated let thread: DedicatedThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    let settings: FileSinkSettings
    let template: PathTemplate
    private let clock: @Sendable () -> Int64
    private let calls: DiskCalls
    private(set) var place: Place?
    /// Why the files are not open: the answer to a delivery meanwhile.
    private(set) var refusal: String?
    /// The file that is written to; nil until the next line is, where none is open.
    var file: LogFile?
    var seen: SeenWindow
    var pending = PendingLines()
    /// What the files hold may differ from what is known: somebody else wrote to them, or repaired them.
    var mustReadBack = false
    /// Folder, lock or file may be others than those that their paths lead to.
    var mustLook = false
    /// What this process wrote before the folder was moved away.
    var elsewhere: SeenWindow?
    /// A name was given or changed, and the folder is not known to have it durably.
    private var folderIsDirty = true

    init(
        thread: DedicatedThread, settings: FileSinkSettings, template: PathTemplate,
        clock: @escaping @Sendable () -> Int64, calls: DiskCalls
    ) {
        self.thread = thread
        self.settings = settings
        self.template = template
        self.clock = clock
        self.calls = calls
        seen = SeenWindow(capacity: settings.window)
    }

    /// The wall clock, in seconds since 1970-01-01 00:00 UTC.
    var now: Int64 { clock() / 1_000_000 }

    /// Takes the lock, cuts a torn line, reads the last lines.
    func open(_ outbox: OutboxPosition) -> Result<Void, SinkError> {
        close()
        do throws(SinkError) {
            do throws(DiskError) {
                let folder = try LogFolder(template)
                takePlace(in: folder, under: try FolderLock(folder, for: template, mode: settings.mode))
                try readBack()
            } catch {
                throw error.sinkError
            }
            if let last = seen.highest, last > outbox.lastValue {
                throw SinkError(
                    .misconfigured,
                    reason: "\(settings.path) holds event \(last), but the outbox's sequence is at "
                        + "\(outbox.lastValue): it is another outbox's file, or this database went back; "
                        + "give the sink another path, or restart the sequence above \(last)")
            }
            return .success(())
        } catch {
            close()
            refusal = error.reason
            return .failure(error)
        }
    }

    /// Lets go of file and lock.
    func close() {
        // What cannot be cut now is cut when the file is opened again, where it is torn.
        try? file?.repair()
        file = nil
        place = nil
        refusal = nil
        seen = SeenWindow(capacity: settings.window)
        elsewhere = nil
        mustReadBack = false
        mustLook = false
    }

    /// Works in this folder from now on.
    func takePlace(in folder: LogFolder, under lock: FolderLock) {
        place = Place(folder: folder, lock: lock)
        folderIsDirty = true
    }

    /// Makes the file of this moment the one that is written to.
    func takeUp(at now: Int64) throws(DiskError) {
        if mustLook { try lookAgain() }
        try file?.repair()
        if mustReadBack { try readBack() }
        let name = template.name(at: now)
        if let current = file {
            let status = try current.descriptor.status(current.path)
            if current.name != name || status.st_nlink == 0 {
                file = nil
            } else if Int(status.st_size) != current.end {
                // Not by us. What is there now decides.
                try readBack()
            }
        }
        if file == nil {
            try lookAgain()
            if mustReadBack { try readBack() }
            try openFile(name)
        }
        if let current = file, isOver(current, at: now) { try beginAnew(name) }
        if folderIsDirty {
            try place?.folder.sync()
            folderIsDirty = false
        }
    }

    /// Puts the file aside as the next of its name, and begins a new one. All that was given to it is durable.
    func rotate(at now: Int64) throws(DiskError) {
        guard file != nil else { return }
        try beginAnew(template.name(at: now))
        try takeUp(at: now)
    }

    /// Whether under its name there is another file, or none.
    func isMovedAway(_ current: LogFile, from folder: LogFolder) -> Bool {
        !folder.holds(current.descriptor, as: current.name)
    }

    /// Begins the next file; the present one is put aside, unless somebody moved it or its folder away.
    private func beginAnew(_ name: String) throws(DiskError) {
        try lookAgain()
        if mustReadBack { try readBack() }
        if let current = file { try putAside(current) }
        try openFile(name)
    }

    private func openFile(_ name: String) throws(DiskError) {
        guard let folder = place?.folder else { return }
        let path = folder.path(of: name)
        if let found = try folder.open(name, O_RDWR | O_APPEND) {
            try cutTornLine(TailReader(found, path: path, limit: 0), found, path)
            file = try LogFile(found, name: name, path: path, calls: calls)
            return
        }
        folderIsDirty = true
        let flags = O_RDWR | O_APPEND | O_CREAT | O_EXCL
        guard let made = try folder.open(name, flags, mode: settings.mode) else { return }
        // The umask is not asked.
        fchmod(made.number, settings.mode)
        file = try LogFile(made, name: name, path: path, calls: calls)
    }

    private func isOver(_ file: LogFile, at now: Int64) -> Bool {
        guard let age = settings.rotation.age, file.end > 0 else { return false }
        let length = max(age.components.seconds, 1)
        return now / length > file.lastWrite / length
    }

    private func putAside(_ current: LogFile) throws(DiskError) {
        guard let folder = place?.folder else { return }
        var number = RotatedName.next(after: try folder.names(beginningWith: current.name), of: current.name)
        while try !folder.rename(current.name, to: RotatedName.make(current.name, number)) { number += 1 }
        folderIsDirty = true
        file = nil
    }
}
