import FileSink
import PostgresOutbox

extension Check {
    /// Of the room that a file system has left.
    init(_ name: String, _ room: DiskRoom, at path: String, remedy: String) {
        guard let shortage = room.shortage else {
            self = .passed(name)
            return
        }
        let left = "\(room.free >> 20) MiB of \(room.size >> 20) MiB"
        let files = room.files > 0 ? ", and \(room.freeFiles) of \(room.files) files" : ""
        self = .failed(
            name, severity: shortage == .nearlyFull ? .error : .warning,
            "the file system of \(path) has \(left) left\(files)", remedy: remedy)
    }
}

/// `doctor`'s look at the server's disk. SQL does not tell how full it is: only where the server runs on this machine, and
/// the role may see where it keeps its data, is there something to ask the system about.
func serverDiskCheck(_ folders: ServerFolders) async -> Check {
    let name = "server_disk"
    guard folders.areLocal else {
        return .notChecked(
            name, "SQL does not tell how full the server's disk is, and the server may be on another machine",
            remedy: "watch it there, or run doctor there, through the server's Unix socket")
    }
    guard let data = folders.data else {
        return .notChecked(
            name, "the role may not see where the server keeps its data",
            remedy: "watch its disk by other means, or run doctor as a role with pg_read_all_settings")
    }
    for folder in folders.tablespaces + [data] {
        guard let room = await DiskRoom.of(folder) else {
            return .notChecked(
                name, "\(folder) cannot be looked at from here",
                remedy: "watch its disk where the server runs, in its container, say")
        }
        let check = Check(
            name, room, at: folder, remedy: "free space there: the server stops when it cannot write its WAL")
        if !check.ok { return check }
    }
    return .passed(name)
}
