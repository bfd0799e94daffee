import Foundation
import RelayTestKit

/// Posts one body after the other on one connection, with blocking calls: the least that a webhook costs.
final class PlainPoster {
    private let socket: Int32
    private var answer = [UInt8](repeating: 0, count: 4096)

    /// - Parameter port: of 127.0.0.1.
    init(port: UInt16) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
        }
        guard result == 0 else {
            throw KitFailure("cannot connect to port \(port): \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(socket) }

    /// Sends a request, and waits for an answer without a body.
    func post(_ body: ArraySlice<UInt8>) throws {
        let head = """
            POST / HTTP/1.1\r
            host: 127.0.0.1\r
            content-type: application/cloudevents+json\r
            content-length: \(body.count)\r
            \r

            """
        let request = Array(head.utf8) + body
        guard write(socket, request, request.count) == request.count else { throw KitFailure("a request was not sent") }
        var count = 0
        while !answer.prefix(count).suffix(4).elementsEqual("\r\n\r\n".utf8) {
            let more = answer.withUnsafeMutableBytes { bytes in
                read(socket, bytes.baseAddress.map { $0 + count }, bytes.count - count)
            }
            guard more > 0 else { throw KitFailure("an answer did not come") }
            count += more
        }
    }
}
