import RelayCore

/// A path is looked at again where a fault, a SIGHUP or a rotation says that something else may stand there: the folder
/// or the file may have been removed, moved, mounted over or restored. What is open tells nothing of that.
extension FileLog {
    /// For SIGHUP: somebody may have moved file or folder away. Goes on with those that the path leads to; where there
    /// was a file, the new one is made.
    func reopen() {
        guard place != nil else { return }
        let hadFile = file != nil
        mustLook = true
        do throws(DiskError) {
            try lookAgain()
            if hadFile, file == nil { try takeUp(at: now) }
        } catch {
            // It fails again with the next delivery, which says so.
        }
    }

    /// Compares folder, lock and file with what is at their paths, and goes on with that. All that was given to the
    /// file is durable or to be cut.
    func lookAgain() throws(DiskError) {
        guard let place else { return }
        mustLook = true
        if !place.folder.isWhereItsPathLeads() {
            try move(from: place)
        } else {
            if !place.lock.stands(in: place.folder) {
                takePlace(in: place.folder, under: try FolderLock(place.folder, for: template, mode: settings.mode))
            }
            if let current = file, isMovedAway(current, from: place.folder) {
                try file?.repair()
                file = nil
            }
        }
        mustLook = false
    }

    /// Goes on in the folder that the path leads to now; the lock moves along.
    private func move(from old: Place) throws(DiskError) {
        let folder = try LogFolder(template)
        // A copy of hard links holds the very file that is locked already.
        let isLocked = old.lock.stands(in: folder)
        let lock = isLocked ? old.lock : try FolderLock(folder, for: template, mode: settings.mode)
        // What cannot be cut over there stays: it was never called durable, and nobody's path leads to it.
        try? file?.repair()
        file = nil
        // Lines of a folder that was moved still exist, and need not come again; those of one that was removed do not.
        elsewhere = old.folder.isRemoved ? nil : seen
        takePlace(in: folder, under: lock)
        mustReadBack = true
    }
}
