import Foundation
import Glibc
import RelayTestKit

/// A small file system of the run's own, which can be filled: ext4 on a loop device, else tmpfs. It takes root and a
/// mount namespace, with which it goes however this process ends; without them there is a plain folder and no fault.
struct SmallDisk: Sendable {
    /// The folder that sinks write to.
    let path: String
    /// What it is: `ext4`, `tmpfs`, or nil where it is a plain folder.
    let kind: String?

    private static let mark = "RELAY_CHAOS_NAMESPACE"

    /// Starts this program anew in a mount namespace of its own, where that is possible and was not yet done. To be
    /// called before anything else.
    static func enterNamespace() async {
        guard getuid() == 0, getenv(mark) == nil else { return }
        let options = ["unshare", "--mount", "--propagation", "private", "--"]
        guard let trial = try? await run(options + ["true"]), trial.status == .exited(0) else { return }
        setenv(mark, "1", 1)
        guard let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else { return }
        let words = options + [program] + CommandLine.arguments.dropFirst()
        var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        execvp("unshare", &arguments)
    }

    /// Room for some million events. The image holds what was written to it, a tmpfs holds it in memory.
    private static let (imageSize, memorySize) = ("2G", "512M")

    /// - Parameter folder: where to make it.
    init(in folder: String) async throws {
        path = "\(folder)/disk"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard getenv(Self.mark) != nil else {
            kind = nil
            return
        }
        let image = "\(folder)/disk.img"
        let make = "truncate -s \(Self.imageSize) \(image) && mkfs.ext4 -q -m 0 \(image)"
        let commands = [
            ("ext4", "\(make) && mount -o loop \(image) \(path)"),
            ("tmpfs", "mount -t tmpfs -o size=\(Self.memorySize) none \(path)"),
        ]
        for (kind, command) in commands {
            if let done = try? await run(["sh", "-c", command]), done.status == .exited(0) {
                self.kind = kind
                return
            }
        }
        kind = nil
    }

    /// Leaves no room at all.
    func fill() {
        let ballast = open("\(path)/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(ballast) }
        // What is set aside costs no time; the rest is written, down to the last byte.
        var portion = 256 << 20
        var size: off_t = 0
        while portion >= 4096 {
            if posix_fallocate(ballast, size, off_t(portion)) == 0 { size += off_t(portion) } else { portion /= 2 }
        }
        let byte: [UInt8] = [0]
        lseek(ballast, 0, SEEK_END)
        while write(ballast, byte, 1) == 1 {}
    }

    func makeRoom() { unlink("\(path)/ballast") }

    /// Lets go of it; nothing writes to it any more.
    func remove() {
        if kind != nil { umount2(path, Int32(MNT_DETACH)) }
    }
}
