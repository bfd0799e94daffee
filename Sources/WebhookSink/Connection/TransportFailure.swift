import AsyncHTTPClient
import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why a request got no answer, as a sentence. Whatever it was, it is an outage.
enum TransportFailure {
    /// - Parameters:
    ///   - receiver: The receiver, as it may be shown.
    ///   - settings: The limits that the sentence names.
    static func sentence(_ error: any Error, receiver: String, _ settings: WebhookSettings) -> String {
        switch error {
        case let failure as PlainFailure:
            return failure.sentence(receiver, settings)
        case let error as HTTPClientError:
            return sentence(error, receiver: receiver, settings)
        case let error as NIOConnectionError:
            return "\(receiver) cannot be reached: \(cause(error))"
        case let error as IOError:
            let isUnreachable = unreachable.contains(error.errnoCode)
            return isUnreachable
                ? "\(receiver) cannot be reached: \(text(error))"
                : "the connection to \(receiver) was lost: \(text(error))"
        case let problem as ResponseHeadProblem:
            return "\(receiver) answered with \(problem)"
        case is HTTPParserError:
            return "\(receiver) answered with something that is not HTTP (\(error))"
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return "no TLS connection to \(receiver): \(cause(tls: error))"
        default:
            return "\(receiver) gave no answer (\(Excerpt.make(String(describing: error).utf8, hiding: [])))"
        }
    }

    /// What connecting to an address fails with.
    private static let unreachable = [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, ETIMEDOUT]

    /// Whether the receiver's certificate was not accepted, for a reason that the error does not tell.
    static func isCertificateProblem(_ error: any Error) -> Bool {
        guard let error = error as? NIOSSLError, case .handshakeFailed = error else { return false }
        return libraryReasons(error).contains("certificate verify failed")
    }

    private static func sentence(_ error: HTTPClientError, receiver: String, _ settings: WebhookSettings) -> String {
        switch error {
        case .deadlineExceeded, .readTimeout, .writeTimeout:
            "\(receiver) did not answer within \(settings.timeout)"
        case .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout:
            "connecting to \(receiver) took longer than \(settings.connectTimeout)"
        case .remoteConnectionClosed:
            "\(receiver) closed the connection before it answered"
        case .proxyAuthenticationRequired:
            "the proxy requires a user and a password; set them in its environment variable"
        case .invalidProxyResponse, .httpProxyHandshakeTimeout:
            "the proxy did not connect to \(receiver)"
        default:
            "\(receiver) gave no answer (\(error.shortDescription))"
        }
    }

    private static func cause(_ error: NIOConnectionError) -> String {
        guard let failure = error.connectionErrors.first?.error else { return "its name cannot be resolved" }
        switch failure {
        case let failure as IOError: return text(failure)
        case ChannelError.connectTimeout: return "it does not respond"
        default: return String(describing: failure)
        }
    }

    private static func text(_ error: IOError) -> String { String(cString: strerror(error.errnoCode)) }

    private static func cause(tls error: any Error) -> String {
        switch error {
        case NIOSSLError.uncleanShutdown:
            "it closed the connection"
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            "its certificate is for another name"
        default:
            libraryReasons(error).first.map { "the handshake failed (\($0))" } ?? "the handshake failed"
        }
    }

    /// What BoringSSL calls the reasons, in small letters: they are in its text as `OPENSSL_internal:WRONG_NUMBER`,
    /// with places in its source behind them.
    private static func libraryReasons(_ error: any Error) -> [String] {
        String(describing: error).components(separatedBy: "OPENSSL_internal:").dropFirst().map { rest in
            rest.prefix { $0.isUppercase || $0.isNumber || $0 == "_" }.replacing("_", with: " ").lowercased()
        }
    }
}
