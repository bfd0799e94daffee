import Foundation
import Glibc
import RelayTestKit

/// A proxy that takes CONNECT, and leads every tunnel to one port of this machine, whatever was asked for.
final class TunnelProxy: Sendable {
    private let server: RawServer
    var port: Int { server.port }

    /// - Parameter seen: Takes the head of each CONNECT.
    init(to target: Int, seen: @escaping @Sendable (String) -> Void) throws {
        server = try RawServer { connection in
            seen(connection.readRequest())
            guard let onward = RawConnection(to: target) else { return }
            connection.send("HTTP/1.1 200 Connection established\r\n\r\n")
            let back = DispatchSemaphore(value: 0)
            Thread.detachNewThread {
                while let bytes = onward.read(), connection.send(bytes) {}
                shutdown(connection.descriptor, Int32(SHUT_RDWR))
                back.signal()
            }
            while let bytes = connection.read(), onward.send(bytes) {}
            shutdown(onward.descriptor, Int32(SHUT_RDWR))
            back.wait()
            close(onward.descriptor)
        }
    }

    func stop() { server.stop() }
}

extension RawConnection {
    /// Connects to a port of this machine.
    init?(to port: Int) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in.loopback(port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) == 0 }
        }
        guard isConnected else {
            close(descriptor)
            return nil
        }
        self.init(descriptor: descriptor)
    }
}

extension sockaddr_in {
    /// A port of 127.0.0.1.
    static func loopback(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        return address
    }
}
