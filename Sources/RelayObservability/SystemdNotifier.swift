import Glibc

/// Tells systemd how the service is, by the protocol of sd_notify(3): datagrams to the socket in `NOTIFY_SOCKET`.
///
/// Where there is no such socket, or nobody listens, nothing happens: a service must work without its manager.
package struct SystemdNotifier: Sendable {
    /// How long the service may be silent before its manager ends it; nil where nobody watches
    /// (sd_watchdog_enabled(3)).
    package let watchdogLimit: Duration?
    private let path: String?

    /// - Parameters:
    ///   - environment: the process's; `NOTIFY_SOCKET` is a path, or `@name` in the abstract namespace; `WATCHDOG_USEC`
    ///     counts where `WATCHDOG_PID` is this process's or is not set.
    package init(environment: [String: String]) {
        let socket = environment["NOTIFY_SOCKET"] ?? ""
        path = socket.hasPrefix("/") || socket.hasPrefix("@") ? socket : nil
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(getpid())" } ?? true
        let limit = environment["WATCHDOG_USEC"].flatMap(Int64.init) ?? 0
        watchdogLimit = path != nil && isMeant && limit > 0 ? .microseconds(limit) : nil
    }

    /// `READY=1` and what the service does now. It may be told once more.
    package func ready(status: String) {
        send("READY=1\nSTATUS=\(singleLine(status))")
    }

    /// What `systemctl status` shows.
    package func status(_ status: String) {
        send("STATUS=\(singleLine(status))")
    }

    /// `WATCHDOG=1`: the service works.
    package func isWorking() {
        send("WATCHDOG=1")
    }

    /// `RELOADING=1`: it reads its configuration again, until it is ready once more. The time is for managers that wait for
    /// the reload, `Type=notify-reload`.
    package func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        send("RELOADING=1\nMONOTONIC_USEC=\(Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1000)")
    }

    /// `READY=1` alone: what was begun with ``reloading()`` is done.
    package func reloaded() {
        send("READY=1")
    }

    /// `STOPPING=1`: the service has begun to end.
    package func stopping() {
        send("STOPPING=1")
    }

    private func singleLine(_ text: String) -> String {
        String(text.map { $0.isNewline ? " " : $0 })
    }

    private func send(_ message: String) {
        guard let path else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var name = Array(path.utf8)
        if name.first == UInt8(ascii: "@") { name[0] = 0 }
        // A path ends in a zero that counts; an abstract name ends where its length says.
        let isAbstract = name.first == 0
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? MemoryLayout<sa_family_t>.size
        let length = socklen_t(offset + name.count + (isAbstract ? 0 : 1))

        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(message.utf8)
        // A manager that does not read must not stop the service.
        let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { target in
                _ = sendto(
                    descriptor, bytes, bytes.count, flags, target, length
                )
            }
        }
    }
}
